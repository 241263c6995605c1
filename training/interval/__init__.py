"""How wide the interval around a score must be, measured."""
