"""Where networks are trained, compared, compressed and exported. Everything here may import torch."""
