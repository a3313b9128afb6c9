"""Trained networks looked into: what their layers hold and what their outputs depend on, as figures and JSON."""
