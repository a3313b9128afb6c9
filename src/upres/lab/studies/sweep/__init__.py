"""Many trainings as jobs of a ledger: planned, done on one machine or several, and collected into one table."""
