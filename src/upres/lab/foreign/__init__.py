"""Other people's weight files: read, recognised by their tensors, converted."""
