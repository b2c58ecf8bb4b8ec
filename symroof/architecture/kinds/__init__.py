"""The kinds of sublayers that a decoder can have: frozen flags, without sizes."""
