"""The catalogue of shipped models and the card that every model file carries. No torch."""
