"""The model as MLflow loads it: models-from-code around a verified artifact, no pickle.

`mlflow.pyfunc.load_model("models:/NAME@champion").predict(frame)` takes a pandas frame of the
signature's columns and returns churn_probability, health_score and its interval's ends,
health_score_low and health_score_high, one row each; the model of an opportunity returns
opportunity_probability, opportunity_score and so on.
"""

import warnings
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc.model import PythonModelContext

from training.artifact import first_load
from training.expiry import ExpiredModel, expired
from training.learning.matrix import (
    HISTORY,
    SEGMENT,
    Feature,
    matrix,
    tabular,
    uses_history,
    uses_segments,
)


class HealthModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
    """Probability and score of feature rows."""

    def load_context(self, context: PythonModelContext) -> None:
        """Loads the artifact, verified and tried; warns where its day of expiry has passed."""
        self.artifact = first_load(Path(context.artifacts["artifact"]))
        expiry = (context.model_config or {}).get("expiry")
        if warning := expired(self.artifact, expiry, datetime.now(UTC).date()):
            warnings.warn(warning, ExpiredModel, stacklevel=2)

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, object] | None = None,
    ) -> pd.DataFrame:
        """Scores the rows of `model_input`; an absent column is unknown in every row.

        A row without any known value has no score. Batch scoring and the service check whether an
        account is active and has enough history; this does not.
        """
        features = self.artifact.features
        columns = {feature.name: _values(model_input, feature) for feature in tabular(features)}
        if uses_history(features) and HISTORY in model_input:
            columns[HISTORY] = pa.Array.from_pandas(model_input[HISTORY], type=pa.float64())
        if uses_segments(features):
            named = model_input[SEGMENT] if SEGMENT in model_input else [None] * len(model_input)
            columns[SEGMENT] = pa.array(named, pa.string())
        X = matrix(pa.table(columns), features)
        margins = np.where(np.isnan(X).all(axis=1), np.nan, self.artifact.margins(X))
        scale = self.artifact.scale
        score, around = scale.unclipped(margins), self.artifact.half_widths(X)
        held = (np.clip(points, 0, 100) for points in (score, score - around, score + around))
        outputs = scale.probability(margins), *held
        return pd.DataFrame(
            dict(zip(self.artifact.output_names, outputs, strict=True)), index=model_input.index
        )


def _values(frame: pd.DataFrame, feature: Feature) -> pa.Array:
    kind = pa.string() if feature.dtype == "category" else pa.float64()
    if feature.name not in frame:
        return pa.nulls(len(frame), kind)
    return pa.Array.from_pandas(frame[feature.name], type=kind)


mlflow.models.set_model(HealthModel())
