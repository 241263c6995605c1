"""From snapshots to a validated artifact: splitting, fitting, calibration, health, evaluation."""

import os

# Threads of LightGBM that wait must not burn the core that another one needs: on a busy machine
# that made training five times slower. libgomp reads it once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
