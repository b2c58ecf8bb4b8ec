"""Model and Report: a config and a graph, compiled to plain Python and evaluated."""
