"""How a picture becomes a larger one: sizes, plans, stages, windows, sessions, memory."""
