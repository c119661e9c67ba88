"""The bench says what it measured: alternated rounds, ratios round by round; a missed gate ends it with 1."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from scripts.benchmark import __main__ as entry
from scripts.benchmark import report
from scripts.benchmark.case import Case, Run, alternate, compared
from scripts.benchmark.chart import chart, over_gate

FAST = compared("fast", "entries/s", "yardstick", [30.0, 50.0, 40.0], [100.0, 100.0, 50.0], 0.2, 0.4)
SLOW = compared("slow", "entries/s", "yardstick", [10.0, 10.0], [100.0, 50.0], 0.2, 0.4)
LARGE = Case("large", 700.0, "bytes", "limit", gate=600, reach=400, at_most=True)


def bench(monkeypatch: pytest.MonkeyPatch, folder: Path, cases: list[Case], *words: str) -> Result:
    """Run the command on cases that are measured already."""

    def run(order: Run) -> Iterator[Case]:
        order.server["server_version"] = "18"
        yield from (case for case in cases if order.wants(case.name))

    monkeypatch.setattr(entry, "import_module", lambda _name: SimpleNamespace(run=run))
    return CliRunner().invoke(entry.bench, ["ledger", "--out", str(folder), *words])


def test_a_case_is_judged_by_the_median_of_its_rounds_ratios_not_by_the_ratio_of_medians() -> None:
    assert (FAST.measured, FAST.yardstick, FAST.ratio) == (40.0, 100.0, 0.5)
    assert [FAST.verdict, SLOW.verdict, LARGE.verdict] == ["reached", "MISSED", "MISSED"]
    times = compared("times", "ms", "plain", [2.0], [10.0], 5.0, None, less_is_better=True)
    assert (times.ratio, times.verdict) == (5.0, "passes")
    assert Case("memory", 390.0, "MB", gate=500, reach=400, at_most=True).verdict == "reached"
    assert Case("only looked at", 1.0, "s").verdict == "no gate"


def test_rounds_alternate_and_the_first_does_not_count() -> None:
    order: list[str] = []

    def work(name: str) -> Callable[[], float]:
        def measured() -> float:
            order.append(name)
            return float(len(order))

        return measured

    found = alternate({"ours": work("ours"), "theirs": work("theirs")}, 2)
    assert order == ["theirs", "ours", "ours", "theirs", "theirs", "ours"]
    assert found == {"ours": [3.0, 6.0], "theirs": [4.0, 5.0]}


@pytest.mark.parametrize(("cases", "code"), [([FAST], 0), ([FAST, SLOW], 1), ([LARGE], 1)])
def test_a_missed_gate_ends_the_bench_with_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cases: list[Case], code: int
) -> None:
    done = bench(monkeypatch, tmp_path, cases)
    assert done.exit_code == code, done.output
    assert ("A gate is MISSED." if code else "Every gate is met.") in done.output


def test_the_report_is_the_same_on_paper_and_as_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = bench(monkeypatch, tmp_path, [FAST, SLOW], "--json", "--only", "slow")
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "ledger.json").read_text(encoding="utf-8"))
    assert (found["bench"], found["ok"], found["server"]) == ("ledger", False, {"server_version": "18"})
    (case,) = found["cases"]
    assert case == SLOW.as_json()
    assert report.row(case) == ["slow", "10 entries/s", "75 yardstick", "0.15", "0.2", "0.4", "MISSED"]
    assert report.row(LARGE.as_json()) == ["large", "700 bytes", "", "", "<= 600", "<= 400", "MISSED"]


def test_the_chart_is_svg_with_a_bar_for_each_case() -> None:
    root = etree.fromstring(chart([FAST, SLOW, LARGE]).encode())
    bars = root.findall("{*}rect")
    assert [bar.get("class") for bar in bars] == ["bar", "miss", "miss"]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] > widths[2] > widths[1]
    assert [round(over_gate(case), 3) for case in (FAST, SLOW, LARGE)] == [2.5, 0.75, 0.857]
