"""Names and texts as SQL writes them."""


def quote(name: str) -> str:
    """`name` as an SQL identifier.

    Examples
    --------
    >>> quote("order date")
    '"order date"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string.

    Examples
    --------
    >>> literal("O'Brien")
    "'O''Brien'"
    """
    return "'" + text.replace("'", "''") + "'"
