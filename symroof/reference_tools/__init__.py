"""Graphs as other tools count them, under rules of their names."""
