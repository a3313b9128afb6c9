"""Architectures, one file a paper; `upres.lab.zoo` is the table of names."""
