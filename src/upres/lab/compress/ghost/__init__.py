"""Networks in which a share of a convolution's maps are shifted copies of the others (GhostSR, arXiv:2101.08525)."""
