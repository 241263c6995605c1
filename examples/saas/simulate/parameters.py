"""Every number the simulated company is made from, each with its unit and its reason.

One rule: no other module holds a number that shapes churn or its traces (routine, such as the
hour of a nightly export, stands where it is used). The numbers are committed before the first
model is trained on them; a later change comes with a note in ``docs/decisions/``.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

PLANS = ("starter", "team", "business", "enterprise")


def given(value: T, unit: str, reason: str) -> T:
    """Return a dataclass field that carries its unit and the reason for its value."""
    made: Any = field(default=value, metadata={"unit": unit, "reason": reason})
    return made  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Population:
    """Who the accounts are: plans, seats, terms, arrival."""

    existing: float = given(0.58, "share", "keeps the number of active accounts about level")
    age_mean: float = given(600.0, "days", "mean age of an account when the records begin")
    age_max: int = given(1800, "days", "the invented company is five years old by then")
    quiet_end: int = given(30, "days", "nobody signs up in the last month, so all have a history")
    plan_share: tuple[float, ...] = given((0.34, 0.36, 0.21, 0.09), "share", "many small, few big")
    seats_median: tuple[float, ...] = given((6, 22, 80, 320), "seats", "a tier is about 4 times")
    seats_spread: float = given(0.45, "log sd", "tiers overlap a little")
    annual_share: tuple[float, ...] = given((0.2, 0.5, 0.8, 1.0), "share", "big ones sign a year")
    seat_price: tuple[float, ...] = given((19, 29, 39, 49), "USD per seat and month", "list price")
    child_share: float = given(0.06, "share", "some accounts are a department of another one")
    accounts_per_csm: int = given(125, "accounts", "about 75 active ones in a book of business")
    holdout: float = given(0.10, "share", "randomised: never receives a playbook")
    silent: float = given(0.15, "share", "leaves, if it leaves, without complaint or decline")
    plan_goal: tuple[float, ...] = given((0.25, 0.5, 0.85, 1.0), "share", "has a success plan")


@dataclass(frozen=True)
class Health:
    """Latent health: 0 is ordinary, +1 very well, -1 in trouble; it returns to its own mean."""

    mean_sd: float = given(0.55, "health", "accounts differ for good (fit with the product)")
    wander_sd: float = given(0.60, "health", "stationary spread of the slow movement")
    wander_half_life: float = given(10.0, "weeks", "a quarter: slow enough to be acted on")
    champion_rate: float = given(0.20, "per year", "people change jobs about every five years")
    champion_shock: float = given(0.90, "health", "the largest single shock to an account")
    champion_half_life: float = given(18.0, "weeks", "until a successor has found the way")
    sponsor_rate: float = given(0.12, "per year", "budget holders move less often")
    sponsor_shock: float = given(0.45, "health", "half of a champion")
    sponsor_half_life: float = given(14.0, "weeks", "until the budget is settled again")
    outage_shock: float = given(0.50, "health", "mean over the accounts that were hit")
    outage_half_life: float = given(8.0, "weeks", "forgotten after a good quarter")
    price_shock: float = given(0.35, "health", "mean; drawn per account from an exponential")
    price_half_life: float = given(30.0, "weeks", "lasts until the next renewal has been settled")


@dataclass(frozen=True)
class Churn:
    """Who leaves: causes compete; a decision falls a lead time before the end of a term."""

    annual_hazard: float = given(0.095, "per renewal", "at health 0")
    monthly_hazard: float = given(0.0115, "per month end", "at health 0")
    slope: float = given(1.2, "log hazard per health", "sets the Bayes AUC with the leads")
    champion_factor: float = given(2.0, "per lost champion", "competing cause, added to the value")
    price_factor: float = given(2.0, "per health of price shock", "competing cause")
    service_factor: float = given(2.5, "per health of outage shock", "competing cause")
    random_share: tuple[float, ...] = given((0.35, 0.25, 0.4), "share", "in the order of the names")
    random_rate: float = given(0.074, "per year", "insolvency, acquisition, budget: no sign at all")
    drift: tuple[float, ...] = given((1.0, 1.0, 1.2), "factor in 2024, 2025, 2026", "competition")
    lead_shape: float = given(1.7, "gamma shape", "median 60 d, 10-90 % about 15-150 d")
    lead_scale: float = given(43.0, "days", "as above")
    lead_min: int = given(5, "days", "nobody decides and leaves on the same day")
    lead_max: int = given(240, "days", "a plan to leave is not older than eight months")
    late_renewal: float = given(0.06, "share of annual renewals", "signed late, within the grace")
    late_max: int = given(11, "days", "below the 14 days of grace that the target grants")
    seats_step: float = given(0.03, "log seats per health and year", "well-doing accounts grow")
    seats_noise: float = given(0.08, "log sd per year", "head count changes anyway")


@dataclass(frozen=True)
class Usage:
    """What telemetry sees of an account's days."""

    adoption: float = given(-0.1, "logit of active seats", "about half the seats on a workday")
    adoption_sd: float = given(0.5, "logit", "how much people use it differs by kind of work")
    adoption_slope: float = given(0.45, "logit per health", "health shows, behind much noise")
    level_sd: float = given(0.28, "log sd", "over-dispersion that lasts for weeks")
    level_memory: float = given(0.80, "per week", "its autocorrelation")
    day_shape: float = given(7.0, "gamma shape", "over-dispersion from day to day")
    weekday: tuple[float, ...] = given(
        (1.0, 1.05, 1.05, 1.0, 0.88, 0.16, 0.13), "factor, Monday first", "office work"
    )
    weekend_open: float = given(4.0, "factor", "retail and hospitality also work at weekends")
    summer: float = given(0.12, "share lost", "July and August")
    year_end: float = given(0.45, "share lost", "22 December to 2 January")
    events_per_user: float = given(16.0, "events per active user and day", "clicks that count")
    events_slope: float = given(0.10, "log per health", "keen people also click more")
    key_share: float = given(0.12, "share of events", "uses of the feature that brings the value")
    key_slope: float = given(0.25, "log per health", "value fades before activity does")
    admin_rate: float = given(0.35, "logins per day", "at health 0 and four active users")
    admin_slope: float = given(0.30, "log per health", "somebody tends the account")
    admin_power: float = given(0.5, "exponent of active users", "few administrators per company")
    decay_low: float = given(0.55, "share lost at the end", "smallest decay of a leaver")
    decay_high: float = given(0.95, "share lost at the end", "largest decay of a leaver")
    silent_decay: float = given(0.06, "share lost at the end", "an integration keeps running")
    dip_rate: float = given(0.45, "per year", "migration, holiday, reorganisation: all recover")
    dip_days: tuple[int, int] = given((14, 36), "days", "long enough to look like churn")
    dip_depth: tuple[float, float] = given((0.4, 0.8), "share lost", "deep enough as well")
    gap_rate: float = given(0.7, "per year", "an agent that stopped sending")
    gap_days: tuple[int, int] = given((2, 13), "days", "until somebody notices")
    collector_hit: float = given(0.6, "share of accounts", "lost by the collector's failure")
    late: float = given(0.03, "share of rows", "arrive days after the rest")
    late_days: float = given(3.0, "days", "mean of the extra delay")


