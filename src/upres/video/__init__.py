"""Videos made larger, nothing of them lost but the picture's size. Only this room imports PyAV (extra `video`)."""
