# %% [markdown]
# # Reading drivers
#
# A score without reasons is a horoscope, and a reason that is read wrongly is worse than none. This
# notebook shows what a driver is, what its points add up to, and where its limits are.
#
# It runs on CDNOW's real customers: `make demo` makes the tables, and so does
# `.venv/bin/python examples/cdnow/get_data.py`. For another company set `CHURNLIGHT_COMPANY`.

# %%
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import shap

import features
from features import contract, snapshots
from features.declaring.declaration import load
from training.explaining import drivers
from training.learning import search
from training.learning.matrix import matrix
from training.movement.accounting import ScoredSnapshot, movements
from training.train import fit_and_evaluate

HOUSE = Path(features.__file__).parents[1]
company = load(Path(os.environ.get("CHURNLIGHT_COMPANY", HOUSE / "examples/cdnow")))
target = next(name for name, declared in company.targets.items() if declared.adverse)

# %% [markdown]
# ## A model to read
#
# Three as-of dates keep this short; `churnlight train` uses all mature months. It would also search
# for the right model settings and leave the trees out where they bring no significant gain. Here a
# few small trees stay beside the scorecard, because they make the drivers more interesting.

# %%
with contract.sound_tables(company) as tables:
    learn = snapshots.mature_month_starts(tables, target)[-7::3]
    today = snapshots.data_until(tables)
    rows = snapshots.build_from(tables, [*learn, today])
model_settings = replace(search.FIRST_TRIED[0], rounds=80, share=0.5)
choice = search.Choice(model_settings, "the notebook's own choice")
artifact = fit_and_evaluate(rows, company, target, learn, choice=choice)
print(f"trained on {', '.join(map(str, learn))}; read on {today}")

# %% [markdown]
# ## First the certificate
#
# The certificate shows how far the model's explanations can be trusted: do they add up, do they
# agree with LightGBM, does replacing the top driver move the score as stated, and would another
# seed have the same top driver? After a failed check, read on with care.

# %%
certificate = artifact.evaluation.certificate
assert certificate is not None
for check in certificate.checks:
    value = "not checked" if check.value is None else f"{check.value:.3g}"
    mark = {True: "passed", False: "failed", None: "–"}[check.passed]
    print(f"{mark:7} {check.name}: {value} ({check.aim} {check.threshold:g})")

# %% [markdown]
# ## One account
#
# We take the eligible account with the lowest score. `explain` returns the shap package's own
# object, in health points: 100 is healthiest, so a negative value lowers the score. By indicator,
# all windows and trends of one measure are one driver.

# %%
now = rows.at(today).table
eligible = pc.and_(
    now[f"eligible__{target}"], pc.greater_equal(now["history_days"], company.bands.min_history)
)
now = now.filter(pc.fill_null(eligible, False))
explained = artifact.explain(now, by="indicator")
scores = explained.base_values + explained.values.sum(axis=1)
lowest = int(np.argmin(scores))
print(f"account {now['account_id'][lowest]}: {scores[lowest]:.2f} points before clipping to 0–100")
shap.plots.waterfall(explained[lowest], show=False)

# %% [markdown]
# The points and the base add up to the score exactly; this is not an approximation of the model.

# %%
X = matrix(now, artifact.features)
gap = np.abs(scores - artifact.scale.unclipped(artifact.margins(X))).max()
assert gap <= 1e-9
print(f"largest gap between the sum of the drivers and the score: {gap:.1e}")

# %% [markdown]
# People read sentences. Each states the value and the usual value, and the page adds whether it
# *lowers* or *raises* the score. It never says that the customer leaves because of it.

# %%
shown = drivers.shown_feature(artifact.features, X, artifact.contributions(X))
indicators = explained.feature_names
for driver in np.argsort(-np.abs(explained.values[lowest]))[:4]:
    feature = artifact.features[shown[lowest, driver]]
    number, points = X[lowest, shown[lowest, driver]], explained.values[lowest, driver]
    known = None if np.isnan(number) else explained.display_data[lowest, driver]
    meaning = artifact.meanings[indicators[driver]]
    print(f"{points:+6.1f}  {drivers.sentence(meaning, feature, known, lowers=points < 0)}")

