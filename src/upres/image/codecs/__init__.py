"""One file for each way into and out of file formats; `upres.image.io` is the door."""
