"""The pages that people read, two lists and the account page, rendered on the server.

Its one rule: a page is plain HTML with style sheets from this service and nothing else, so
that it works without JavaScript and under the content security policy that `guard` sets.
"""

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from features.errors import ChurnlightError, NotFound
from serving.access.address import Address
from serving.pages import (
    account_card,
    account_list,
    charts,
    figures,
    movement_card,
    opportunity_pages,
    portfolio,
    wording,
)
from serving.pages.account_list import BadQuery, one_of
from serving.pages.loss_card import loss_card
from serving.pages.selection import (
    SIZES,
    SORT_WORDS,
    STATUS_WORDS,
    HealthQuery,
    select,
    sorts_of,
    weeks_before,
)
from serving.published.book import Book, Edition, Entry
from serving.published.run_table import LONGEST_SEARCH
from training.calibrating import bands
from training.calibrating.bands import BAND_WORDS, RED_BELOW
from training.records.evaluation import Tested

HERE = Path(__file__).parent
STYLES = (bands.STATIC / "bands.css", HERE / "static" / "churnlight.css")

View = Callable[[Request], Response]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "stylesheets": [_versioned(path) for path in STYLES],
        "shapes": charts.SHAPES,
        "state_shapes": charts.STATE_SHAPES,
        "band_words": BAND_WORDS,
        "dash": wording.DASH,
        "red_below": f"{RED_BELOW:g}",
        "longest_search": LONGEST_SEARCH,
    }
    return made


def _versioned(path: Path) -> str:
    """The address of a style sheet, another one where its content is."""
    return f"/static/{path.name}?v={sha256(path.read_bytes()).hexdigest()[:12]}"


TEMPLATES = _environment()
# The pages' own files, and beside them the style sheet of the bands.
STATIC = StaticFiles(directory=HERE / "static", packages=[("training.calibrating", "static")])


def addresses(book: Book) -> list[Address]:
    """The pages of `book`: portfolio, its CSV file, account pages and the stylesheet."""
    return [
        Address(Route("/", _page(book, _portfolio))),
        Address(Route("/accounts.csv", _page(book, _csv))),
        Address(Route("/opportunities", _page(book, _opportunities))),
        Address(Route("/accounts/{account_id:path}", _page(book, _account))),
        Address(Route("/static/{file:path}", _static)),
    ]


async def _static(request: Request) -> Response:
    return await STATIC.get_response(request.path_params["file"], request.scope)


def _page(book: Book, view: Callable[[Request, Book], Response]) -> View:
    """`view` with the book brought up to date and its errors shown as pages."""

    def answer(request: Request) -> Response:
        book.refresh()
        if not book.targets:
            return error_page(book, 503, "No scores yet", NO_SCORES)
        try:
            return view(request, book)
        except BadQuery as error:
            return error_page(book, 400, "This link has an invalid filter", str(error))
        except NoOpportunities:
            return error_page(book, 404, "No opportunities yet", NO_OPPORTUNITIES)
        except NotFound:
            return error_page(book, 404, "Account not found", NO_ACCOUNT)

    return answer


class NoOpportunities(Exception):
    """No positive target is declared, or published with the latest scores."""


NO_OPPORTUNITIES = (
    "There are no opportunities to show yet. (Admin: declare a target with adverse = false, then "
    "train, promote and score.)"
)
NO_SCORES = "There are no scores to show yet. (Admin: run churnlight score.)"
NO_ACCOUNT = (
    "We could not find this account in the latest scores. It may have been renamed, or the link "
    "may be incomplete."
)


def error_page(book: Book, status: int, title: str, message: str) -> HTMLResponse:
    """A readable page for what went wrong, with a way back to the accounts."""
    return _html(_render("message.html", book, {"title": title, "message": message}), status)


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status)


def _render(template: str, book: Book, content: dict[str, object]) -> str:
    about = book.company.about
    shared = {
        # The badge beside it says so once.
        "company": about.name.removesuffix(" (simulated)") if about.simulated else about.name,
        "simulated": about.simulated,
        "stale": book.stale,
        "has_opportunities": bool(book.opportunities),
    }
    return TEMPLATES.get_template(template).render(shared | content)


def _edition(request: Request, book: Book) -> Edition:
    targets = book.targets
    wanted = request.query_params.get("target") or targets[0]
    if wanted not in targets:
        raise BadQuery(
            f"target: got “{wording.shortened(wanted)}”; choose one of {', '.join(targets)}"
        )
    return book.edition(wanted)


def _portfolio(request: Request, book: Book) -> Response:
    edition = _edition(request, book)
    query = HealthQuery.read(request.query_params, edition)
    return _html(portfolio_html(book, edition, query))


