"""Networks made cheaper after or while they are trained."""
