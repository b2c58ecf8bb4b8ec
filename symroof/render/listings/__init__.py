"""Lists of models, machines and config keys as text."""
