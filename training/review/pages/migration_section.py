"""Which accounts get another status when the challenger takes over, in tables."""

from collections.abc import Iterator, Mapping, Sequence

from training.calibrating.bands import BAND_WORDS, BANDS
from training.reporting.page import Cell, Section, Table, light, number
from training.review.by_model import ROLES
from training.review.content import ReviewContent
from training.review.pages.long_tables import MOST, note_of_rest
from training.review.sections.migration import GroupMigration, Migration, MovedAccount

# The statuses that scores give accounts, as people read them.
STATUSES: Mapping[str, str] = {
    **{str(band): word for band, word in BAND_WORDS.items()},
    "yes": "Opportunity",
    "no": "No opportunity",
}


def migration_section(content: ReviewContent) -> Section:
    """The matrix, the changes per owner and segment, and the accounts that change."""
    moved = content.migration
    worse, better = directions(adverse=content.adverse)
    title = "Which accounts change band" if content.adverse else "Which opportunities change"
    return Section(
        title,
        f"If the challenger took over on {moved.as_of}, {moved.changed:,} of {moved.scored:,} "
        f"scored accounts would change {'band' if content.adverse else 'status'}: "
        f"{moved.worse:,} {worse}, {moved.better:,} {better}, and {moved.scored_by_one_alone:,} "
        "are scored by only one of the models.",
        _matrix(moved),
        *_groups(moved, (worse, better)),
        *([_accounts(moved.moved)] if moved.moved else []),
    )


def directions(*, adverse: bool) -> tuple[str, str]:
    """The two ways in which an account may move, the worse one first."""
    if adverse:
        return "towards At risk", "towards Healthy"
    return "no longer an opportunity", "a new opportunity"


def _matrix(moved: Migration) -> Table:
    names = list(moved.matrix)
    rows = [
        [_badge(before), *(number(moved.matrix[before][after], 0) for after in names)]
        for before in names
    ]
    head = ["champion", *(f"challenger: {STATUSES[name]}" for name in names)]
    return Table("Accounts by both models", head, rows)


def _badge(name: str) -> Cell:
    band = next((band for band in BANDS if band == name), None)
    return light(band) if band else STATUSES[name]


def _groups(moved: Migration, ways: tuple[str, str]) -> Iterator[Table]:
    """By owner and by segment, where there are several."""
    for name, groups in (("owner", moved.per_owner), ("segment", moved.per_segment)):
        if len(groups) > 1:
            yield _per(groups, name, ways)


def _per(groups: Sequence[GroupMigration], name: str, ways: tuple[str, str]) -> Table:
    rows = [
        [
            group.name,
            *(number(n, 0) for n in (group.scored, group.changed, group.worse, group.better)),
        ]
        for group in groups[:MOST]
    ]
    head = [name, "scored", "change", *ways]
    return Table(f"By {name}", head, rows, note_of_rest(groups))


def _accounts(moved: Sequence[MovedAccount]) -> Table:
    largest_first = sorted(moved, key=lambda account: (-(account.mrr or 0.0), account.account_id))
    rows = [
        [
            account.account_id,
            account.owner,
            f"{STATUSES[account.before]} → {STATUSES[account.after]}",
            *(number(account.score.of(role), 1) for role in ROLES),
            number(account.mrr, 2),
        ]
        for account in largest_first[:MOST]
    ]
    head = ["account", "owner", "change", "score, champion", "score, challenger", "MRR"]
    return Table("Accounts that change", head, rows, note_of_rest(moved))
