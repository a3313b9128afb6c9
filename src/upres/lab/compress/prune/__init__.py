"""Channels and blocks taken out of a network: narrower convolutions, nothing to skip, no masks."""
