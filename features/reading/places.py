"""Where a source is, and what is said of one that cannot be opened."""

from features.declaring.source import Source
from features.engines import object_store
from features.errors import ContractBroken, Finding


def location(source: Source) -> str:
    """Where the source is, for messages: its path, or its table (never a URL with secrets)."""
    if source.path is None:
        return f"SQL table {source.table}"
    return object_store.shown(source.path) if object_store.is_url(source.path) else source.path


def broken(check: str, name: str, detail: str, fix: str) -> ContractBroken:
    """The error of a source `name` that cannot be opened, with its one finding."""
    return ContractBroken([Finding(check, "sources", "error", name, None, None, detail, fix)])
