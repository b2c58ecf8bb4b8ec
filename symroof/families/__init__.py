"""One lineage of models a module: functions that read a config into an architecture."""
