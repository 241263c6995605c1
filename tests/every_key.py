"""A company that declares every key of the language, and for each key a change that must show.

One design rule: a change is a piece of the declaration and what stands in its place; whatever it
shows is computed by the product from the same tables.
"""

import csv
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from features import contract, snapshots, sources
from features.assembling import churn_days, source_sql
from features.declaring import mistakes
from features.declaring.company import Company
from features.declaring.declaration import parse

# ruff: noqa: E501 (a row of a table is one line)
MORNINGS = [date(2023, 6, 10), date(2023, 8, 1)]

ACCOUNTS = """\
account_id,other_id,org,desk,since,joined,name,label,plan,tier,owner,boss,parent,group,mrr,arr,renewal,term
A,B,10,20,2023-01-01,2023-03-01,Ann,a,pro,x,o1,p1,,B,10,1,2024-01-01,2024-02-01
B,A,20,10,2023-01-01,2023-03-02,Bob,b,basic,y,o2,p2,A,,20,2,2024-01-02,2024-02-02
C,D,30,40,2023-01-01,2023-03-03,Cyd,c,basic,y,o3,p3,A,B,30,3,2024-01-03,2024-02-03
D,C,40,30,2023-01-01,2023-03-04,Dan,d,pro,x,o4,p4,,,40,4,2024-01-04,2024-02-04
"""
TERMS = """\
account_id,starts,ends,quits,noted,told,kind,paused,halted,resumed,back,renews,due,fee
A,2023-01-01,2023-06-20T23:00:00,2023-08-10T00:00:00,2023-06-20T23:00:00,2023-08-10T00:00:00,paid,,2023-06-20T00:00:00,,,2023-07-01,2023-08-01,1
A,2023-02-01,,,,,trial,,,,,2023-08-20,2023-07-10,9
B,2023-01-01,2023-06-01T12:00:00,,2023-06-01T12:00:00,,paid,2023-06-01T00:00:00,,2023-07-20T00:00:00,2023-06-30T00:00:00,2023-07-01,2023-08-01,1
B,2023-07-20,2023-09-15T12:00:00,,2023-09-15T12:00:00,,paid,,,,,2023-07-01,2023-08-01,1
C,2023-01-01,2023-08-20T12:00:00,,2023-08-20T12:00:00,,trial,,,,,2023-07-01,2023-08-01,1
D,2023-01-01,2023-06-15T12:00:00,,2023-07-31T23:30:00,,paid,,,,,2023-07-01,2023-08-01,1
D,2023-06-25,,2023-09-01T12:00:00,,,paid,,,,,2023-07-01,2023-08-01,1
"""
USERS = """\
user,login,company,firm,joined,entered,left,gone,noted,told
u1,u2,10,20,2023-01-01,2023-06-01,2023-06-05,2023-05-02,2023-01-01T23:30:00,2023-06-12T12:00:00
u2,u1,20,10,2023-01-01,2023-01-01,,,2023-06-09T23:30:00,2023-01-01T00:00:00
u3,u3,30,30,2023-01-01,2023-01-01,,,2023-01-01T00:00:00,2023-01-01T00:00:00
"""
EVENTS = """\
user,login,org,at,happened,known,stored,amount,fee,seconds,body,note,sort,currency,coin,score
u1,u2,10,2023-05-03T12:00:00,2023-05-13T12:00:00,2023-05-03T12:00:00,2023-06-12T00:00:00,5,1,1683115200,too expensive,slow,a,USD,GBP,2
u1,u2,10,2023-06-02T12:00:00,2023-06-01T12:00:00,2023-06-09T23:30:00,2023-06-02T12:00:00,7,2,1685707200,fine,invoice,b,EUR,USD,4
u2,u1,20,2023-06-03T23:30:00,2023-06-13T12:00:00,2023-06-03T23:30:00,2023-06-03T23:30:00,9,3,1685793600,slow,fine,a,USD,EUR,6
u2,u1,20,2023-07-13T12:00:00,2023-07-14T12:00:00,2023-07-13T12:00:00,2023-07-13T12:00:00,2,4,1689249600,invoice,slow,b,USD,EUR,8
u3,u3,30,2023-06-04T12:00:00,2023-07-04T12:00:00,2023-06-04T12:00:00,2023-06-04T12:00:00,4,5,1685880000,slow,slow,a,EUR,GBP,10
u9,u9,30,2023-06-04T12:00:00,2023-07-04T12:00:00,2023-06-04T12:00:00,2023-06-04T12:00:00,4,5,1685880000,slow,slow,a,EUR,GBP,10
"""
TABLES = {
    "accounts": ACCOUNTS,
    "accounts_b": ACCOUNTS.replace("pro", "basic"),
    "terms": TERMS,
    "terms_b": "\n".join(TERMS.splitlines()[:-2]) + "\n",
    "users": USERS,
    "users_b": "\n".join(USERS.splitlines()[:-1]) + "\n",
    "events": EVENTS,
    "events_b": "\n".join(EVENTS.splitlines()[:-2]) + "\n",
    "merged": "was,formerly,is,now,noted,told\nC,D,A,B,2023-07-31T23:30:00,2023-06-05T00:00:00\n",
    "merged_b": "was,formerly,is,now,noted,told\nC,D,B,A,2023-07-30T23:30:00,2023-06-05T00:00:00\n",
    "rates": "date,currency,rate\n2023-01-01,USD,0.5\n2023-01-01,GBP,3\n",
    "rates_b": "date,currency,rate\n2023-01-01,USD,0.25\n2023-01-01,GBP,3\n",
    "tickets": "org,at,hours\n10,2023-06-01,5\n20,2023-06-02,7\n",
}


