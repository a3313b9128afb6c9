"""Image quality by the papers' rules."""
