"""`[targets.NAME]` of the declaration: what is predicted, of whom, and over which days."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from features.declaring.indicator import Side
from features.declaring.source import KnownTime, as_column
from features.declaring.vocabulary import (
    NEXT_RENEWAL,
    Days,
    Horizon,
    Name,
    Probability,
    Text,
    TomlTable,
    refuse,
)

# How many days a window by renewal covers at least, unless the declaration says otherwise.
LEAST_DAYS = 90
# Within how many days the forecast beside a light by renewal is, unless the declaration says so.
FORECAST_DAYS = 90


def _is_unset(value: Any) -> bool:
    """Whether a key is not there: then it is no part of what is hashed either."""
    return value is None


class Pause(TomlTable):
    """The columns of a subscription's pause: when it began and, once known, when it is over."""

    begins: Annotated[Text, Field(alias="from")]
    until: Text


class Event(TomlTable):
    """A target that happens: a subscription's end (`ended`, with grace) or any dated fact.

    `ended_known` is when an end reached us; without it, ends are known when they happen. An end
    on the first day of a `paused` interval is a pause and no end.

    `renews` is the day on which a subscription's term is over and the next one has to be signed.
    Rows of one `contract` of an account (its product, say) follow each other; those that begin on
    the same day are versions of one term. `amount` is what a contract is worth.
    """

    source: str
    ended: str | None = None
    ended_known: Annotated[KnownTime, BeforeValidator(as_column)] | None = None
    paused: Pause | None = None
    grace: Days = 0
    where: str | None = None
    renews: Annotated[Text | None, Field(exclude_if=_is_unset)] = None
    contract: Annotated[Text | None, Field(exclude_if=_is_unset)] = None
    amount: Annotated[Text | None, Field(exclude_if=_is_unset)] = None

    @model_validator(mode="after")
    def _knows_of_what(self) -> Self:
        given = {"ended_known": self.ended_known, "paused": self.paused, "grace": self.grace}
        for key, value in given.items():
            if value and self.ended is None:
                raise refuse(f"{key} without ended", "name the column of the end, or remove it")
        return self

    @property
    def columns_of_the_end(self) -> tuple[str, ...]:
        """The columns that are filled in when a subscription ends or pauses."""
        known_column = self.ended_known.column if self.ended_known else None
        pause = (self.paused.begins, self.paused.until) if self.paused else ()
        return tuple(column for column in (self.ended, known_column, *pause) if column)

    @property
    def days_to_continue(self) -> int:
        """Within how many days after an end another subscription continues it: at least one."""
        return 0 if self.ended is None else max(self.grace, 1)


class Inactivity(TomlTable):
    """A target that shows by silence: no fact of `source` for `within` days."""

    source: str
    within: Days
    where: str | None = None


