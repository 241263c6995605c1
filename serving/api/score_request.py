"""The request of `POST /v1/score`, as strict types."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

MAX_ACCOUNTS = 1000
LONGEST_ID = 512

# Every JSON value passes: which ones fit is known only once the model of the target is.
FeatureValues = Annotated[
    dict[str, object],
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": ["number", "string", "null"]}}
    ),
]


class _Strict(BaseModel):  # type: ignore[explicit-any] # pydantic's __init__(**data: Any)
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoreItem(_Strict):  # type: ignore[explicit-any] # as above
    """One account to score: a known one by its `account_id`, or any one by its `features`.

    Features that are left out, or null, count as unknown.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["account_id"]}, {"required": ["features"]}]}
    )

    account_id: str = Field(
        default_factory=str,
        min_length=1,
        max_length=LONGEST_ID,
        description="an account of the latest published run",
    )
    features: FeatureValues = Field(
        default_factory=dict,
        description="indicator columns, such as spend__90d, with their values; and history_days, "
        "where that is shorter than a window",
    )
    segment: str = Field(
        default="all",
        min_length=1,
        description="only with features: returned as given; no score depends on it",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.model_fields_set & {"account_id", "features"}) != 1:
            raise PydanticCustomError("one_way", "give either account_id or features")
        if "segment" in self.model_fields_set and "account_id" in self.model_fields_set:
            raise PydanticCustomError("one_way", "segment goes with features only")
        return self

    @property
    def by_features(self) -> bool:
        """Whether the caller gives the account's features instead of its id."""
        return "features" in self.model_fields_set


class ScoreRequest(_Strict):  # type: ignore[explicit-any] # as above
    """The accounts to score, at most 1000, for one target."""

    accounts: list[ScoreItem] = Field(min_length=1, max_length=MAX_ACCOUNTS)
    target: str = Field(
        default_factory=str, description="a declared target; by default the first adverse one"
    )
    drivers: bool = Field(default=True, description="whether each score carries its drivers")
