"""Makes docs/settings.md from the settings.

    python -m features.reference.settings_page > docs/settings.md

What a setting means is said once, in its field; a test compares the page with the fields.
"""

import sys

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from features.settings import PREFIX, Settings

HEAD = """\
# Settings

<!-- Made by `python -m features.reference.settings_page > docs/settings.md`; a test compares. -->

Everything about a company is in its `churnlight.toml` ([the declaration](declaration.md)).
Everything about a machine is a setting, read from the environment:

```sh
CHURNLIGHT_PORT=8080 churnlight serve --company acme
```

An unknown variable that starts with `CHURNLIGHT_` ends the command with exit code 2, so that a
misspelt one is not silently ignored.

| variable | default | meaning |
|---|---|---|
"""
TAIL = """
The usage statistics of BentoML and MLflow are off (`BENTOML_DO_NOT_TRACK=True`,
`MLFLOW_DISABLE_TELEMETRY=true`): nothing leaves the machine that you did not ask for.

A database password does not belong in `churnlight.toml`: write `sql = "$NAME"` there, and put the
URL in the environment variable `NAME`.
"""


def page() -> str:
    """The page as Markdown text."""
    rows = (_row(name, field) for name, field in Settings.model_fields.items())
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _row(name: str, field: FieldInfo) -> str:
    secret = isinstance(field.default, SecretStr)
    default = field.default.get_secret_value() if secret else str(field.default)
    shown = f"`{default}`" if default else "(empty)"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


if __name__ == "__main__":
    sys.stdout.write(page())
