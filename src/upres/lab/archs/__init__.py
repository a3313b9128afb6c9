"""Architectures, one file a paper; `upres.lab.zoo` is the table of names.

What a class says of the pictures that its networks take: ``color_mode`` and ``halo`` always; ``min_size``,
``multiple_of`` (both 1) and ``task`` (``upscale``) where a network differs. Model cards take these over.
"""
