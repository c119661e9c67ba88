"""``scripts/bench NOUN``: run the cases of a noun, show them, and end with 1 where a gate is missed."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from ledger.settings import CLONE
from scripts.benchmark.case import ROUNDS, Case, Run
from scripts.benchmark.chart import chart
from scripts.benchmark.report import print_report

# noun -> module with run(Run), imported when asked for: hordak and Django are loaded by those who measure them.
NOUNS: Final = {
    "ledger": "ledger", "month-end": "month_end", "peers": "peers", "reconcile": "reconcile", "rules": "rules",
    "statement": "statement", "web": "web",
}  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("noun", type=click.Choice(sorted(NOUNS)))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--scale", default=1.0, type=click.FloatRange(0.001), show_default=True, help="10: the sizes of millions."
)
@click.option(
    "--rounds", default=ROUNDS, type=click.IntRange(1), show_default=True, help="Rounds a figure is the median of."
)
@click.option("--only", default="", help="Only cases whose name contains this.")
@click.option("--out", type=click.Path(path_type=Path), default=CLONE / ".bench", help="Folder for chart and report.")
def bench(noun: str, as_json: bool, scale: float, rounds: int, only: str, out: Path) -> None:
    """Measure against yardsticks in the same run. Exit 1: a gate was missed."""
    out.mkdir(parents=True, exist_ok=True)
    order = Run(out, scale, rounds, only, say=lambda line: click.echo(line, err=True))
    load_before = os.getloadavg()[0]
    cases = list(import_module(f"scripts.benchmark.{NOUNS[noun]}").run(order))
    found = report(noun, order, cases, load_before)
    (out / f"{noun}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (out / f"{noun}.svg").write_text(chart(cases), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        print_report(found, out / f"{noun}.svg")
    sys.exit(0 if found["ok"] else 1)


def report(noun: str, order: Run, cases: list[Case], load_before: float) -> dict[str, Any]:
    """Everything a figure depends on, and the figures."""
    return {
        "bench": noun,
        "ok": all(case.passes for case in cases),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "seed": order.seed,
        "scale": order.scale,
        "rounds": order.rounds,
        "machine": {"cores": os.cpu_count(), "load_before": load_before, "load_after": os.getloadavg()[0]},
        "server": order.server,
        "cases": [case.as_json() for case in cases],
    }


def _commit() -> str:
    """The commit measured, marked where files differ from it; "" outside a repository."""
    asked = ["git", "-C", str(CLONE), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


if __name__ == "__main__":
    bench()
