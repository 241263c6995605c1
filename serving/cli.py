"""The command `churnlight VERB`: the verbs of the three rooms in one program.

Every error that was raised on purpose ends here, as a message on stderr and an exit code.
No heavy library is imported before a verb needs it.
"""

import os
import sys
import warnings
from typing import Any, NoReturn

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import typer
from typer.core import TyperGroup

import features.verbs
import serving.verbs
import training.verbs
from features.errors import ChurnlightError

INTERRUPTED = 130
UNCHANGED = "published results are unchanged"

# In the order in which a user meets them.
VERBS = (
    "init",
    "check",
    "train",
    "promote",
    "score",
    "serve",
    "review",
    "lead-time",
    "indicators",
    "features",
    "collect",
    "demo",
)
EXIT_CODES = {
    0: "done",
    1: "failure",
    2: "invalid options or declaration",
    3: "the tables break the data contract",
    4: "the data cannot support the model, or the champion is kept",
    5: "not found",
    75: "busy: another churnlight command is running there",
    INTERRUPTED: "interrupted",
}


class Program(TyperGroup):
    """The verbs of all rooms in the order of `VERBS`; the help gives a switch no type."""

    # Whatever typer gives its groups.
    def __init__(self, **attributes: Any) -> None:  # type: ignore[explicit-any]
        super().__init__(**attributes)
        self.commands = {verb: self.commands[verb] for verb in VERBS}
        for command in (self, *self.commands.values()):
            switches = [option for option in command.params if getattr(option, "is_flag", False)]
            for option in (command.get_help_option(typer.Context(command)), *switches):
                if option is not None:
                    option.metavar = ""


app = typer.Typer(
    name="churnlight",
    cls=Program,
    help="Say which customers are drifting away, why, and what to do next.",
    epilog=f"Exit codes: {', '.join(f'{code} {word}' for code, word in EXIT_CODES.items())}.",
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
        _end(str(error), error.exit_code)
    except MemoryError as error:
        cause = f" ({error})" if str(error) else ""
        _end(f"out of memory{cause}. Use fewer as-of dates or more RAM; {UNCHANGED}")
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        _end(f"{path}{error.strerror or error}; {UNCHANGED}")
    except SystemExit as end:
        # Typer ends a verb that Ctrl-C interrupted by this code, and says nothing.
        if end.code == INTERRUPTED:
            typer.echo(f"interrupted; {UNCHANGED}", err=True)
        raise
    except KeyboardInterrupt:
        _end(f"interrupted; {UNCHANGED}", INTERRUPTED)


def _end(message: str, code: int = ChurnlightError.exit_code) -> NoReturn:
    """Ends the program with a message on stderr and an exit code."""
    typer.echo(message, err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
