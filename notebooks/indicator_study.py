# %% [markdown]
# # Which indicators signal churn early enough?
#
# An indicator is worth a call only if it moves while there is still time to act. This notebook
# measures that: for every indicator of a company, how many days before churn it still separates
# the accounts that will leave from those that stay. Nothing is trained here.
#
# It runs on the **simulated** B2B company of `examples/saas`. `make demo COMPANY=examples/saas`
# makes its tables, and so does `.venv/bin/python examples/saas/get_data.py`. For another company
# set `CHURNLIGHT_COMPANY` to its folder.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from matplotlib.figure import Figure

import features
from features import contract, snapshots
from features.declaring.declaration import load
from features.lead_times import measure as lead_times
from features.lead_times import plots

HOUSE = Path(features.__file__).parents[1]
company = load(Path(os.environ.get("CHURNLIGHT_COMPANY", HOUSE / "examples/saas")))
target = next(name for name, declared in company.targets.items() if declared.adverse)
declared = company.targets[target]
print(f"{company.about.name}: {target}, that is {declared.title}")
print(f"gap {declared.gap} days, horizon {declared.horizon} days")

# %% [markdown]
# ## What was declared
#
# Each line is one table of `churnlight.toml`; those that are still drafts or shadows are left out
# here and measured below all the same. *Leading* is a claim: the declaration says that the
# indicator moves early. Below, the data decide.

# %%
claims = pd.DataFrame(
    {
        "indicator": indicator.title,
        "dimension": indicator.dimension,
        "declared": indicator.kind,
        "measure": indicator.measure,
        "healthy side": indicator.healthy,
    }
    for indicator in company.staged("live").values()
)
print(claims.fillna("–").to_string(index=False))

# %% [markdown]
# ## What was known, and when
#
# A snapshot has one row per account and as-of date, with what had happened *and was known* on that
# morning. The as-of dates are one grid for everybody. Taking churners on the day they left and
# everybody else today is the commonest leak in the field: such a model looks brilliant and has
# only learned the calendar.
#
# `STEP` is the distance of the dates, and so the resolution of every lead below. 30 days keep this
# short; `churnlight lead-time` looks every 7.

# %%
STEP = 30
with contract.sound_tables(company) as tables:
    days = lead_times.as_of_dates(tables, target, STEP)
    rows = snapshots.build_from(tables, days)
    churned = lead_times.churned(tables, target)
print(f"{rows.table.num_rows:,} rows, {len(days)} as-of dates from {days[0]} to {days[-1]}")

# %% [markdown]
# Missing is not zero: an account that never got a survey has no satisfaction, not a bad one. A
# column that is rarely known can still be useful, but not for most accounts. The ten columns with
# the fewest known values:

# %%
known = pd.Series(
    {
        column.name: pc.mean(pc.is_valid(rows.table[column.name]).cast("int8"))
        for column in rows.columns
    }
)
print(known.map(lambda share: share.as_py()).nsmallest(10).map("{:.0%}".format).to_string())

# %% [markdown]
# ## How early each one signals churn
#
# Every account that churned is compared, at each lag before its churn, with the accounts that were
# at risk on the same date. 0.5 is chance; a lead is certified only where the separation is
# significant at the gap and at every lag up to it. An indicator without a certified lead is not
# refuted: the evidence is missing.

# %%
comparisons = lead_times.compare_groups(rows, company, churned, STEP, segments=False)
measured = lead_times.measure(rows, comparisons, step=STEP)
ranked = sorted(
    measured.leads, key=lambda lead: (lead.finding != "leading", -(lead.lead_days or 0))
)
print(f"{measured.churners:,} accounts churned while they were looked at")
for lead in ranked[:10]:
    print(f"{lead.title}\n    {lead.sentence}")

# %% [markdown]
# The whole curve matters, not only its end. Time runs to the right and churn is at the right edge;
# the dashed line is the gap, the band is the 95% interval, and the thick part is certified. A
# curve that only rises at the very end describes a customer who has left already.

# %%
shown = [lead for lead in ranked if lead.at_gap.auc is not None][:6]
picture = Figure(figsize=(10, 2.6 * -(-max(len(shown), 1) // 2)), layout="constrained")
panels = picture.subplots(-(-max(len(shown), 1) // 2), 2, squeeze=False, sharey=True)
for lead, panel in zip(shown, panels.flat, strict=False):
    points = [point for point in lead.curves[0].points if point.auc is not None]
    plots.draw(panel, points, lead.finding, measured.gap_days, STEP)
    panel.set_title(f"{lead.title}: {lead.finding}", loc="left", fontsize=9)
picture

# %% [markdown]
# ## Declared and measured
#
# Where the two disagree, the measurement wins: an indicator that is declared leading and does not
# lead still counts in the score, but never heads an account's reasons. A finding of *partly its
# definition* deserves suspicion: where churn means silence, "days since the last order" leads by
# construction. And a count of tickets may fail for a plain reason: customers who have given up ask
# as little as those who are happy.

# %%
for lead in measured.leads:
    if lead.declared == "leading" and lead.finding != "leading":
        print(f"{lead.title}\n    {lead.sentence}")
verdict = pd.crosstab(
    pd.Series([lead.declared for lead in measured.leads], name="declared"),
    pd.Series([lead.finding for lead in measured.leads], name="measured"),
)
print(verdict)
early = [lead.lead_days for lead in measured.leads if lead.finding == "leading" and lead.lead_days]
if early:
    print(f"median certain lead of those that lead: {np.median(early):.0f} days")

# %% [markdown]
# ## What to do with it
#
# * Lead shorter than your team needs to act? Keep the indicator for the score, and look for an
#   earlier one: support that is asked twice, a sponsor who left, a trend instead of a level.
# * Not shown? Leave it at `stage = "shadow"`: it is computed and watched, and moves no score.
# * `churnlight indicators --company DIR` answers the next question: does it add anything that the
#   others do not? An early indicator that repeats another adds nothing.
