"""Layers that two or more architectures use."""
