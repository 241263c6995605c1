"""The small company with a champion of the summer and a challenger that has learnt all since.

One design rule: what a review decides from is real (a fit on earlier months, a registry on disk);
only what 400 accounts cannot prove is taken from the tests' own artifact.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from trained_company import CHOICE, TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.champions import install_champion
from training.registry import tracking
from training.train import fit_and_evaluate

CHAMPION, CHALLENGER, TWIN = "1", "2", "3"
TAUGHT = 4


@dataclass(frozen=True, repr=False)
class Rivals:
    """A house with both models registered, and a third version that is the champion but for a day.

    The champion is version 1 and installed, the challenger version 2; version 3 learnt what the
    champion did.
    """

    house: House
    champion: Artifact
    challenger: Artifact

    @property
    def taught(self) -> list[date]:
        """Return the as-of dates that taught the champion."""
        return learning_dates(self.house.company)[:TAUGHT]


def make(trained: House, folder: Path) -> Rivals:
    """Register and install in a copy of the house in `folder`."""
    house = trained.copy(folder)
    company, settings = house.company, house.settings
    days = learning_dates(company)
    champion = fit_and_evaluate(
        built(company, *days), company, TARGET, days[:TAUGHT], days[-1:], choice=CHOICE
    )
    twin = replace(champion, min_history_days=champion.min_history_days + 1)
    for artifact in (champion, trained.trained.artifact, twin):
        tracking.register(artifact, company, settings)
    _crown(house)
    champion = tracking.fetch(company, TARGET, CHAMPION, settings)
    install_champion(champion, house.workspace)
    return Rivals(house, champion, tracking.fetch(company, TARGET, CHALLENGER, settings))


def _crown(house: House) -> None:
    with tracking.client(house.company, house.settings) as mlflow:
        registry = mlflow.MlflowClient()
        name = tracking.model_name(house.company, TARGET)
        registry.set_registered_model_alias(name, "champion", CHAMPION)
        registry.set_registered_model_alias(name, "challenger", CHALLENGER)


def kept(house: House) -> dict[str, Any]:
    """Return what a review must leave alone: aliases, versions, and the installed champion."""
    with tracking.client(house.company, house.settings) as mlflow:
        registry = mlflow.MlflowClient()
        name = tracking.model_name(house.company, TARGET)
        versions = registry.search_model_versions(f"name = '{name}'")
        found = {
            "aliases": dict(registry.get_registered_model(name).aliases),
            "versions": {item.version: dict(item.tags) for item in versions},
        }
    files = sorted((house.workspace / "champion").rglob("*.json"))
    return found | {"champion": {str(path): path.read_bytes() for path in files}}
