"""What the families share: parts of layers, patterns over layers, multi-token prediction."""
