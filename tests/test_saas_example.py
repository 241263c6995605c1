"""The simulated company's declaration: worded by the rules, labelled, and blind to the truth."""

from pathlib import Path

import pytest

from catalogue_cases import faults
from features.declaring.company import Company
from features.declaring.declaration import load

FOLDER = Path(__file__).parent.parent / "examples" / "saas"
LONGEST_TITLE = 40  # fits a table's cell


@pytest.fixture(scope="module")
def company() -> Company:
    return load(FOLDER)


def test_every_sentence_keeps_the_rules_of_wording(company: Company) -> None:
    assert {name: faults(item) for name, item in company.indicators.items() if faults(item)} == {}


def test_titles_fit_a_cell_and_purposes_are_sentences(company: Company) -> None:
    titles = [item.title for item in company.indicators.values()]
    assert [title for title in titles if len(title) > LONGEST_TITLE] == []
    assert len(set(titles)) == len(titles)
    assert [item.title for item in company.playbooks.values() if item.purpose[-1:] != "."] == []


def test_it_is_labelled_as_simulated(company: Company) -> None:
    assert company.about.simulated
    assert "simulated" in company.about.name


def test_no_source_reads_the_sealed_truth(company: Company) -> None:
    sealed = (FOLDER / "data" / "truth").resolve()
    files = [(FOLDER / source.path).resolve() for source in company.sources.values() if source.path]
    assert len(files) == len(company.sources)
    assert [file for file in files if file.is_relative_to(sealed)] == []
    assert "truth" not in (FOLDER / "churnlight.toml").read_text("utf-8")


def test_every_leading_indicator_has_a_playbook_and_no_playbook_is_idle(company: Company) -> None:
    measured = company.staged("live", "shadow").values()
    leading = [item for item in measured if item.kind == "leading"]
    assert {item.playbook for item in leading} <= set(company.playbooks)
    used = {item.playbook for item in company.indicators.values()}
    used |= {item.playbook for item in company.targets.values()}
    assert used - {None} == set(company.playbooks)


def test_an_expansion_is_an_opportunity_with_a_playbook(company: Company) -> None:
    assert (company.adverse, company.opportunities) == (("churn",), ("expansion",))
    assert company.targets["expansion"].playbook in company.playbooks


def test_most_indicators_are_adopted_and_new_ones_wait_in_the_shadow(company: Company) -> None:
    scored, waiting = company.staged("live"), company.staged("shadow")
    assert (len(scored), len(waiting)) == (28, 13)
    assert len([item for item in (scored | waiting).values() if item.adopt]) == 35
    # What a share or a rank is made of is no indicator of its own.
    assert set(company.staged("draft")) == {"active_users", "busiest_day", "licensed_seats"}