# %% [markdown]
# ## All accounts
#
# A dot per account and indicator: to the left it lowers the score, to the right it raises it. Look
# for the direction that you expected, and for an indicator whose strength surprises you.

# %%
titles = [artifact.meanings[name].title for name in indicators]
sample = explained[:: max(1, len(scores) // 800)]
shap.plots.beeswarm(
    shap.Explanation(sample.values, sample.base_values, sample.data, feature_names=titles),
    show=False,
)

# %% [markdown]
# Indicators add up to dimensions, and dimensions to the score, so the page can show first *where*
# the trouble is. Context (plan, age, region: it cannot be changed) is shown apart and has no
# playbook.

# %%
groups = [
    "context" if artifact.kinds[name] == "context" else artifact.meanings[name].dimension
    for name in indicators
]
by_dimension = pd.DataFrame(explained.values, columns=groups).T.groupby(level=0).sum().T
print(by_dimension.describe().loc[["mean", "std", "min", "max"]].round(2))

# %% [markdown]
# ## What changed since the last run
#
# The tempting answer is to subtract the old drivers from the new ones. It misleads: a part of the
# movement then lands on indicators that did not move at all, for in trees a Shapley value depends
# on all the others. So the movement between two snapshots is attributed only to the values that
# changed.

# %%
before = rows.at(learn[-1]).table
was_there = now.filter(pc.is_in(now["account_id"], before["account_id"])).slice(0, 200)
same_accounts = pc.index_in(was_there["account_id"], before["account_id"])
old, new = before.take(same_accounts), was_there
moved = movements(
    ScoredSnapshot(artifact, old), ScoredSnapshot(artifact, new), alike=list(artifact.meanings)
)
furthest = max(range(len(moved)), key=lambda row: abs(moved[row].new_score - moved[row].old_score))
movement = moved[furthest]
print(
    f"account {new['account_id'][furthest]}: {movement.old_score:.1f} on {learn[-1]}, "
    f"{movement.new_score:.1f} on {today} (not clipped)"
)
for change in movement.changes[:4]:
    was, is_now = (drivers.amount(value, change.unit) for value in (change.old, change.new))
    within = f" in {drivers.span(change.window)}" if change.window else ""
    print(f"{change.health_points:+6.1f}  {change.title}{within}: {was}, now {is_now}")

# %% [markdown]
# And the tempting answer, on the same accounts: how much of the movement it attributes to
# indicators that did not change at all. Trees as small as these are nearly additive, so the share
# is small here; it grows with the depth of the trees and the number of unchanged indicators.

# %%
X_old, X_new = matrix(old, artifact.features), matrix(new, artifact.features)
column_moved = ~((X_old == X_new) | (np.isnan(X_old) & np.isnan(X_new)))
owner = np.array([indicators.index(item.indicator) for item in artifact.features])
still = np.column_stack([~column_moved[:, owner == k].any(axis=1) for k in range(len(indicators))])
subtracted = np.abs(
    artifact.explain(new, by="indicator").values - artifact.explain(old, by="indicator").values
)
share = subtracted[still].sum() / max(subtracted.sum(), 1e-12)
print(f"{share:.2%} of the subtracted movement is on indicators that did not move")

# %% [markdown]
# ## What drivers do not show
#
# * **Not why.** They describe the model. Few orders lower the score because customers with few
#   orders left more often; that a coupon would keep this one does not follow. Hold-outs
#   show what helps; drivers do not.
# * **Not apart from each other.** Of two indicators that move together, each gets a share that the
#   other could have had. The sum of the pair is reliable, the split is not.
# * **Not about the missing.** "Not known" can move a score, but is never a reason for a customer.
