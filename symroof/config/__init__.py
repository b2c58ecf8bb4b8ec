"""A config from a file, a dict, the hub or the catalogue, and what became of its keys."""
