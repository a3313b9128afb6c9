"""What a person starts: the command line, later a local page."""
