"""Limits of the camt.053 reader, and that nothing at all makes it crash."""

import gc
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats import camt053, camt053_statement, strict_xml
from ledger.formats.statement import read_statement_file
from tests.samples import SampleLine, changed, judged, message, read, statement
from tests.samples import camt053 as sample


def test_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt053_statement, "ENTRIES_MAX", 2)
    assert judged(sample()) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(camt053_statement, "PARTS_MAX", 2)
    assert judged(sample(lines=(SampleLine(3, parts_fen=(1, 1, 1)),))) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(camt053, "STATEMENTS_MAX", 1)
    two = message(statement(), statement(statement_id="B")).encode()
    assert judged(two) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(strict_xml, "FILE_BYTES_MAX", 1_000)
    assert judged(sample()) == "reject:LIMIT_EXCEEDED"


def test_elements_that_nobody_asked_for_do_not_pile_up() -> None:
    junk = changed("<TxsSummry>", "<Junk/>" * 350_000 + "<TxsSummry>")
    assert judged(junk) == "reject:LIMIT_EXCEEDED"


def test_what_nobody_asked_for_is_dropped_in_good_time() -> None:
    content = sample(lines=(SampleLine(2, ref="B1", parts_fen=(1, 1)),))
    junk = f"</TxDtls></NtryDtls><Nm>{'<a/>' * 300_000}</Nm><NtryDtls><TxDtls>"
    started = time.process_time()
    assert judged(changed("</TxDtls><TxDtls>", junk, content)) == "accept"
    assert time.process_time() - started < 5  # the square of 300,000 would take longer


def test_a_batch_entry_may_have_many_parts_in_one_or_many_details() -> None:
    content = sample(lines=(SampleLine(5_000, ref="B1", parts_fen=(1,) * 5_000),))
    lines, (one,) = read(content)
    assert (one.verdict, lines[0].detail_count, len(lines[0].details)) == ("accept", 5_000, 5_000)
    apart = content.replace(b"</TxDtls><TxDtls>", b"</TxDtls></NtryDtls><NtryDtls><Btch/><TxDtls>")
    lines_apart, (one_apart,) = read(apart)
    assert (one_apart.content_digest, lines_apart) == (one.content_digest, lines)


def test_an_entrys_amount_does_not_stand_between_its_details() -> None:
    content = sample(lines=(SampleLine(2, ref="B1", parts_fen=(1, 1)),))
    between = changed("</TxDtls><TxDtls>", '</TxDtls></NtryDtls><Amt Ccy="CNY">9.00</Amt><NtryDtls><TxDtls>', content)
    assert judged(between) == "accept"
    moved = changed('<Ntry><Amt Ccy="CNY">0.02</Amt>', "<Ntry>", between)
    assert judged(moved) == "reject:BAD_AMOUNT"


def test_sums_beyond_what_the_books_hold_are_refused() -> None:
    huge = 99_999_999_999_999_999
    lines = (SampleLine(huge), SampleLine(huge), SampleLine(huge, credit=False), SampleLine(huge, credit=False))
    assert judged(sample(lines=lines, summary=False)) == "reject:BAD_AMOUNT"


def test_memory_does_not_grow_with_the_entries() -> None:
    small, big = (peak_bytes(many_entries(count)) for count in (200, 2_200))
    # The references of the entries are remembered, about 100 bytes each; their lines, 1,000 bytes each, are not.
    assert big - small < 2_000 * 300


def many_entries(count: int) -> bytes:
    return sample(lines=[SampleLine(100, ref=f"B{n:08d}") for n in range(count)])


def peak_bytes(content: bytes) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        assert judged(content) == "accept"
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- anything at all

CONTENT = sample()
TEXT = CONTENT.decode()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 40), st.binary(max_size=12))
def test_no_change_of_bytes_makes_it_crash(at: int, gone: int, put: bytes) -> None:
    checked = read_statement_file(CONTENT[:at] + put + CONTENT[at + gone :])
    assert checked.verdict in ("accept", "hold", "reject")
    assert (checked.verdict == "reject") == (checked.class_ is not None and checked.class_ != "DETAIL_SUM_MISMATCH")


TAGS = sorted({part.split(">")[0].split(" ")[0].strip("/") for part in TEXT.split("<")[2:]})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TAGS), st.sampled_from(TAGS), st.booleans(), st.text(max_size=6))
def test_no_misplaced_element_makes_it_crash(old: str, new: str, all_of_them: bool, put: str) -> None:
    count = -1 if all_of_them else 1
    text = TEXT.replace(f"<{old}>", f"<{new}>", count).replace(f"</{old}>", f"</{new}>{put}", count)
    checked = read_statement_file(text.encode("utf-8", errors="replace"))
    assert checked.verdict in ("accept", "hold", "reject")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"<?xml ", b"<Document ", b"\xff\xfe", b"<!--"]))
def test_no_bytes_at_all_make_it_crash(tail: bytes, head: bytes) -> None:
    assert read_statement_file(head + tail).verdict == "reject"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.sampled_from(["BOOK", "PDNG"])), max_size=12))
def test_a_statement_is_accepted_when_it_adds_up_and_never_otherwise(moves: list[tuple[int, bool, str]]) -> None:
    lines = [SampleLine(fen, credit=credit, status=status) for fen, credit, status in moves]
    assert judged(sample(lines=lines)) == "accept"
    _, (one,) = read(sample(lines=lines))
    assert one.closing_fen is not None
    for wrong in (one.closing_fen + 1, one.closing_fen - 1):
        assert judged(sample(lines=lines, closing_fen=wrong)) == "reject:BALANCE_MISMATCH"


CHECK = """
import sys
from pathlib import Path
from ledger.formats.statement import read_statement_file
checked = read_statement_file(Path(sys.argv[1]))
# Not ru_maxrss: that one is inherited from the process that runs the tests.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(checked.verdict, checked.statements[0].entries, int(peak) // 1024)
"""


@pytest.mark.full
def test_a_hundred_thousand_entries_in_time_and_memory(tmp_path: Path) -> None:
    big = tmp_path / "big.xml"
    big.write_bytes(many_entries(100_000))
    assert big.stat().st_size > 75_000_000
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", CHECK, str(big)], capture_output=True, text=True, check=True)
    seconds = time.monotonic() - started
    verdict, entries, peak_mb = done.stdout.split()
    assert (verdict, entries) == ("accept", "100000")
    assert seconds <= 20
    assert int(peak_mb) <= 150
