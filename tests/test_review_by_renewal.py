"""A review of models of the next renewal judges each row by the day that settled it."""

import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

import renewing_company
from features import sources
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.settings import Settings
from renewing_company import GAP, GRACE, LEAST, TARGET, UNTIL
from test_training_by_renewal import CHOICE
from training.artifact import Artifact
from training.champions import install_champion
from training.registry import tracking
from training.review.candidates import Candidate, Candidates
from training.review.comparison import compared_rows
from training.review.comparison_by_row import comparison_by_row
from training.review.review import Review, ReviewRequest, review
from training.review.review_data import ReviewData, review_data
from training.review.sections.calibration import calibration
from training.review.sections.flaps import flaps
from training.review.sections.ledger import ledger, ledger_entries
from training.train import fit_and_evaluate, train

# Until when the champion's tables reached, and a later morning before the challenger's.
EARLY, MORNING = date(2024, 6, 1), date(2024, 11, 1)
MIN_HISTORY = 28


@dataclass(frozen=True, repr=False)
class Rivals:
    """The company, a champion of an earlier year and a challenger that has learnt all since."""

    company: Company
    champion: Artifact
    challenger: Artifact
    settings: Settings


@dataclass(frozen=True)
class Asked:
    """A row of the recount: an account on a morning, its window, its label, who settled it when."""

    account: str
    as_of: date
    opens: date
    closes: date
    settles: date
    left: bool


def until(company: Company, day: date) -> Company:
    """The company as if its tables ended on a day."""
    return company.model_copy(
        update={"about": company.about.model_copy(update={"data_until": day})}
    )


@pytest.fixture(scope="module")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> Rivals:
    company = renewing_company.write(tmp_path_factory.mktemp("reviewed"))
    settings = Settings(trials=1)
    (trained,) = train(until(company, EARLY), settings=settings).trained
    rows, months = renewing_company.built(company)
    made = fit_and_evaluate(rows, company, TARGET, months, choice=CHOICE)
    _, version, _ = tracking.register(made, company, settings)
    champion, challenger = (
        tracking.fetch(company, TARGET, number, settings) for number in (trained.version, version)
    )
    install_champion(champion, settings.workspace_of(company))
    return Rivals(company, champion, challenger, settings)


@pytest.fixture(scope="module")
def found(rivals: Rivals) -> Review:
    return review(rivals.company, ReviewRequest(reason="a test"), settings=rivals.settings)


def terms(company: Company) -> dict[str, list[tuple[date, date, date | None]]]:
    """The terms of each account: start, renewal and end."""
    own = defaultdict(list)
    for line in (company.folder / "terms.csv").read_text("utf-8").splitlines()[1:]:
        account, *days, _ = line.split(",")
        start, renews, ends = (date.fromisoformat(day) if day else None for day in days)
        assert start
        assert renews
        own[account].append((start, renews, ends))
    return own


def churned(company: Company) -> dict[str, date]:
    """The last end of each account that left."""
    return {name: own[-1][2] for name, own in terms(company).items() if own[-1][2] is not None}


def asked_on(company: Company, mornings: list[date]) -> Iterator[Asked]:
    """Every row that is asked and has an outcome, by the words of the declaration."""
    gone = churned(company)
    for account, own in terms(company).items():
        for day in mornings:
            running = [
                renews for start, renews, ends in own if start < day and (not ends or ends >= day)
            ]
            opens = day + timedelta(days=GAP)
            if (day - own[0][0]).days < MIN_HISTORY or not running or running[0] < opens:
                continue
            closes = max(opens + timedelta(days=LEAST), running[0] + timedelta(days=GRACE))
            end = gone.get(account, date.max)
            if end >= opens:
                settles = closes + timedelta(days=GRACE)
                yield Asked(account, day, opens, closes, settles, end < closes)


def test_a_company_by_renewal_is_trained_and_registered(rivals: Rivals) -> None:
    leads = rivals.champion.evaluation.lead_times
    assert leads is not None
    assert leads.churners > 50
    assert rivals.champion.data_until == str(EARLY)


def test_a_review_ends_in_a_verdict_and_its_files(found: Review, tmp_path: Path) -> None:
    stated = found.content.verdict
    assert stated.decision == ("keep" if stated.failed else "promote")
    assert found.content.comparison.basis == "procedure"
    assert found.content.champion.trained_until == EARLY
    assert found.content.challenger.trained_until == UNTIL
    found.write(tmp_path)
    page = (tmp_path / "review.md").read_text("utf-8")
    assert f"its training was repeated on what was settled by {EARLY}" in page
    assert "Value to the team on " in page


