"""Makes the simulated B2B SaaS company's tables: ``python examples/saas/get_data.py``."""

import argparse
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="same seed, same bytes (7)")
    parser.add_argument("--accounts", type=int, default=1500, help="accounts ever signed (1500)")
    parser.add_argument(
        "--out", type=Path, default=HERE / "data", help="folder (data/ beside this)"
    )
    parser.add_argument("--defects", action="store_true", help="spoil the tables deliberately")
    return parser.parse_args()


def main() -> int:
    """Write the tables, print the facts and return the exit code."""
    sys.path.insert(0, str(HERE.parents[1]))
    from examples.saas.simulate.export import Refused, export

    given = arguments()
    try:
        figures = export(given.accounts, given.seed, given.out, spoiled=given.defects)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    report(figures, given.out)
    return 0


def report(figures: dict[str, Any], out: Path) -> None:
    """Print the facts of the simulated company."""
    print(f"simulated: a B2B SaaS company, seed {figures['seed']}, written to {out}")
    for name in ("accounts", "active_at_export", "churned", "bayes_auc", "unpredictable_share"):
        print(f"{name}: {figures[name]}")
    for name in ("churn_per_90_days", "lead_days_drawn", "lead_days_of_churned", "causes"):
        print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in figures[name].items()))
    print("rows: " + ", ".join(f"{k} {v}" for k, v in figures["rows"].items()))
    if figures["defects"]:
        print("defects: " + ", ".join(f"{k} {v}" for k, v in figures["defects"].items()))


if __name__ == "__main__":
    raise SystemExit(main())
