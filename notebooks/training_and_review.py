# %% [markdown]
# # Training and the six-monthly review
#
# Twice a year somebody has to decide whether a new model takes the place of the old one. This
# notebook plays one such half-year on real data: a champion is trained on what was known half a
# year ago, a challenger on what is known today, and the review tests which of them was right about
# the customers who have left since.
#
# It runs on CDNOW's real customers: `make demo` makes the tables, and so does
# `.venv/bin/python examples/cdnow/get_data.py`. For another company set `CHURNLIGHT_COMPANY`.
# Models go to a temporary workspace, so that a demo's own registry stays as it is.

# %%
import os
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

import features
from features import contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import GateRefused
from features.settings import Settings
from training.champions import install_champion
from training.expiry import VALID_FOR
from training.registry import tracking
from training.reporting import calibration_plots, gains_plots, plots
from training.review import review as reviews
from training.summary import of_company
from training.train import train

HOUSE = Path(features.__file__).parents[1]
company = load(Path(os.environ.get("CHURNLIGHT_COMPANY", HOUSE / "examples/cdnow")))
target = next(name for name, declared in company.targets.items() if declared.adverse)
workspace = tempfile.TemporaryDirectory(prefix="churnlight-notebook-")
settings = Settings(workspace=workspace.name, trials=1)

# %% [markdown]
# ## Half a year ago
#
# Going back in time takes one line: the tables end earlier. A fact that reached us later than that
# morning does not count, and a label is used only where its outcome was settled by then. Some five
# month starts and one trial keep this short; `churnlight train` uses all months and eight trials.


# %%
def ending(company: Company, until: date) -> Company:
    """The company as its tables stood on the morning of a day."""
    about = company.about.model_copy(update={"data_until": until})
    return company.model_copy(update={"about": about})


with contract.sound_tables(company) as tables:
    today = snapshots.data_until(tables)
    mature = snapshots.mature_month_starts(tables, target)
months = mature[:: -max(1, len(mature) // 5)][::-1]
past = ending(company, today - VALID_FOR)
with contract.sound_tables(past) as tables:
    settled = set(snapshots.mature_month_starts(tables, target))
known_then = [day for day in months if day in settled]
print(f"then, on {today - VALID_FOR}: {', '.join(map(str, known_then))}")
print(f"now, on {today}: {', '.join(map(str, months))}")

# %%
champion = train(past, known_then, targets=[target], settings=settings).trained[0]
print(of_company(champion))

# %% [markdown]
# ## May it serve?
#
# Training registers a *challenger*; only promotion makes a champion. The gate asks for more than
# "better than chance": the model must be significantly better than the base rate and the single
# best column. Otherwise it is refused, with the figures, and the registry stays as it is. (The
# registry of this notebook is thrown away at its end, so a refused model may play the champion for
# once: the review needs one.)

# %%
try:
    tracking.promote(past, target, settings=settings)
    print(f"champion: {champion.name} version {champion.version}")
except GateRefused as refused:
    print(refused)
    installed = tracking.fetch(past, target, champion.version, settings)
    install_champion(installed, settings.workspace_of(past))

# %% [markdown]
# Three figures show most of it. Do the probabilities match what happened?

# %%
evaluation = champion.artifact.evaluation
calibration_plots.curve(evaluation.quality.reliability)

# %% [markdown]
# Do the bands separate? (Compare the bars, and mind the whiskers.)

# %%
plots.bands(evaluation.bands or {})

# %% [markdown]
# And is it useful to a team that can work on only some accounts?

# %%
gains_plots.gains(evaluation.value.gains, company.bands.capacity)

# %% [markdown]
# ## Today
#
# The same procedure on today's tables makes the challenger.

# %%
challenger = train(company, months, targets=[target], settings=settings).trained[0]
print(of_company(challenger))

# %% [markdown]
# ## The review
#
# Both models are tested on as-of dates whose outcomes have settled since and on which neither was
# trained. Where the challenger was trained on all of them, its training is repeated without them: a
# model that has seen the outcomes proves nothing. The verdict is the last line of `churnlight
# review`, whose exit code is 4 when the champion stays.

# %%
reviewed = reviews.review(company, reviews.ReviewRequest(target=target), settings=settings)
print(reviews.summary(reviewed))

# %% [markdown]
# `churnlight promote --review review.json` acts on the verdict; without a review, a champion that
# was never compared with the challenger is replaced only for a stated reason.
#
# **Keeping the champion is a result**, and the more common one. Newer does not mean better.
#
# The *ledger* is the part that a customer success manager will ask for: of those who have left, who
# was red in time? An account that left while green is a *watermelon*: green outside, red inside.
#
# Read it with the definition of churn in mind. A shop's customer leaves with the last order: 30
# days before that day the customer was still buying, and no score of the purchases could know.
# Where contracts end on a date, the same table asks much more of a model.

# %%
assert reviewed.content.ledger is not None  # Only an opportunity has none.
leads = pd.DataFrame(
    {"days before": lead.lead_days, "red": lead.red, "yellow": lead.yellow, "green": lead.green}
    for lead in reviewed.content.ledger.leads
)
print(leads.to_string(index=False))

# %% [markdown]
# Who would change colour on the day of the change? Rows are the champion's bands, columns the
# challenger's. Every account off the diagonal is somebody's surprise on Monday morning.

# %%
print(pd.DataFrame(reviewed.content.migration.matrix).T)

# %% [markdown]
# The whole review is a page, a Markdown file, JSON and the ledger as CSV, byte for byte the same
# from the same tables and models.

# %%
folder = Path(workspace.name) / "review"
reviewed.write(folder)
print(sorted(file.name for file in folder.iterdir()))
workspace.cleanup()
