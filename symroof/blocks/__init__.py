"""A kind of sublayer becomes its operators, and a structure the graph of a decoder."""
