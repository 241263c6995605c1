"""An error of the engine, as the user's: which source it is about, and what mends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from features.engines.on_duckdb import EngineError, Unreadable
from features.errors import ContractBroken, DeclarationError, Finding


@contextmanager
def naming_the_source(source: str | Callable[[str], str]) -> Iterator[None]:
    """Names the source that an error of the engine is about, as far as its message shows it.

    Raises
    ------
    ContractBroken
        The table went away, or is damaged, where it was read.
    DeclarationError
        An expression over it cannot be computed.
    """
    try:
        yield
    except Unreadable as error:
        detail, fix = f"cannot be read completely: {error}", "repair the file or export it again"
        name = source if isinstance(source, str) else source(str(error))
        finding = Finding("unreadable", "sources", "error", name, None, None, detail, fix)
        raise ContractBroken([finding]) from error
    except EngineError as error:
        name = source if isinstance(source, str) else source(str(error))
        raise DeclarationError(
            f"churnlight.toml: an indicator over source {name!r} cannot be computed: {error}; "
            "run churnlight check to see which one"
        ) from error
