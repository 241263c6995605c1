"""The English words that names of tables and columns are made of, by what they tell.

A new word is one entry here. Words are compared in lower case, a table's in singular and plural.
"""

import re

# Names glued together, as databases without case write them: "customerid", "enddate", and with
# the system before it, "salesforceaccountid".
GLUED = re.compile(
    r"\b([a-z]{3,}?)?"
    r"(account|customer|client|company|user|member|subscriber|tenant|order|invoice|ticket)"
    r"(id|no|nr|key|code|number|name)\b|\b([a-z]{3,})(date|datetime)\b"
)


def name_words(name: str) -> frozenset[str]:
    """The words that a name is made of, in lower case.

    Examples
    --------
    >>> sorted(name_words("customerId")) == sorted(name_words("customer_id"))
    True
    """
    return frozenset(words_in_order(name))


def words_in_order(name: str) -> list[str]:
    """The words of a name as it has them, in lower case.

    Examples
    --------
    >>> words_in_order("CANCELDATE (UTC)")
    ['cancel', 'date', 'utc']
    >>> words_in_order("salesforceaccountid")
    ['salesforce', 'account', 'id']
    """
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower().replace("_", " ")
    parted = GLUED.sub(lambda match: " ".join(filter(None, match.groups())), split)
    return re.findall(r"[a-z]+|\d+", parted)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _nouns(text: str) -> frozenset[str]:
    """The words and their plurals."""
    return frozenset(form for word in text.split() for form in (word, plural(word)))


def plural(noun: str) -> str:
    """A noun in the plural, as table names have it.

    Examples
    --------
    >>> plural("policy"), plural("address"), plural("ticket")
    ('policies', 'addresses', 'tickets')
    """
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|ch|sh)$", noun) else f"{noun}s"


def singular(noun: str) -> str:
    """The inverse of `plural`, about right.

    Examples
    --------
    >>> singular("policies"), singular("addresses"), singular("tickets"), singular("nps")
    ('policy', 'address', 'ticket', 'nps')
    """
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if re.search(r"(ss|x|ch|sh)es$", noun):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and len(noun) > 3 and noun[-2] not in "su" else noun


# Tables --------------------------------------------------------------------------------------

# Who is scored, and people who belong to it: an account has users, a user has no accounts.
ACCOUNT = _nouns("account customer client company org organisation organization tenant workspace")
PERSON = _nouns("user member subscriber contact person patient student guest") | {"people"}
# What may follow or precede a noun without changing what a table's rows are.
DRESSING = _words(
    "list master export exports table tbl data dim info detail details profile profiles all raw "
    "full dump base main csv parquet stg staging src v1 v2 final new old public report copy"
)

CONTRACT = _nouns(
    "subscription contract licence license membership plan policy agreement lease tenancy "
    "enrolment enrollment"
)
# What begins and ends without being a contract.
NO_CONTRACT = _nouns(
    "ticket case session call visit deal opportunity task incident shipment delivery login chat "
    "conversation meeting appointment order invoice payment charge booking reservation campaign "
    "project issue bug job run trip ride event request trial promotion coupon discount survey "
    "experiment shift alert outage todo action note resolution message email thread activity "
    "device seat lead quote webinar course lesson workout stream play sprint milestone "
    "maintenance pause suspension reminder return refund"
)

LOSS = _nouns("churn cancellation cancelation termination attrition offboarding deactivation") | {
    "churned", "churners", "leavers", "departures", "terminated", "offboarded",
}  # fmt: skip
# Beside a word of loss: what is lost is something else, or nothing was lost yet.
NO_LOSS = (
    _nouns("risk score prediction forecast model reason survey save feature segment driver")
    | _nouns("order booking appointment reservation ticket trial class lesson meeting invoice")
    | _nouns("visit shipment delivery flight ride trip session probability")
    | _words("predicted prevention prevented interview feedback items item")
)

BAD = (
    LOSS
    | _nouns("ticket complaint incident error outage reminder refund return escalation case bug")
    | _nouns("downgrade chargeback dispute failure bounce unsubscribe unsubscription pause breach")
    | _nouns("suspension crash penalty warning violation delay debt contraction rejection dunning")
    | _nouns("absence defect fault claim")
    | _words("failed late overdue missed rejected declined arrears downtime abandoned lost refused")
    | _words(
        "cancelled canceled bounced unpaid noshow noshows issues unsubscribed returned delayed"
    )
)
GOOD = (
    _nouns("login logon signin session visit event activity pageview view click order purchase")
    | _nouns("payment transaction sale invoice line booking reservation checkin workout lesson")
    | _nouns(
        "download upload stream play watch listen search message post renewal upgrade referral"
    )
    | _nouns("expansion deposit trade trip ride attendance query track page screen usage charge")
    | _nouns("receipt basket stay rental export donation bet engagement")
    | _words("use used active opened logged sales consumption telemetry clickstream")
)
WORK = _words("action actions task tasks note notes resolution resolutions")
RELATION = _nouns("survey contact email call meeting response review") | _words("nps csat ces")
BUSINESS = _nouns(
    "order invoice payment sale purchase transaction line charge receipt refund chargeback basket"
)