@dataclass(frozen=True)
class Support:
    """Tickets: engaged accounts ask much, troubled ones complain, dying ones fall silent."""

    engaged_rate: float = given(0.018, "per week and seats^power", "how-to, wishes, integrations")
    engaged_slope: float = given(0.60, "log per health", "the very engaged write the most")
    trouble_rate: float = given(0.050, "per week and seats^power", "bugs, slowness, billing")
    trouble_at: float = given(-0.75, "health", "where people still fight for it")
    trouble_width: float = given(0.55, "health", "below it they have given up")
    seats_power: float = given(0.6, "exponent", "ten times the seats write four times the tickets")
    outage_tickets: float = given(0.5, "factor on seats^power / 4", "in the week of an outage")
    calm_topics: tuple[float, ...] = given((0.55, 0.25, 0.20), "share", "most ask how to do it")
    trouble_topics: tuple[float, ...] = given((0.5, 0.3, 0.2), "share", "bug, performance, billing")
    priorities: tuple[float, ...] = given((0.3, 0.45, 0.19, 0.06), "share", "low to urgent")
    late: float = given(0.02, "share of rows", "exported days later than the rest")
    vendor: float = given(0.05, "share", "opened by the vendor: not a sign of engagement")
    solved: float = given(0.97, "share", "the rest is never closed")
    hours: tuple[float, ...] = given((70.0, 40.0, 18.0, 7.0), "median, low to urgent", "targets")
    hours_spread: float = given(0.8, "log sd", "some take weeks")
    reopened: tuple[float, float] = given((-2.3, -0.6), "logit, per health", "about one in eleven")
    first_contact: tuple[float, float] = given((0.1, 0.4), "logit, per health", "about one in two")
    escalated: tuple[float, float] = given((-3.2, -0.7), "logit, per health", "about one in 25")


@dataclass(frozen=True)
class Voice:
    """Surveys: the score depends on health and so does answering at all."""

    nps_every: int = given(182, "days", "twice a year")
    nps_answer: float = given(-1.0, "logit", "about a third answer")
    nps_extreme: float = given(0.55, "logit per absolute health", "delighted and angry ones answer")
    nps_tilt: float = given(0.30, "logit per health", "the well-meaning answer more")
    nps_leaver: float = given(0.85, "share lost", "who has decided to go does not answer")
    nps_mean: tuple[float, float] = given((7.1, 1.5), "points, per health", "mean and slope")
    nps_noise: float = given(1.6, "points", "one person is not the account")
    csat_answer: float = given(0.22, "share of solved tickets", "usual rate")
    csat_mean: tuple[float, float] = given((3.9, 0.4), "points, per health", "on 1 to 5")
    csat_reopened: float = given(-1.0, "points", "a reopened ticket annoys")
    csat_noise: float = given(0.9, "points", "mood of the day")


