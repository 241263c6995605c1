"""The command `churnlight VERB`: the verbs of the three rooms in one program.

Every error that was raised on purpose ends here, as its message on stderr and its exit code;
no heavy library is imported before a verb needs it.
"""

import os
import sys
import warnings

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import typer

import features.verbs
import serving.verbs
import training.verbs
from features.errors import ChurnlightError

INTERRUPTED = 130
STOPPED = "interrupted; what was published before is as it was"

app = typer.Typer(
    name="churnlight",
    help="Say which customers are drifting away, why, and what to do next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for room in (features.verbs, training.verbs, serving.verbs):
    app.add_typer(room.app)


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """A warning as people read it, without the line of code that gave it."""
    return f"warning: {message}\n"


def main() -> None:
    """Runs the command line; exit codes are those of `features.errors`, 130 on Ctrl-C."""
    warnings.formatwarning = _warning
    try:
        app(prog_name="churnlight")
    except ChurnlightError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except MemoryError as error:
        typer.echo(
            f"the memory does not suffice ({error}): give it more, or less to do at once, "
            "such as fewer as-of dates; what was published before is as it was",
            err=True,
        )
        sys.exit(ChurnlightError.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or error
        typer.echo(f"{place}{reason}; what was published before is as it was", err=True)
        sys.exit(ChurnlightError.exit_code)
    except SystemExit as end:
        # Typer ends a verb that Ctrl-C interrupted by this code, and says nothing.
        if end.code == INTERRUPTED:
            typer.echo(STOPPED, err=True)
        raise
    except KeyboardInterrupt:
        typer.echo(STOPPED, err=True)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
