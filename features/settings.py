"""Every setting of the installation: one field each, with its default, unit and help.

A setting is read from the environment variable `CHURNLIGHT_` + its name in capitals. What
belongs to a company is in `churnlight.toml`; what belongs to a machine is here.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from features.declaring.company import Company
from features.declaring.spelling import nearest
from features.errors import DeclarationError

PREFIX = "CHURNLIGHT_"
# kind of refusal: the rule in plain words, filled in with pydantic's context
RULES = {
    "int_parsing": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


class Settings(BaseModel):
    """The settings with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: str = Field(
        default=".", description="folder of the company's churnlight.toml, for the service"
    )
    workspace: str = Field(
        default=".churnlight",
        description="folder for models, scores and logs, relative to the company's folder",
    )
    tracking_uri: str = Field(
        default="", description="MLflow tracking server; empty: a SQLite store in the workspace"
    )
    trials: int = Field(
        default=8, ge=1, description="model settings that training tries, per target"
    )
    host: str = Field(default="127.0.0.1", description="address that the service binds")
    port: int = Field(default=3000, ge=1, le=65535, description="port of the service")
    public_hosts: str = Field(
        default="localhost,127.0.0.1",
        description="host names, comma-separated, that the service answers to",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="secret that every request must carry; required to bind to more than loopback",
    )
    max_body_kib: int = Field(
        default=1024, ge=1, description="largest request body, in KiB, before it is refused"
    )

    threads: int = Field(
        default=0, ge=0, description="threads that build features; 0: one per core"
    )
    facts_mib: int = Field(
        default=1536,
        ge=0,
        description="memory, in MiB, for facts while features are built; the rest goes to disk",
    )

    spark_master: str = Field(
        default="local[*]",
        description='Spark\'s master URL, for companies with `engine = "spark"`',
    )
    spark_packages: str = Field(
        default="",
        description="Maven packages that Spark needs, comma-separated, such as those of an object "
        "store: `org.apache.hadoop:hadoop-aws:3.4.2`",
    )
    spark_conf: str = Field(
        default="",
        description="further Spark configuration: "
        "`spark.executor.memory=8g;spark.executor.cores=4`",
    )
    spark_shared: str = Field(
        default="",
        description="folder that driver and executors see, for copies of CSV files and database "
        "tables and for rows on their way; empty: this machine's temporary files, which is right "
        "for `local[*]`",
    )

    @property
    def cores(self) -> int:
        """How many threads build features."""
        return self.threads or len(os.sched_getaffinity(0))

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process.

        Raises
        ------
        DeclarationError
            A variable has no usable value, or starts with `CHURNLIGHT_` and is no setting.
        """
        environment = os.environ if environment is None else environment
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in environment.items()
            if key.startswith(PREFIX)
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            lines = [_refusal(detail) for detail in error.errors()]
            raise DeclarationError("\n".join(lines)) from None

    def workspace_of(self, company: Company) -> Path:
        """The folder in which everything that Churnlight makes for `company` is kept."""
        return company.folder / self.workspace


def _variable(setting: str) -> str:
    return f"{PREFIX}{setting.upper()}"


def _refusal(detail: ErrorDetails) -> str:
    """One refusal of pydantic's as a line: the variable, the rule, the value, the fix."""
    setting, rule, context = str(detail["loc"][0]), detail["type"], detail.get("ctx", {})
    if rule == "extra_forbidden":
        near = nearest(setting, Settings.model_fields)
        fix = f"did you mean {_variable(near)}?" if near else "docs/settings.md lists them all"
        return f"{_variable(setting)}: no such setting; {fix}"
    must = detail["msg"][0].lower() + detail["msg"][1:]
    if rule in RULES:
        must = RULES[rule].format(**context)
    return f"{_variable(setting)}: {must}, got {detail['input']!r}; docs/settings.md explains it"
