"""What small declarations of companies with contracts have in common.

One design rule: only whole tables of the file stand here, so that a test adds keys to the last one
or tables of its own, and a reader sees what it asks for.
"""

# The accounts, and `terms.csv` with their subscriptions; more keys of that table may follow.
ACCOUNTS_AND_TERMS = """
[accounts]
source = "accounts"
key = "account_id"
attributes = { since = "since" }
[sources.accounts]
path = "accounts.csv"
[sources.terms]
path = "terms.csv"
account = "account_id"
event_time = "starts"
"""

# A declaration needs an indicator, also where a test asks for none.
COUNT_OF_TERMS = """
[indicators.terms]
title = "Terms"
dimension = "outcome"
kind = "context"
source = "terms"
measure = "count"
windows = ["28d"]
says = "{value} terms"
"""
