"""From snapshots to a validated artifact: splitting, fitting, calibration, health, evaluation."""
