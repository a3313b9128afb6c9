"""Series of small trainings that answer one question."""
