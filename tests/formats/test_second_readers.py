"""Outside readers agree with ours on the files of the shared collection that they can read."""

from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ledger.formats.statement import read_statement_file
from ledger.terms.currency import amount_text
from ledger.terms.statement import Statement
from tests.bank_files import mt940

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "statements"
# mt-940 adds a reversed credit (RC) instead of taking it off, and wants lines longer than these have.
MT940_READS_OTHERWISE = ("wolph-betterplace-sepa_mt9401.sta", "wolph-ASNB-")


def accepted(folder: str) -> Iterator[tuple[Path, tuple[Statement, ...]]]:
    """The files of a folder that ours accepts."""
    for path in sorted((FOLDER / folder).iterdir()) if FOLDER.is_dir() else ():
        if path.suffix not in (".csv", ".md"):
            found = read_statement_file(path)
            if found.verdict == "accept":
                yield path, found.statements


def sums(statement: Statement) -> tuple[Decimal, Decimal]:
    assert statement.sum_credits_fen is not None
    assert statement.sum_debits_fen is not None
    credits, debits = (
        amount_text(fen, statement.currency) for fen in (statement.sum_credits_fen, statement.sum_debits_fen)
    )
    return Decimal(credits), Decimal(debits)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared is not beside this clone")
def test_pyiso20022_reads_the_same_figures_of_camt_053() -> None:
    xsdata = pytest.importorskip("xsdata.formats.dataclass.parsers", reason="xsdata is not installed")
    compared = 0
    for path, statements in accepted("camt053"):
        if path.name.startswith("bsp-"):
            continue  # not valid by the schema: elements that must be there are not, and pyiso20022 cannot do without
        module = import_module("pyiso20022.camt." + statements[0].version.replace(".", "_"))
        theirs = xsdata.XmlParser().from_bytes(path.read_bytes(), module.Document).bk_to_cstmr_stmt.stmt
        assert [one.id for one in theirs] == [one.statement_id for one in statements], path.name
        for mine, other in zip(statements, theirs, strict=True):
            assert (len(other.ntry), _sum(other.ntry, "CRDT"), _sum(other.ntry, "DBIT")) == (mine.entries, *sums(mine))
            compared += 1
    assert compared >= 15


def _sum(entries: list[Any], sign: str) -> Decimal:
    return sum((entry.amt.value for entry in entries if entry.cdt_dbt_ind.value == sign), Decimal(0))


def test_mt_940_reads_the_same_figures() -> None:
    theirs = import_module("mt940")
    files = [(path.name, path.read_bytes(), found) for path, found in accepted("mt940")]
    own = mt940().encode()
    for name, content, statements in [*files, ("own", own, read_statement_file(own).statements)]:
        if name.startswith(MT940_READS_OTHERWISE):
            continue
        found = theirs.parse(content.decode("utf-8"))
        credits, debits = (sum(pair, Decimal(0)) for pair in zip(*map(sums, statements), strict=True))
        assert len(found) == sum(one.entries or 0 for one in statements), name
        assert sum((one.data["amount"].amount for one in found if "amount" in one.data), Decimal(0)) == credits - debits
        last = statements[-1]
        assert found.data["final_closing_balance"].amount.amount == Decimal(
            amount_text(last.closing_fen or 0, last.currency)
        ), name
