"""Tables in an object store: Parquet behind a URL such as `s3://bucket/orders.parquet`.

A folder is a table of all Parquet files below it. Credentials come from where the store's own
tools look for them (environment, profile, the machine's role), never from the declaration.
"""

from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs


def is_url(path: str) -> bool:
    """Whether `path` names a place in an object store."""
    return "://" in path


def shown(url: str) -> str:
    """`url` for messages: without user, password or parameters."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def open_dataset(url: str) -> ds.Dataset:
    """The table at `url`, of which only what a query asks for is read.

    Raises
    ------
    OSError
        The store does not respond, refuses, or has no such file; or the file is no Parquet.
    """
    try:
        store, path = fs.FileSystem.from_uri(url)
        return ds.dataset(path, filesystem=store, format="parquet")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise OSError(str(error).splitlines()[0]) from error
