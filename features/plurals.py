"""Numbers with their noun, in the singular where it is one."""


def counted(number: int, noun: str) -> str:
    """`number` and `noun`, which gets an s unless the number is 1; thousands are separated.

    Examples
    --------
    >>> counted(1, "day"), counted(0, "day"), counted(1500, "account")
    ('1 day', '0 days', '1,500 accounts')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
