"""From raw margins to probabilities and scores: calibration, bands and the two scales."""
