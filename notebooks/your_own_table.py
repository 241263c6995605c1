# %% [markdown]
# # Bring your own table
#
# No declaration, no event tables: one row per customer, and a column that says who left. The
# search, the calibration, the drivers and the refusals are those of a declared company.
#
# The table is made here, so that we know what is true: tenure, plan and open tickets move the risk,
# the colour of the logo does not. For your own, replace the next cell by `pd.read_parquet(…)`.

# %%
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import shap

import training
from features.errors import ContractBroken
from training.artifact import Artifact
from training.reporting import calibration_plots, model_report

ROWS = 2_000
draw = np.random.default_rng(20)
plan = draw.choice(["basic", "pro", "team"], ROWS, p=[0.5, 0.3, 0.2])
tenure, tickets = draw.exponential(24, ROWS), draw.poisson(1.2, ROWS)
log_odds = -0.8 + 1.2 * (plan == "basic") - tenure / 18 + 0.5 * tickets
truth = 1 / (1 + np.exp(-log_odds))
customers = pd.DataFrame(
    {
        "customer": [f"C{number:04}" for number in range(ROWS)],
        "plan": plan,
        "tenure_months": np.where(draw.random(ROWS) < 0.05, np.nan, tenure),
        "open_tickets": tickets,
        "logo": draw.choice(["red", "blue", "grey"], ROWS),
        "left": np.where(draw.random(ROWS) < truth, "yes", "no"),
    }
)
print(customers.head().to_string(index=False))

# %% [markdown]
# ## Refused columns, and why that is good news
#
# Real tables hold columns that were written *after* the customer left: an exit reason, a refund, a
# closed account. A model of them is excellent on paper and useless on the day it is needed. All
# problems are reported at once, before anything is trained.

# %%
careless = customers.assign(
    exit_reason=customers["left"].map({"yes": "too expensive"}),
    region="EU",
    seats=np.inf,
)
try:
    training.fit(careless, label="left", id="customer")
except ContractBroken as refused:
    print(refused)

# %% [markdown]
# ## One call
#
# `id` identifies the customer, so that no customer is on both sides of a fold. If your table has
# several dates, name the column with `time=`: then the model is tested on the latest rows, which is
# the stricter and more honest test. Without it the report says that there was no later test.

# %%
artifact = training.fit(customers, label="left", id="customer", trials=2)
evaluation = artifact.evaluation
auc, loss = evaluation.quality.auc, evaluation.quality.log_loss
size = f"{evaluation.quality.rows:,} rows, {evaluation.quality.events:,} left"
print(f"evaluated on {evaluation.kind}, {size}")
print(f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})")
print(f"log loss {loss.value:.3f} ({loss.low:.3f} to {loss.high:.3f})")
for baseline in evaluation.baselines:
    gain = f"{baseline.gain.value:.4f} ({baseline.gain.low:.4f} to {baseline.gain.high:.4f})"
    print(f"gain over {baseline.baseline}: {gain}")

# %% [markdown]
# The search also tries the simplest model of all, a scorecard without trees. Where trees do not
# lower its loss by more than noise, it is used alone: easier to explain, and as good. Here the
# truth
# *is* a scorecard.

# %%
print(f"{len(artifact.models)} boosters beside the scorecard")
print(artifact.training.trees_left_out)

# %% [markdown]
# ## Do the probabilities match the outcomes?
#
# Of customers with 30 in 100, about 30 should leave. Here, and only because the table is invented,
# the true risk is known too.

# %%
probability = artifact.probability(customers)
print(f"mean predicted {probability.mean():.3f}, left {(customers['left'] == 'yes').mean():.3f}")
print(f"mean distance from the true risk: {np.abs(probability - truth).mean():.3f}")
calibration_plots.curve(evaluation.quality.reliability)

# %% [markdown]
# ## What moves the scores
#
# Health points: to the left lowers the score. The logo should do next to nothing, and a sensible
# reader looks for that first: an irrelevant column that matters is a warning about the table.

# %%
explained = artifact.explain(customers)
shap.plots.beeswarm(explained, show=False)

# %%
strength = pd.Series(np.abs(explained.values).mean(axis=0), explained.feature_names)
print(strength.sort_values(ascending=False).round(2).to_string())

# %% [markdown]
# ## New rows
#
# The order of the columns does not matter, extra ones are ignored, and a plan that was not in the
# training data counts as unknown. Missing columns are refused by name.

# %%
fresh = customers.drop(columns=["left"]).head(3).assign(plan=["basic", "pro", "enterprise"])
print(artifact.probability(fresh).round(3))
try:
    artifact.probability(fresh.drop(columns=["plan", "open_tickets"]))
except ContractBroken as refused:
    print(refused)

# %% [markdown]
# ## Keep it
#
# An artifact is a folder of text files with their digests. Loading verifies every byte before it
# parses anything; nothing is pickled. The report is one HTML page.

# %%
with tempfile.TemporaryDirectory(prefix="churnlight-notebook-") as place:
    folder = Path(place) / "model"
    artifact.save(folder)
    model_report.write(artifact, folder)
    print(sorted(file.name for file in folder.iterdir()))
    again = Artifact.load(folder)
    assert np.array_equal(again.probability(fresh), artifact.probability(fresh))

# %% [markdown]
# The same on the command line:
#
# ```sh
# churnlight train --table customers.parquet --label left --id customer --out model/
# churnlight score --model model/ --table today.parquet --out scores.parquet
# ```
