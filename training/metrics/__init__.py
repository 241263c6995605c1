"""How good scores are on given rows: discrimination, calibration and value, with intervals."""
