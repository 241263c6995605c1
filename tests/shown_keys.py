"""What a served company shows, for keys that change no row.

The pages are those of the served company: every text of them is the product's own. A change of
the declaration changes digests, too, which are taken out of what is compared.
"""

import re
from pathlib import Path

from starlette.testclient import TestClient

import served_cases
from features.declaring.declaration import load
from features.settings import Settings
from served_cases import AS_OF
from serving.application import application
from serving.published.book import Book
from training.champions import install_champion

ACCOUNTS = ["a-000", "a-001", "a-002", "a-010", "a-011"]
AGO = 'says = "{value} ago, typically {usual}"'
SERVED = served_cases.DECLARATION.replace(
    "[playbooks.win-back]",
    '[segments.mid]\ntitle = "Middle"\nwhere = "mrr > 100"\n\n[playbooks.win-back]',
).replace(AGO, f'{AGO}\nplaybook = "win-back"')

# Of each key that is shown: what stands in the served declaration, and what does instead.
SHOWN: dict[str, tuple[str, str]] = {
    "company.name": ("Harbour Books", "Anchor Books"),
    "company.simulated": ('currency = "EUR"', 'currency = "EUR"\nsimulated = true'),
    "company.currency": ('currency = "EUR"', 'currency = "USD"'),
    "targets.*.title": ("[targets.churn]", '[targets.churn]\ntitle = "never comes back"'),
    "segments.*.title": ('title = "Middle"', 'title = "Central"'),
    "indicators.*.title": ('title = "Spend"', 'title = "Turnover"'),
    "indicators.*.dimension": ('"outcome"', '"relationship"'),
    "indicators.*.kind": (
        'dimension = "outcome"\nkind = "leading"',
        'dimension = "outcome"\nkind = "lagging"',
    ),
    "indicators.*.unit": ('unit = "€"', 'unit = "$"'),
    "indicators.*.says": (AGO, 'says = "Nothing for {value}, typically {usual}"'),
    "indicators.*.says_good": (AGO, f'{AGO}\nsays_good = "Only {{value}} ago"'),
    "indicators.*.playbook": (f'{AGO}\nplaybook = "win-back"', AGO),
    "playbooks.*.title": ('title = "Win back"', 'title = "Regain"'),
    "playbooks.*.purpose": ('owner = "CSM"', 'owner = "CSM"\npurpose = "They order again"'),
    "playbooks.*.owner": ('owner = "CSM"', 'owner = "Sales"'),
    "playbooks.*.cooldown": ('owner = "CSM"', 'owner = "CSM"\ncooldown = "40d"'),
    "playbooks.*.steps.do": ("Write a letter", "Write a card"),
    "playbooks.*.steps.channel": ('channel = "post"', 'channel = "phone"'),
    "playbooks.*.steps.within": ('within = "7d"', 'within = "9d"'),
}


def shown(folder: Path, text: str) -> dict[str, str]:
    """Every page of the company that `text` declares, with one run of scores, without digests."""
    folder.mkdir(parents=True)
    (folder / "churnlight.toml").write_text(text, "utf-8")
    company = load(folder)
    settings = Settings()
    model = served_cases.artifact(company)
    install_champion(model, settings.workspace_of(company))
    served_cases.publish(company, model, AS_OF)
    app = application(Book.open(company, settings))
    places = ["/", "/accounts.csv", *(f"/accounts/{account}" for account in ACCOUNTS)]
    with TestClient(app, base_url="http://localhost") as client:
        answers = {place: client.get(place) for place in places}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {place: re.sub("[0-9a-f]{12,}", "", it.text) for place, it in answers.items()}
