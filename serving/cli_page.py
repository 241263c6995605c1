"""Makes docs/cli.md from the command line itself.

    python -m serving.cli_page > docs/cli.md

What a verb or an option means is said once, in its help; a test compares the page with the program.
"""

import inspect
import sys
from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from serving.cli import EXIT_CODES, app

HEAD = """\
# The command line

<!-- Made by `python -m serving.cli_page > docs/cli.md`; a test compares. -->

`churnlight VERB --help` prints the same. stdout carries results, stderr progress and errors.
Machine settings are environment variables: [settings](settings.md). The verbs, in the order in
which you need them:

"""
OPTIONS = "\n| option | value | default | meaning |\n|---|---|---|---|"


def page() -> str:
    """The page as Markdown text."""
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    verbs = [verb for verb in program.commands.values() if isinstance(verb, TyperCommand)]
    listed = "".join(f"- [`{verb.name}`](#{verb.name}): {_paragraphs(verb)[0]}\n" for verb in verbs)
    return HEAD + listed + "".join(map(_section, verbs)) + _exit_codes()


def _section(verb: TyperCommand) -> str:
    """The section of one verb: its call, what it does, its options."""
    options = [param for param in verb.params if isinstance(param, TyperOption)]
    required = [f"{option.opts[0]} {option.metavar}" for option in options if option.required]
    arguments = [str(param.metavar) for param in verb.params if isinstance(param, TyperArgument)]
    call = " ".join(["churnlight", str(verb.name), *arguments, *required, "[OPTIONS]"])
    rows = "\n".join(map(_row, options))
    text = "\n\n".join(_paragraphs(verb))
    return f"\n## {verb.name}\n\n```\n{call}\n```\n\n{text}\n{OPTIONS}\n{rows}\n"


def _paragraphs(verb: TyperCommand) -> list[str]:
    """The help of a verb, a line per paragraph."""
    paragraphs = inspect.cleandoc(verb.help or "").split("\n\n")
    return [" ".join(paragraph.split()) for paragraph in paragraphs]


def _row(option: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    value = f"`{option.metavar}`".replace("|", "\\|") if option.metavar else ""
    meaning, _, described = (option.help or "").partition(" Default: ")
    return f"| {names} | {value} | {_default(option) or described.rstrip('.')} | {meaning} |"


def _default(option: TyperOption) -> str:
    """The default as the help prints it; empty where there is none or the help describes it."""
    if option.required:
        return "required"
    if option.is_flag:
        return f"`{option.opts[0]}`" if option.default else ""
    return f"`{option.default}`" if option.show_default and option.default else ""


def _exit_codes() -> str:
    rows: Iterator[str] = (f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    return f"\n## Exit codes\n\n| code | meaning |\n|---|---|\n{''.join(rows)}"


if __name__ == "__main__":
    sys.stdout.write(page())