def test_the_compared_rows_are_those_of_a_recount(rivals: Rivals, found: Review) -> None:
    days = sorted({*rivals.champion.training.as_of, *rivals.challenger.training.as_of})
    taught = {date.fromisoformat(day) for day in rivals.champion.training.as_of}
    rows = list(asked_on(rivals.company, [date.fromisoformat(day) for day in days]))
    closed: dict[str, date] = defaultdict(lambda: date.min)
    for row in rows:
        if row.as_of in taught and row.settles <= EARLY:
            closed[row.account] = max(closed[row.account], row.closes)
    fresh = [
        row for row in rows if EARLY < row.settles <= UNTIL and row.opens >= closed[row.account]
    ]
    result = found.content.comparison.result
    assert result is not None
    assert (result.rows, result.events) == (len(fresh), sum(row.left for row in fresh))
    assert list(found.content.comparison.as_of) == sorted({row.as_of for row in fresh})
    # Far decisions that were open when the champion was trained, and near ones that came later.
    assert min(row.as_of for row in fresh) < date(2023, 8, 1)
    assert max(row.as_of for row in fresh) > EARLY
    of_day = {day.as_of: day.rows for day in result.by_as_of}
    assert of_day[result.valued_on] == max(of_day.values())


def test_the_ledger_and_the_dates_are_those_of_a_recount(rivals: Rivals, found: Review) -> None:
    stated = found.content.ledger
    assert stated is not None
    assert stated.churned_before == UNTIL - timedelta(days=GRACE)
    own = {
        name: day
        for name, day in churned(rivals.company).items()
        if stated.churned_from <= day < stated.churned_before
    }
    assert stated.churns == len(own) > 15
    assert found.ledger is not None
    for entry in found.ledger.to_pylist():
        assert own[entry["account_id"]] == entry["churned"]
        known = entry["churned"] + timedelta(days=GRACE)
        assert entry["in_sample"] == (known <= EARLY)
    # Dates are shown once nineteen in twenty of their rows are settled.
    assert found.content.calibration[-1].as_of == date.fromisoformat(
        rivals.challenger.evaluation.as_of
    )


def changed_after(company: Company, folder: Path, day: date) -> Company:
    """The same tables, in which everyone who is there leaves some days after `day`."""
    shutil.copytree(company.folder, folder, ignore=shutil.ignore_patterns("*.db", "workspace"))
    lines = ["account_id,starts,renews,ends,fee"]
    for account, own in terms(company).items():
        for start, renews, ends in own:
            if start < day:
                over = ends if ends and ends < day else day + timedelta(days=5)
                fee = renewing_company.fee(int(account[1:]))
                lines.append(f"{account},{start},{renews},{over},{fee}")
    (folder / "terms.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return parse(renewing_company.DECLARATION.replace("KIND", renewing_company.RENEWAL), folder)


def data_of(company: Company, champion: Artifact) -> ReviewData:
    """What a review on `MORNING` knows of two models that were trained before it."""
    # Another model by its digest alone.
    other = replace(champion, min_history_days=MIN_HISTORY + 1)
    declared = company.targets[TARGET]
    models = Candidates(
        Candidate("champion", champion, declared, {}), Candidate("challenger", other, declared, {})
    )
    with sources.open_tables(company) as tables:
        return review_data(tables, models, MORNING)


def test_what_was_not_settled_by_the_morning_is_not_judged(rivals: Rivals, tmp_path: Path) -> None:
    other = changed_after(rivals.company, tmp_path / "changed", MORNING)
    data = [data_of(company, rivals.champion) for company in (rivals.company, other)]
    dates = [comparison_by_row(each, lambda _: None) for each in data]
    assert [each.basis for each in dates] == ["unseen", "unseen"]
    compared = [compared_rows(*both) for both in zip(data, dates, strict=True)]
    assert compared[0] is not None
    assert compared[1] is not None
    assert compared[0].accounts == compared[1].accounts
    assert np.array_equal(compared[0].labels, compared[1].labels)
    assert np.array_equal(compared[0].scores.champion.logits, compared[1].scores.champion.logits)
    assert dates[0].rows is not None
    assert pc.max(dates[0].rows[f"settles__{TARGET}"]).as_py() <= MORNING
    assert calibration(data[0]) == calibration(data[1])
    assert flaps(data[0]) == flaps(data[1])
    assert ledger(ledger_entries(data[0]), data[0]) == ledger(ledger_entries(data[1]), data[1])
