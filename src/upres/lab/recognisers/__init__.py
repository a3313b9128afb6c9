"""How other people's weight files look, one file a family; `upres.lab.foreign` holds the table and the reader."""
