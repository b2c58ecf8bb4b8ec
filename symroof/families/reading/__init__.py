"""What the readers of all families share, and what a new one is made of.

keys            single config keys, checked
family          what a reader takes and returns, and the table of readers
parts           sublayers and whole decoders
rotary          the rotated part of each head
layer_patterns  full and sliding-window attention by layer
moe_layers      routed and dense networks by layer
mtp             multi-token-prediction modules
catalogue       the built-in models as table rows
unsupported     model types that are not covered, and why
"""
