"""The simulated company keeps its promises, seen from the files it writes alone."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

SCRIPT = Path(__file__).parents[1] / "examples" / "saas" / "get_data.py"
EXPORTED = "TIMESTAMPTZ '2026-07-01 00:00:00+00'"
# table: key of the account, event time (as a date), known time
FACTS = {
    "usage": ("account_id", "day", "ingested_at"),
    "tickets": ("helpdesk_org", "opened_at", "ingested_at"),
    "resolutions": ("helpdesk_org", "resolved_at", "ingested_at"),
    "surveys": ("account_id", "answered_at", "ingested_at"),
    "subscriptions": ("customer_no", "started_at", "recorded_at"),
    "seat_changes": ("customer_no", "changed_at", "recorded_at"),
    "invoices": ("customer_no", "issued_at", "recorded_at"),
    "payments": ("customer_no", "paid_at", "recorded_at"),
    "reminders": ("customer_no", "sent_at", "recorded_at"),
    "contacts": ("account_id", "changed_on", "ingested_at"),
    "milestones": ("account_id", "due_on", "ingested_at"),
    "csm_actions": ("account_id", "acted_at", "ingested_at"),
}
NULLABLE = {
    "accounts": {"parent_id", "renewal_date"},
    "subscriptions": {"ended_at", "end_recorded_at"},
    "csm_actions": {"playbook"},
    "truth/churn": {"decided_at"},
}
TRUTH = (
    "truth/health",
    "truth/churn_probability",
    "truth/planted",
    "truth/churn",
    "truth/traits",
)


def simulate(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Folder:
    """A folder of simulated tables, asked by SQL; `{name}` in a query is the table of that name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        names = (*FACTS, *TRUTH, "accounts")
        for name in names:
            query = query.replace("{" + name + "}", f"'{self.path / name}.parquet'")
        return self.connection.sql(query).fetchall()

    def value(self, query: str) -> Any:
        """The first value of the answer."""
        return self.rows(query)[0][0]

    @property
    def figures(self) -> dict[str, Any]:
        """The printed facts."""
        text = (self.path / "truth" / "figures.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    out = tmp_path_factory.mktemp("saas") / "data"
    made = simulate(out)
    assert made.returncode == 0, made.stderr
    assert "simulated" in made.stdout
    assert "bayes_auc" in made.stdout
    return Folder(out)


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    out = tmp_path_factory.mktemp("spoiled") / "data"
    made = simulate(out, "--accounts", "150", "--defects")
    assert made.returncode == 0, made.stderr
    return Folder(out)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_same_seed_gives_the_same_bytes_in_two_processes(tmp_path: Path) -> None:
    for name, seed in (("first", "3"), ("again", "3"), ("other", "4")):
        assert simulate(tmp_path / name, "--accounts", "150", "--seed", seed).returncode == 0
    first, again, other = (digests(tmp_path / name) for name in ("first", "again", "other"))
    assert len(first) == len(FACTS) + len(TRUTH) + 2
    assert first == again
    assert {name for name in first if first[name] == other[name]} == set()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["again", "first", "other"]


def test_an_earlier_export_is_replaced_and_anything_else_is_refused(tmp_path: Path) -> None:
    assert simulate(tmp_path / "data", "--accounts", "60").returncode == 0
    before = digests(tmp_path / "data")
    assert simulate(tmp_path / "data", "--accounts", "60", "--seed", "8").returncode == 0
    assert digests(tmp_path / "data") != before
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("years of work", encoding="utf-8")
    refused = simulate(own, "--accounts", "60")
    assert refused.returncode == 2
    assert "no earlier export" in refused.stderr
    assert [item.name for item in own.iterdir()] == ["thesis.txt"]


def test_a_size_out_of_range_is_refused_with_the_range(tmp_path: Path) -> None:
    refused = simulate(tmp_path / "data", "--accounts", "7")
    assert refused.returncode == 2
    assert "got 7" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_bayes_auc_and_the_base_rate_are_as_promised(company: Folder) -> None:
    figures = company.figures
    assert 0.80 <= figures["bayes_auc"] <= 0.88
    assert 0.05 <= figures["churn_per_90_days"]["all"] <= 0.08
    assert 0.20 <= figures["unpredictable_share"] <= 0.30


def test_the_bayes_auc_can_be_recomputed_from_the_sealed_tables(company: Folder) -> None:
    recomputed = company.value(
        "WITH r AS (SELECT churned, (rank() OVER (ORDER BY churn_probability)"
        " + (count(*) OVER (PARTITION BY churn_probability) - 1) / 2.0) AS rank"
        " FROM {truth/churn_probability} WHERE mature AND counted)"
        " SELECT (sum(rank) FILTER (churned) - n1 * (n1 + 1) / 2) / (n1 * n0) FROM r,"
        " (SELECT count(*) FILTER (churned) AS n1, count(*) FILTER (NOT churned) AS n0 FROM r)"
        " GROUP BY n1, n0"
    )
    assert recomputed == pytest.approx(company.figures["bayes_auc"], abs=1e-4)


def test_the_true_probabilities_are_calibrated(company: Folder) -> None:
    groups = company.rows(
        "SELECT avg(churned::INT), avg(churn_probability), count(*) FROM (SELECT *,"
        " ntile(5) OVER (ORDER BY churn_probability) AS fifth FROM {truth/churn_probability}"
        " WHERE mature AND counted) GROUP BY fifth"
    )
    for rate, stated, _ in groups:
        assert rate == pytest.approx(stated, abs=0.012)


def test_a_planted_cause_has_its_share_of_the_true_excess_of_who_had_not_decided(
    company: Folder,
) -> None:
    rows, least, most, most_share = company.rows(
        "SELECT count(*), min(share), max(excess), max(share) FROM {truth/planted}"
    )[0]
    assert rows > 1000
    assert 0 < least < most_share <= 1
    assert most < 1
    decided = "SELECT count(*) FROM {truth/planted} JOIN {truth/churn} USING (account_id)"
    assert company.value(f"{decided} WHERE decided_at < as_of") == 0
    agrees = company.value(
        "SELECT min(excess - c.churn_probability + m.mean) BETWEEN -1e-9 AND 1e-9"
        " AND max(excess - c.churn_probability + m.mean) BETWEEN -1e-9 AND 1e-9"
        " FROM {truth/planted} JOIN {truth/churn_probability} AS c USING (account_id, as_of)"
        " JOIN (SELECT as_of, avg(churn_probability) AS mean FROM {truth/churn_probability}"
        " GROUP BY as_of) AS m USING (as_of)"
    )
    assert agrees


def test_the_sealed_rows_of_a_cause_are_rows_of_its_table(company: Folder) -> None:
    ((source, rows),) = company.rows("SELECT DISTINCT source, rows FROM {truth/planted}")
    assert company.value(f"SELECT count(*) FROM {{{source}}} WHERE {rows}") > 100


def test_a_quarter_of_churn_has_no_cause_in_health(company: Folder) -> None:
    causes = company.rows("SELECT cause, predictable FROM {truth/churn} GROUP BY ALL")
    assert {cause for cause, predictable in causes if not predictable} == {
        "acquired",
        "insolvent",
        "budget cut",
    }
    assert {cause for cause, predictable in causes if predictable} == {
        "value",
        "champion",
        "price",
        "service",
    }


def test_the_planted_leads_have_the_promised_quantiles(company: Folder) -> None:
    low, middle, high = company.value(
        "SELECT quantile_cont(lead, [0.1, 0.5, 0.9]) FROM {truth/traits}"
    )
    assert 12 <= low <= 20
    assert 54 <= middle <= 66
    assert 130 <= high <= 170


def test_usage_decays_before_churn_but_not_of_silent_leavers(company: Folder) -> None:
    query = (
        "SELECT sum(active_users) FILTER (day >= ended_at - 10) / 10.0"
        " / (sum(active_users) FILTER (day < decided_at) / 28.0) FROM {usage}"
        " JOIN {truth/churn} USING (account_id)"
        " WHERE predictable AND lead_days >= 40 AND day >= decided_at - 28 AND "
    )
    assert company.value(query + "NOT silent") < 0.45
    assert 0.6 < company.value(query + "silent") < 1.4


def test_a_telemetry_gap_is_missing_rows_and_a_quiet_day_is_zeros(company: Folder) -> None:
    missing, quiet, expected = company.rows(
        "WITH span AS (SELECT account_id, greatest(created_at, DATE '2024-01-01') AS first,"
        " coalesce(ended_at, DATE '2026-06-20') AS last FROM {accounts}"
        " LEFT JOIN {truth/churn} USING (account_id)),"
        " seen AS (SELECT account_id, count(*) AS n, count(*) FILTER (active_users = 0) AS zero"
        " FROM {usage} JOIN span USING (account_id) WHERE day < last GROUP BY 1)"
        " SELECT sum(greatest(last - first, 0) - coalesce(n, 0)), sum(zero),"
        " sum(greatest(last - first, 0)) FROM span LEFT JOIN seen USING (account_id)"
    )[0]
    assert 0.005 < missing / expected < 0.05
    assert quiet / expected > 0.02
    on_the_failed_day = company.value(
        "SELECT count(*) FILTER (day = DATE '2025-02-12') * 1.0"
        " / count(*) FILTER (day = DATE '2025-02-19') FROM {usage}"
    )
    assert 0.3 < on_the_failed_day < 0.5


def test_keys_are_unique_and_every_fact_belongs_to_an_account(company: Folder) -> None:
    for key in ("account_id", "name", "helpdesk_org", "customer_no"):
        assert company.value(f"SELECT count(*) - count(DISTINCT {key}) FROM {{accounts}}") == 0
    for name, (key, _, _) in FACTS.items():
        query = f"SELECT count(*) FROM {{{name}}} ANTI JOIN {{accounts}} USING ({key})"
        assert company.value(query) == 0, name
    assert company.value("SELECT count(*) - count(DISTINCT (account_id, day)) FROM {usage}") == 0
    orphans = "SELECT count(parent_id) FROM {accounts} WHERE parent_id NOT IN "
    assert company.value(orphans + "(SELECT account_id FROM {accounts})") == 0


@pytest.mark.parametrize("name", FACTS)
def test_no_fact_lies_before_sign_up_or_after_the_end(company: Folder, name: str) -> None:
    key, event, _ = FACTS[name]
    outside = company.value(
        f"SELECT count(*) FROM {{{name}}} JOIN {{accounts}} USING ({key})"
        " LEFT JOIN {truth/churn} AS gone USING (account_id)"
        f" WHERE {event}::DATE < created_at OR {event}::DATE >= gone.ended_at"
    )
    assert outside == 0


@pytest.mark.parametrize("name", FACTS)
def test_what_happened_was_known_later_and_before_the_export(company: Folder, name: str) -> None:
    _, event, known = FACTS[name]
    zone = "Europe/Berlin" if event in {"opened_at", "resolved_at"} else "UTC"
    happened = f"timezone('{zone}', {event}::TIMESTAMP)" if zone != "UTC" else event
    rows, early, unknown = company.rows(
        f"SELECT count(*), count(*) FILTER ({known} < {happened}),"
        f" count(*) FILTER ({known} >= {EXPORTED}) FROM {{{name}}}"
    )[0]
    assert rows > 0
    assert (early, unknown) == (0, 0)


def test_some_usage_arrives_days_late(company: Folder) -> None:
    share = company.value("SELECT avg((ingested_at::DATE - day > 1)::INT) FROM {usage}")
    assert 0.02 < share < 0.04


@pytest.mark.parametrize("name", ["accounts", *FACTS, *TRUTH])
def test_values_are_missing_only_where_that_is_documented(company: Folder, name: str) -> None:
    columns = company.rows(f"SELECT column_name FROM (DESCRIBE FROM {{{name}}})")
    for (column,) in columns:
        missing = company.value(
            f"SELECT count(*) FROM {{{name}}} WHERE coalesce({column}::VARCHAR, 'nan') = 'nan'"
        )
        assert (missing > 0) == (column in NULLABLE.get(name, set())), column


def test_terms_follow_each_other_within_the_grace_until_the_account_ends(company: Folder) -> None:
    late, longest, overlap = company.rows(
        "WITH t AS (SELECT ended_at, lead(started_at) OVER w - ended_at AS pause"
        " FROM {subscriptions} WINDOW w AS (PARTITION BY customer_no ORDER BY started_at))"
        " SELECT count(*) FILTER (pause > 0), max(pause), min(pause) FROM t"
    )[0]
    assert late > 0
    assert longest < 14
    assert overlap == 0
    agree = company.value(
        "WITH t AS (SELECT customer_no, arg_max(ended_at, started_at) AS ended,"
        " count(*) FILTER (ended_at IS NULL) AS open FROM {subscriptions} GROUP BY 1)"
        " SELECT count(*) FROM t JOIN {accounts} USING (customer_no) LEFT JOIN {truth/churn} AS g"
        " USING (account_id) WHERE t.open = 0 AND ended IS DISTINCT FROM g.ended_at"
        " AND ended < DATE '2026-06-15'"
    )
    assert agree == 0


def test_tickets_are_not_monotone_in_health(company: Folder) -> None:
    weeks = company.rows(
        "WITH n AS (SELECT account_id, date_trunc('week', opened_at)::DATE AS monday,"
        " count(*) AS tickets FROM {tickets} JOIN {accounts} USING (helpdesk_org) GROUP BY ALL)"
        " SELECT avg(coalesce(tickets, 0)) FROM (SELECT *, ntile(8) OVER (ORDER BY health) AS part"
        " FROM {truth/health}) AS h LEFT JOIN n ON n.account_id = h.account_id"
        " AND n.monday = h.week GROUP BY part ORDER BY part"
    )
    dying, troubled, *_, calm, _, engaged = (rate for (rate,) in weeks)
    assert dying < 0.7 * troubled
    assert calm < 0.7 * troubled
    assert engaged > 1.2 * calm


def test_nps_is_missing_not_at_random(company: Folder) -> None:
    answered, everybody = company.rows(
        "SELECT avg(health) FILTER (EXISTS (FROM {surveys} AS s WHERE kind = 'nps'"
        " AND s.account_id = h.account_id AND answered_at::DATE BETWEEN week AND week + 6)),"
        " avg(health) FROM {truth/health} AS h"
    )[0]
    assert answered > everybody + 0.1


def test_the_hold_out_is_random_and_is_never_treated(company: Folder) -> None:
    treated, share = company.rows(
        "SELECT count(*) FILTER (holdout AND account_id IN (SELECT account_id FROM {csm_actions}"
        " WHERE kind = 'playbook')), avg(holdout::INT) FROM {truth/traits}"
    )[0]
    assert treated == 0
    assert 0.07 < share < 0.13
    held, others, spread = company.rows(
        "SELECT avg(mean) FILTER (holdout), avg(mean) FILTER (NOT holdout), stddev(mean)"
        " / sqrt(count(*) FILTER (holdout)) FROM {truth/traits}"
    )[0]
    assert abs(held - others) < 3 * spread


def test_playbooks_go_to_accounts_at_risk_as_far_as_the_week_goes(company: Folder) -> None:
    treated, everybody, busiest = company.rows(
        "WITH t AS (SELECT account_id, csm, date_trunc('week', acted_at)::DATE AS week"
        " FROM {csm_actions} JOIN {accounts} USING (account_id) WHERE kind = 'playbook')"
        " SELECT (SELECT avg(health) FROM {truth/health} JOIN t USING (account_id, week)),"
        " (SELECT avg(health) FROM {truth/health}),"
        " (SELECT max(n) FROM (SELECT count(*) AS n FROM t GROUP BY csm, week))"
    )[0]
    assert treated < everybody - 0.4
    assert busiest == 2


def test_the_true_effects_are_sealed_and_include_zero_and_harm(company: Folder) -> None:
    effects = [item["effect_on_health"] for item in company.figures["playbooks"].values()]
    assert min(effects) < 0 < max(effects)
    assert 0.0 in effects
    used = company.rows("SELECT DISTINCT playbook FROM {csm_actions} WHERE playbook IS NOT NULL")
    assert {name for (name,) in used} == set(company.figures["playbooks"])


def test_the_years_differ(company: Folder) -> None:
    before, after = company.rows(
        "SELECT sum(events) FILTER (day BETWEEN DATE '2025-02-15' AND DATE '2025-06-15') * 1.0"
        " / sum(active_users) FILTER (day BETWEEN DATE '2025-02-15' AND DATE '2025-06-15'),"
        " sum(events) FILTER (day BETWEEN DATE '2026-02-15' AND DATE '2026-06-15') * 1.0"
        " / sum(active_users) FILTER (day BETWEEN DATE '2026-02-15' AND DATE '2026-06-15')"
        " FROM {usage}"
    )[0]
    assert after > 1.2 * before
    prices = company.rows(
        "SELECT max(mrr / seats) FILTER (started_at < DATE '2025-04-01'), max(mrr / seats)"
        " FROM {subscriptions}"
    )[0]
    assert prices[1] == pytest.approx(1.12 * prices[0], rel=1e-3)


def test_each_defect_is_there_when_asked_for_and_counted(spoiled: Folder) -> None:
    counted = spoiled.figures["defects"]
    found = {
        "duplicate_accounts": spoiled.value(
            "SELECT count(*) - count(DISTINCT account_id) FROM {accounts}"
        ),
        "duplicate_usage_rows": spoiled.value(
            "SELECT count(*) - count(DISTINCT (account_id, day)) FROM {usage}"
            " WHERE account_id LIKE 'A%'"
        ),
        "orphan_usage_rows": spoiled.value(
            "SELECT count(*) FROM {usage} WHERE account_id NOT IN (SELECT account_id FROM"
            " {accounts})"
        ),
        "orphan_ticket_rows": spoiled.value(
            "SELECT count(*) FROM {tickets} WHERE helpdesk_org NOT IN (SELECT helpdesk_org FROM"
            " {accounts})"
        ),
        "usage_rows_before_start": spoiled.value(
            "SELECT count(*) FROM {usage} JOIN (SELECT DISTINCT account_id, created_at FROM"
            " {accounts}) USING (account_id) WHERE day < created_at"
        ),
        "leaked_subscription_rows": spoiled.value(
            "SELECT count(*) FROM {subscriptions} WHERE NOT auto_renew"
        ),
    }
    assert found == counted
    assert min(counted.values()) > 0


def test_the_leak_tells_the_future(spoiled: Folder) -> None:
    leaked_then_gone = spoiled.value(
        "SELECT avg((ended_at IS NOT NULL OR started_at >= DATE '2025-01-01')::INT)"
        " FROM {subscriptions} WHERE NOT auto_renew"
    )
    assert leaked_then_gone == 1


def test_the_declaration_never_mentions_the_truth() -> None:
    declared = SCRIPT.with_name("churnlight.toml").read_text(encoding="utf-8")
    assert "truth" not in declared
