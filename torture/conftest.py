"""What the long proofs share with the tests: nothing leaves the machine, waiting threads sleep."""

import os

import hypothesis

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

hypothesis.settings.register_profile("torture", deadline=None, print_blob=True)
hypothesis.settings.load_profile("torture")
