"""The account table: one row per account ever signed, as the CRM shows it at the export.

One rule: this is the only table that is rewritten; ``seats``, ``mrr`` and ``renewal_date`` are
today's and therefore stand on pages, never in an indicator.
"""

import numpy as np
import pyarrow as pa

from .columns import table as arrow_table
from .days import DAYS, to_date
from .parameters import PLANS
from .population import INDUSTRIES, REGIONS, csm_names
from .world import World


def table(world: World) -> pa.Table:
    """Return the account table in the order of sign-up."""
    accounts, count = world.accounts, len(world.accounts)
    last = world.contracts.last(count)
    parent = accounts.account_id[accounts.parent]
    parent[accounts.parent < 0] = None
    renews = to_date(world.contracts.renews[last])
    columns = {
        "account_id": accounts.account_id,
        "name": accounts.name,
        "plan": accounts.texts("plan", PLANS),
        "industry": accounts.texts("industry", INDUSTRIES),
        "region": accounts.texts("region", REGIONS),
        "seats": world.contracts.seats[last].astype(np.int32),
        "csm": csm_names(accounts),
        "parent_id": parent,
        "created_at": to_date(accounts.created),
        "mrr": world.contracts.mrr[last],
        "renewal_date": np.where(world.life.ended >= DAYS, renews, np.datetime64("NaT")),
        "helpdesk_org": accounts.helpdesk_org,
        "customer_no": accounts.customer_no,
    }
    return arrow_table(columns)
