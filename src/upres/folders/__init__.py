"""Many pictures in one run: which they are, what is done already, what became of each."""
