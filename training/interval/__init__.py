"""How wide the interval around a score has to be, measured."""