# What rows that are facts about accounts are called, or contracts, rather than accounts or people.
FACTS = BAD | GOOD | WORK | RELATION | BUSINESS | CONTRACT | NO_CONTRACT

# Columns -------------------------------------------------------------------------------------

KNOWN = _words("ingested recorded loaded synced inserted received landed imported")
CHANGED = _words("updated modified changed last latest recent recently")
UTC = _words("utc gmt")
SINCE = _words(
    "created since signup signed joined registered onboarded start started first opened activated"
)
STARTS = _words("start started starts begin began begins from since activated effective")
# Since when until when a row of a table holds: what each end is called, and what stands beside it.
HOLDS = _words("valid effective active membership assignment row")
BEGINS_TO_HOLD = _words(
    "from since start starts started begin begins began joined joins assigned valid effective"
)
HOLDS_NO_MORE = _words("to until thru through end ends ended left removed unassigned expired")
TIMES = _words("at on date day time datetime timestamp ts utc")
BIRTH = _words("birth birthday birthdate dob born")

# What says by itself that a customer left, then what says that something is over.
LEFT = _words(
    "churn churned churns terminated termination terminates deactivated deactivation left lost "
    "offboarded offboarding inactive unsubscribed departed departure lapsed withdrawn exited "
    "discontinued attrited"
)
OVER = _words(
    "ended end ends expired expires expiry expiration closed closure deleted finished finish "
    "stopped stop until to thru through"
)
CANCELLED = _nouns("cancellation cancelation cancel") | {"cancelled", "canceled"}
# Ends of something else than the contract, each with what ends there.
_OTHER_THINGS = {
    "a trial": "trial trialing trials pilot",
    "a billing period": "period cycle billing bill invoice",
    "a term, which may be renewed": "term commitment minimum min",
    "a promotion": "promo promotion promotional discount coupon offer",
    "a means of payment": "card payment mandate cc",
    "something agreed ahead": "renewal renew renews due next",
    "a plan": "planned expected scheduled estimated forecast target",
    "a project": "onboarding implementation project campaign",
    "an access": "token password certificate key invite invitation",
    "a mailing": "newsletter email marketing mail sms",
    "a pause or a delay": "pause paused hold freeze grace notice",
    "a service beside the contract": "warranty support sla maintenance",
    "a calendar period": "month quarter week year fiscal window",
    "an activity": "session visit login call ticket case last",
}
ENDS_OF_OTHER_THINGS = {
    word: thing for thing, words in _OTHER_THINGS.items() for word in words.split()
}

AMOUNT = _words("amount total revenue sales dollars spend value mrr fee paid price")
# Merged accounts: what the table is called, the key that went away, and the one that it became.
MERGED = _nouns("merge merger alias duplicate") | {"merged", "dedup"}
OLD = _words("old from source merged previous duplicate loser secondary alias")
NEW = _words("new to into target master winner primary surviving current canonical")
CURRENCY = _words("currency ccy curr")
CENTS = _words("cent cents minor pence")
# What a row is called that is no contract yet, or never became one.
STATUS = _words("status state stage type kind")
STATE = STATUS | _words("result outcome")
FAILED = _words("failed failure declined rejected refused bounced denied errored")
NOT_YET = _words("trial trialing trialling trials test demo sandbox incomplete draft pending")
# A column that is overwritten, so that it holds what is true today.
OF_TODAY = _words("last latest recent recently lifetime total totals cumulative current")
QUANTITY = _words("quantity qty units items minutes hours sessions events logins visits")
RATING = _words("score rating nps csat stars satisfaction")
NO_RATING = _words("risk churn fraud effort severity priority credit lead probability spam")
NOT_ADDED = _words("unit per rate share average avg mean")
# What a column beside start and end has that makes a row a contract.
OF_A_CONTRACT = _words(
    "plan product price amount mrr arr fee interval renewal renews billing tier edition seats "
    "package tariff sku quantity licence license subscription contract"
)
PRODUCT = _words("product plan sku package tariff edition module service licence license item")

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "name": ("text", r"(account_?|customer_?|company_?|client_?|org_?)?name|company"),
    "segment": ("few", r"segment|plan(_?(tier|name))?|tier|industry|customer_type|edition"),
    "owner": ("text", r"owner|csm|account_?manager|account_?owner|success_?manager"),
    "parent": ("text", r"parent(_?(id|account|account_?id))?"),
    "mrr": ("number", r"mrr|monthly_?(recurring_?)?(revenue|fee)"),
    "renewal": ("time", r"renewal(_?(date|on|at|day))?|renews(_?(on|at))?|contract_?end.*"),
}


def head(name: str) -> str:
    """The noun that says what a table's rows are, in the singular.

    Examples
    --------
    >>> head("user_logins"), head("dim_customers_2024"), head("customer_list")
    ('login', 'customer', 'customer')
    """
    words = [word for word in words_in_order(name) if not word.isdigit()]
    nouns = [word for word in words if word not in DRESSING] or words or [""]
    return singular(nouns[-1])


def is_contract(name: str) -> bool:
    """Whether a table of that name holds contracts.

    Examples
    --------
    >>> is_contract("subscriptions"), is_contract("plan_sessions")
    (True, False)
    """
    return bool(name_words(name) & CONTRACT) and head(name) not in NO_CONTRACT