def portfolio_html(book: Book, edition: Edition, query: HealthQuery) -> str:
    """The portfolio page for `query` as HTML text.

    Raises
    ------
    BadQuery
        The query asks for a page after the last.
    """
    chosen = select(query, edition)
    content = {
        "query": query,
        "cards": portfolio.cards(query, edition, book.company.about.currency),
        "rows": portfolio.rows(query, edition, query.cut(chosen), book.company),
        "pager": _pager(query, len(chosen)),
        "unscored": f"{edition.count('unscored'):,}",
        "trend_over": _trend_over(edition.trend_dates),
        "forecast_days": edition.forecast_days,
        "loss": loss_card(book.expected_losses(edition), book.company.about.currency),
        "statuses": STATUS_WORDS,
        "sorts": {name: SORT_WORDS[name] for name in sorts_of(edition)},
    }
    parts = account_list.list_parts(book.company, edition, book.targets)
    return _render("portfolio.html", book, parts | content)


def _opportunities(request: Request, book: Book) -> Response:
    targets = book.opportunities
    if not targets:
        raise NoOpportunities
    prospects = book.prospects(one_of(request.query_params, "target", list(targets)))
    query = opportunity_pages.OpportunityQuery.read(request.query_params, prospects)
    parts = opportunity_pages.content(book, prospects, query)
    return _html(_render("opportunities.html", book, parts))


def _trend_over(days: Sequence[date]) -> str:
    """The title of the trend: how long it is."""
    weeks = (days[-1] - days[0]).days // 7 + 1
    return f"Trend, {wording.counted(weeks, 'week')}" if weeks > 1 else "Trend"


def _pager(query: HealthQuery, matches: int) -> dict[str, str]:
    return query.pager(matches) | {
        "more": query.link(size=SIZES[-1]) if matches > query.size < SIZES[-1] else "",
        "everything": query.link(status="all"),
        "plain": query.link(q="", status="scored", segment="", owner=""),
        "csv": query.link("/accounts.csv"),
    }


def _csv(request: Request, book: Book) -> Response:
    edition = _edition(request, book)
    lines = portfolio.csv_table(
        HealthQuery.read(request.query_params, edition), edition, book.company
    )
    name = f"accounts-{edition.target}-{edition.run.as_of}.csv"
    shown = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=shown)


def _account(request: Request, book: Book) -> Response:
    edition = _edition(request, book)
    entry = edition.entry(request.path_params["account_id"])
    content = (
        account_list.frame(book.company, edition)
        | _header(book, edition, entry)
        | _findings(book, entry)
    )
    back = "/" if edition.target == book.targets[0] else f"/?target={edition.target}"
    return _html(_render("account.html", book, content | {"entry": entry, "back": back}))


def _header(book: Book, edition: Edition, entry: Entry) -> dict[str, object]:
    """The header card of an account: light, score, chance, contract, data, model."""
    assessment, version = entry.assessment, wording.version(entry.assessment.model_version)
    words = account_list.segment_words(edition, book.company)
    tested = _tested(book, edition)
    return {
        "about": " · ".join(account_card.about(entry, words)),
        "band": assessment.band,
        "score": wording.score(assessment.health_score),
        "interval": account_card.interval(assessment),
        "last_light": account_card.last_light(entry, book.company),
        "past": account_card.past(entry.trend, weeks_before(edition.trend_dates)),
        "chance": wording.chance(assessment.churn_probability)
        if assessment.churn_probability is not None
        else "",
        "usual_chance": wording.usual_chance(edition.usual_chance()),
        "forecast": wording.chance(assessment.forecast_probability)
        if assessment.forecast_probability is not None
        else "",
        "alike": account_card.alike(assessment, tested),
        "renewal": account_list.renewal(entry.renewal, assessment.as_of),
        "mrr": account_list.monthly(entry.mrr, book.company),
        "completeness": account_card.completeness(assessment),
        "version": version,
        "checked": account_card.checked(tested),
        "made_alike": account_card.made_alike(version, tested),
    }


def _tested(book: Book, edition: Edition) -> Tested | None:
    """How the model that made these scores was tested; None where it is another one."""
    try:
        artifact = book.artifact(edition.target)
    except ChurnlightError:
        return None
    return artifact.tested if artifact.digest == edition.model["digest"] else None


def _findings(book: Book, entry: Entry) -> dict[str, object]:
    """The cards of an account: reasons, all figures, history, changes, playbooks."""
    assessment, plans = entry.assessment, book.company.playbooks
    concepts = {name: item.concept for name, item in book.company.indicators.items()}
    return {
        "reasons": account_card.reason_cards(assessment, plans),
        "outweighing": account_card.outweighing(assessment),
        "context": account_card.context(assessment),
        "unknown": account_card.unknown(assessment),
        "sum": figures.adding_up(assessment),
        "little": f"{wording.LITTLE_POINTS:g}",
        "history": charts.history(entry.trend),
        "trend": [
            (wording.day(when), wording.score(health), band)
            for when, health, band in reversed(entry.trend)
        ],
        "movement": movement_card.movement_card(entry, concepts),
        "playbooks": account_card.playbook_cards(assessment, plans),
        "opportunities": opportunity_pages.cards(book, assessment.account_id),
    }