@dataclass(frozen=True)
class Billing:
    """Invoices and their payment."""

    due: tuple[int, int] = given((14, 30), "days, monthly and annual terms", "terms of payment")
    habit: float = given(5.0, "days late", "mean of the payer's habit, exponential, minus 4")
    trouble: float = given(3.0, "days late per health below 0", "a weak sign")
    leaver: float = given(12.0, "days late at the end", "who has decided to go pays last")
    noise: float = given(5.0, "days", "sd")
    unpaid: float = given(0.20, "share of a leaver's invoices", "never paid")
    reminders: tuple[int, int] = given((7, 21), "days after due", "first and second reminder")


@dataclass(frozen=True)
class Success:
    """People, success plans, the team's contacts, and the playbooks' true effects."""

    recorded: float = given(0.75, "share", "of champions' departures that the CRM hears of")
    crm_delay: float = given(10.0, "days", "mean delay of an entry in the CRM")
    successor: float = given(0.8, "share", "of departed people who are replaced")
    successor_weeks: tuple[int, int] = given((3, 16), "weeks", "until the successor is there")
    admin_rate: float = given(0.35, "per year", "administrators change without consequence")
    milestone_days: int = given(91, "days", "a success plan is reviewed every quarter")
    achieved: tuple[float, float] = given((0.80, 0.20), "share of goal, per health", "mean, slope")
    achieved_noise: float = given(0.22, "share of goal", "outcomes are hard to measure")
    achieved_leaver: float = given(0.5, "share lost at the end", "nobody works on it any more")
    on_time: float = given(0.75, "share of goal", "counts as reached on its date")
    review_days: int = given(91, "days", "business reviews with business and enterprise accounts")
    calls: float = given(1.6, "customer calls per year", "at health 0, more with engagement")
    capacity: int = given(2, "playbooks per CSM and week", "more than twice as many qualify")
    threshold: float = given(0.7, "perceived risk", "below it nobody acts")
    perceived_noise: float = given(0.7, "health", "a CSM's impression is noisy")
    sees_leaving: float = given(0.6, "perceived risk", "a decided account looks worse")
    cooldown: int = given(6, "weeks", "between two playbooks on one account")
    effect_half_life: float = given(12.0, "weeks", "help fades like everything else")


@dataclass(frozen=True)
class Playbook:
    """What a playbook truly does to health, and how often the team picks it."""

    name: str
    effect: float
    weight: float


PLAYBOOKS = (
    Playbook("re-engage-users", 0.55, 0.24),
    Playbook("support-recovery", 0.40, 0.18),
    Playbook("sponsor-check-in", 0.45, 0.16),
    Playbook("value-review", 0.25, 0.14),
    Playbook("billing-check", 0.0, 0.08),
    Playbook("feature-newsletter", 0.0, 0.10),
    Playbook("renewal-push", -0.45, 0.10),
)


@dataclass(frozen=True)
class Calendar:
    """What happened to the whole company, and when (drift between the years)."""

    outage_on: str = given("2024-11-12", "date", "two days, part of the accounts")
    outage_days: int = given(2, "days", "a bad one")
    outage_left: float = given(0.25, "share of usage", "what still worked on those days")
    outage_hit: float = given(0.4, "share of accounts", "one of the data centres")
    price_announced: str = given("2025-03-03", "date", "the letter about the price rise")
    price_from: str = given("2025-04-01", "date", "terms that start from then on")
    price_rise: float = given(0.12, "share", "after three years without one")
    product_on: str = given("2025-09-01", "date", "a new workspace changes how much is clicked")
    product_days: int = given(90, "days", "it reaches everybody within a quarter")
    product_events: float = given(0.35, "share more", "events after the new workspace")
    product_key: float = given(0.50, "share more", "key feature events after it")
    collector_on: str = given("2025-02-11", "date", "the telemetry collector failed")
    collector_days: int = given(3, "days", "until it was back; the rows are lost")


@dataclass(frozen=True)
class Parameters:
    """All of the above, and what the Bayes AUC is computed with."""

    population: Population = Population()
    health: Health = Health()
    churn: Churn = Churn()
    usage: Usage = Usage()
    support: Support = Support()
    voice: Voice = Voice()
    billing: Billing = Billing()
    success: Success = Success()
    calendar: Calendar = Calendar()
    playbooks: tuple[Playbook, ...] = PLAYBOOKS
    gap: int = given(14, "days", "nobody could act any more")
    horizon: int = given(90, "days", "the prediction horizon")
    futures: int = given(40, "simulated futures per account and as-of date", "enough for AUC ±.002")
    burn_in: int = given(36, "weeks", "longer than the longest lead before the records begin")


PARAMETERS = Parameters()


def as_plain(parameters: Parameters) -> dict[str, Any]:
    """Return the parameters as nested dictionaries, for the sealed truth."""
    return asdict(parameters)
