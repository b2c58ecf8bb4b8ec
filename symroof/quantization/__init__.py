"""The format of every role of weights, from a quantization_config and from options."""
