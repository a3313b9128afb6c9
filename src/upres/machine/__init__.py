"""What upres knows of the computer it runs on, and how files are written there."""
