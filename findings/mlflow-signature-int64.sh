#!/bin/bash
# MLflow: a signature of doubles refuses int64 columns, whatever they hold.
#
# 3 as int32 or float32 becomes 3.0; 3 as int64, which is what pandas makes of whole numbers, is
# refused, since some int64 have no exact double. A signature of strings refuses categories.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mlflow-skinny==3.17.2 pandas==3.1.1 numpy==2.4.6
cd "$work"
MLFLOW_DISABLE_TELEMETRY=true "$work/venv/bin/python" - <<'EOF'
import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.utils import _enforce_schema
from mlflow.types import ColSpec, Schema

print("MLflow", mlflow.__version__)


def accepted(kind: str, name: str, column: pd.Series) -> bool:
    try:
        _enforce_schema(pd.DataFrame({name: column}), Schema([ColSpec(kind, name)]))
    except MlflowException as error:
        print(f"  {kind} from {column.dtype}: refused: {error.message.splitlines()[0]}")
        return False
    print(f"  {kind} from {column.dtype}: accepted")
    return True


for dtype, expected in {"float32": True, "int32": True, "int64": False, "Int64": False}.items():
    assert accepted("double", "seats", pd.Series([3], dtype=dtype)) is expected, dtype
assert accepted("string", "plan", pd.Series(["team"], dtype="category")) is False
EOF
echo "as described"
