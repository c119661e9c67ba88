"""``scripts/bench ledger``: the rows of "Speed to reach" that are about posting, sealing and reading the books."""

from collections.abc import Iterator
from typing import Final

from scripts.benchmark import batch, gathering, peers, reading, single
from scripts.benchmark.case import Case, Run
from scripts.benchmark.world import CaseMaker, measure

CASES: Final[dict[str, CaseMaker]] = {
    "batch": batch.batch,
    "single": single.single,
    "gathered": gathering.gathering,
    "sealing": batch.sealing,
    **peers.CASES,
    "read": reading.reading,
    "bytes": batch.space,
}


def run(order: Run) -> Iterator[Case]:
    """Every wanted case."""
    yield from measure(order, CASES)
