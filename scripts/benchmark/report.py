"""The bench's table for a person."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_COLUMNS: Final = ("case", "measured", "yardstick", "ratio", "gate", "reach", "verdict")
_WIDTH: Final = 150  # where the output is no terminal
_STYLES: Final = {"MISSED": "bold red", "reached": "green"}


def print_report(found: Mapping[str, Any], svg: Path) -> None:
    """Cases as a table, then what the figures depend on."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_WIDTH, highlight=False)
    table = Table(title=f"scripts/bench {found['bench']}", title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in {"case", "verdict", "yardstick"} else "right")
    for case in found["cases"]:
        table.add_row(*row(case), style=_STYLES.get(case["verdict"]))
    console.print(table)
    machine, server = found["machine"], found["server"]
    console.print(
        f"{machine['cores']} cores, load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after; "
        f"scale {found['scale']:g}, {found['rounds']} rounds, seed {found['seed']}, "
        f"commit {found['commit'] or 'unknown'}"
    )
    if server:
        console.print(", ".join(f"{name} {value}" for name, value in server.items()))
    console.print(f"chart: {svg}")
    console.print("Every gate is met." if found["ok"] else "A gate is MISSED.")


def row(case: Mapping[str, Any]) -> list[str]:
    """A case's cells; what has an upper limit instead of a yardstick shows it as "at most"."""
    limit = "<= " if case["at_most"] else ""
    yardstick = "" if case["yardstick"] is None else f"{figure(case['yardstick'])} {case['against']}"
    return [
        case["case"],
        f"{figure(case['measured'])} {case['unit']}",
        yardstick,
        "" if case["ratio"] is None else f"{case['ratio']:g}",
        "" if case["gate"] is None else f"{limit}{case['gate']:g}",
        "" if case["reach"] is None else f"{limit}{case['reach']:g}",
        case["verdict"],
    ]


def figure(number: float) -> str:
    """Whole where it is large, else with its digits."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:g}"