class Target(TomlTable):
    """`[targets.NAME]`: what is predicted, from `as_of + gap` on, for `horizon` days.

    `active` names the source whose facts make an account active, where the target is a dated
    event; without it, every source but the event's own. `reporting_delay` is never less than the
    delay that the target's source declares (`features.declaring.declaration` sees to it).
    `p_red` and `p_green` set the band anchors by hand; else validation data choose them.

    With `horizon = "next renewal"` each account has its own window: at least `at_least` days, and
    until its next renewal. `notice` is how long before that it is decided; a contract with a
    notice renews by itself. Decisions beyond `at_most` days are not scored. Beside it stands a
    forecast of its own: whether the account leaves within `forecast` days of the as-of date.

    What is not adverse is an opportunity. It has no bands: from the probability `p_high` on it is
    shown, with its `playbook`; `likelier` names, of indicators, the side on which it is likelier.
    """

    adverse: bool = True
    title: str = ""
    event: Event | None = None
    inactivity: Inactivity | None = None
    active: str | None = None
    active_within: Days | None = None
    gap: Days = 0
    horizon: Horizon
    at_least: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    at_most: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    notice: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    forecast: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    reporting_delay: Days = 0
    p_red: Probability | None = None
    p_green: Probability | None = None
    p_high: Probability | None = None
    playbook: str | None = None
    likelier: dict[Name, Side] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_definition(self) -> Self:
        if (self.event is None) == (self.inactivity is None):
            raise refuse(
                "needs either event or inactivity",
                'event = { source = "…", ended = "…" } or inactivity = { source = "…", '
                'within = "90d" }',
            )
        if self.inactivity and self.inactivity.within != self.horizon:
            raise refuse(
                "an inactivity target asks for silence over its whole horizon",
                f'set horizon = "{self.inactivity.within}d", as inactivity.within',
            )
        if not self.contractual and self.active_within is None:
            raise refuse(
                "no rule for which accounts are active",
                'active_within = "180d": accounts with a fact in that many days',
            )
        if self.active_within is not None and self.contractual:
            raise refuse(
                "active_within has no effect beside ended",
                "remove it: a running subscription makes an account active",
            )
        if self.active is not None and (self.contractual or self.inactivity):
            raise refuse(
                "active is for dated events",
                "remove it: a running subscription, or the source of the inactivity, decides",
            )
        return self

    @model_validator(mode="after")
    def _of_the_next_renewal(self) -> Self:
        if self.horizon == NEXT_RENEWAL:
            self._has_renewals()
            return self
        keys = ("at_least", "at_most", "notice", "forecast")
        given = {key: getattr(self, key) for key in keys}
        event = self.event or Event(source=self.source)
        given |= {f"event.{key}": getattr(event, key) for key in ("renews", "contract", "amount")}
        for key, value in given.items():
            if value is not None:
                fix = f'remove it, or set horizon = "{NEXT_RENEWAL}"'
                raise refuse(f"{key} has no effect with a horizon of days", fix)
        return self

    def _has_renewals(self) -> None:
        if self.event is None or self.event.ended is None or self.event.renews is None:
            raise refuse(
                "no renewal dates",
                'event = { source = "…", ended = "…", renews = "…" }: the column of the '
                "subscriptions in which each term says when it renews",
            )
        if not self.adverse:
            raise refuse("the next renewal is asked of a loss", "set adverse = true")
        if self.at_most is not None and self.at_most <= self.gap:
            raise refuse(
                "at_most leaves nothing to score",
                f"every decision would lie in the gap: make it longer than {self.gap} days",
            )
        if self.forecast == 0:
            raise refuse(
                "a forecast of no days", 'forecast = "90d", or remove it: 90 days are the default'
            )

    @model_validator(mode="after")
    def _anchors_apart(self) -> Self:
        if (self.p_red is None) != (self.p_green is None):
            raise refuse("p_red and p_green go together", "set both or neither")
        if self.p_red and self.p_green and odds(self.p_red) < 2 * odds(self.p_green):
            raise refuse(
                "the anchors are too close: odds(p_red) < 2 · odds(p_green)",
                "move them apart",
            )
        return self

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        if not self.adverse and (self.p_red or self.p_green):
            raise refuse(
                "an opportunity has no bands",
                "remove p_red and p_green; p_high is the probability from which it is listed",
            )
        if self.adverse and (self.p_high or self.playbook or self.likelier):
            raise refuse(
                "p_high, playbook and likelier are for opportunities",
                "remove them, or set adverse = false",
            )
        return self

    @property
    def contractual(self) -> bool:
        """Whether an active subscription, and not activity, makes an account eligible."""
        return self.event is not None and self.event.ended is not None

    @property
    def words(self) -> tuple[str, str]:
        """The verbs for accounts with the event and without: churned and stayed."""
        return ("churned", "stayed") if self.adverse else ("converted", "did not convert")

    @property
    def source(self) -> str:
        """The source whose facts, or whose silence, are the target."""
        part = self.event or self.inactivity
        assert part is not None
        return part.source

    @property
    def by_renewal(self) -> bool:
        """Whether each account's window ends with its own next renewal."""
        return self.horizon == NEXT_RENEWAL

    @property
    def horizon_days(self) -> int:
        """The days that the prediction covers; by renewal, those that it covers at least."""
        if not isinstance(self.horizon, int):
            return LEAST_DAYS if self.at_least is None else self.at_least
        return self.horizon

    @property
    def forecast_days(self) -> int | None:
        """By renewal: within how many days of the as-of date the forecast is; else there is none.

        With a horizon of days the score is a forecast itself.
        """
        if not self.by_renewal:
            return None
        return FORECAST_DAYS if self.forecast is None else self.forecast

    def of_forecast(self) -> "Target":
        """By renewal: what the forecast asks, as a target of days without a gap."""
        assert self.event is not None
        plain = dict.fromkeys(("renews", "contract", "amount"))
        unset = dict.fromkeys(("at_least", "at_most", "notice", "forecast", "p_red", "p_green"))
        asked = {"event": self.event.model_copy(update=plain), "horizon": self.forecast_days}
        return self.model_copy(update={**unset, **asked, "gap": 0})

    @property
    def days_from_end_to_settle(self) -> int:
        """Days from the end of the window until what happened in it is known for good."""
        return (self.event.days_to_continue if self.event else 0) + self.reporting_delay

    @property
    def days_to_settle(self) -> int:
        """Days from the as-of date until an outcome is known for good; by renewal, the earliest."""
        return self.gap + self.horizon_days + self.days_from_end_to_settle


def odds(probability: float) -> float:
    """The odds p / (1 − p) of a probability.

    Examples
    --------
    >>> odds(0.75)
    3.0
    """
    return probability / (1 - probability)
