"""First playbooks for the indicators of a draft: placeholders with steps to put your own into."""

from collections.abc import Iterable

WIN_BACK, CARE, REVIEW = "win-back", "support-recovery", "check-in"

PLAYBOOKS: dict[str, dict[str, object]] = {
    WIN_BACK: {
        "title": "Win back",
        "purpose": "Activity is fading: find out what has changed.",
        "owner": "crm",
        "steps": [
            {"do": "Write with an offer that fits the last order", "within": "2d"},
            {"do": "Call if there is no answer", "channel": "phone", "within": "7d"},
        ],
        "cooldown": "30d",
    },
    REVIEW: {
        "title": "Check-in",
        "purpose": "Usage is fading: find out what the customer wants, and what is in the way.",
        "owner": "csm",
        "steps": [
            {"do": "Call the main contact", "channel": "phone", "within": "3d"},
            {"do": "Agree on one next step and a date", "within": "10d"},
        ],
        "cooldown": "30d",
    },
    CARE: {
        "title": "Support recovery",
        "purpose": "Problems pile up: show that somebody takes care of them.",
        "owner": "support",
        "steps": [
            {"do": "Go through the open cases with their owner", "within": "1d"},
            {"do": "Call the reporter with a date for each", "channel": "phone", "within": "3d"},
        ],
        "cooldown": "30d",
    },
}


def named(names: Iterable[object]) -> dict[str, dict[str, object]]:
    """The playbooks of these names."""
    used = set(names)
    return {name: keys for name, keys in PLAYBOOKS.items() if name in used}