def keys(model: Any = Company, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every key that a declaration may have; a name of the user's is `*`."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        if path or key not in mistakes.NOT_IN_THE_FILE:
            yield from _below(field.annotation, (*path, key))


def _below(annotation: Any, path: tuple[str, ...]) -> Iterator[str]:
    inner = annotation
    while True:
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, path)
            return
        parts = [part for part in get_args(inner) if part not in (type(None), Ellipsis)]
        if get_origin(inner) is dict:
            path = (*path, "*")
        if not parts or isinstance(parts[-1], str):
            yield ".".join(path)
            return
        # What is annotated comes first, the items of a dict last.
        inner = parts[-1] if get_origin(inner) is dict else parts[0]


def write(folder: Path) -> None:
    """Write the tables, of which the tickets are in a database as well."""
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    with sqlite3.connect(folder / "help.db") as database:
        rows = list(csv.reader(TABLES["tickets"].splitlines()[1:]))
        for name, some in (("tickets", rows), ("tickets_b", rows[:1])):
            database.execute(f"CREATE TABLE {name} (org TEXT, at DATE, hours REAL)")
            database.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", some)
    database.close()


def refuse(folder: Path, text: str) -> None:
    """Check the company that `text` declares; raise what the product says against it."""
    with contract.sound_tables(_declared(folder, text)):
        pass


def results(folder: Path, text: str) -> Iterator[tuple[str, Any]]:
    """Everything that the feature layer says of the company that `text` declares, by name."""
    declared = _declared(folder, text)
    with sources.open_tables(declared) as tables:
        rows = snapshots.build_from(tables, MORNINGS).table
        yield "columns", rows.column_names
        yield "rows", rows.to_pylist()
        yield "until", snapshots.data_until(tables)
        yield "facts", tables.engine.rows(source_sql.account_facts(tables)).to_pylist()
        for name in declared.targets:
            yield f"churned {name}", churn_days.of_churn(tables, name).to_pylist()
            yield f"months {name}", snapshots.mature_month_starts(tables, name)


def _declared(folder: Path, text: str) -> Company:
    return parse(text.replace("FOLDER", str(folder)), folder)
