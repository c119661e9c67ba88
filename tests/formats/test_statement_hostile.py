"""Files made to hurt: each is refused by name, and the process that reads it stays small.

Quick sizes always; the sizes the issue names run with ``--full``.
"""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.cli.main import UNUSABLE
from tests.bank_files import csv_text, mt940, rows
from tests.formats.test_workbook import SHEET, SPREADSHEET, repacked
from tests.samples import camt053

MEGABYTE = 1 << 20
MEMORY_MAX_MB = 200
# The whole command in a process of its own, which says at its end how large it ever was.
CHECK = """
import atexit, sys
from pathlib import Path
from ledger.cli.main import main
def tell():
    # Not ru_maxrss: that one is inherited from the process that runs the tests.
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in status if line.startswith("VmHWM")]
    print(int(peak) // 1024, file=sys.stderr)
atexit.register(tell)
sys.argv = ["custody", "statement", "check", sys.argv[1], "--json"]
main()
"""
Pieces = Callable[[int], Iterator[bytes]]


def with_doctype(doctype: str) -> Pieces:
    def pieces(_: int) -> Iterator[bytes]:
        yield camt053().replace(b"?>", f"?>{doctype}".encode(), 1)

    return pieces


def nested(megabytes: int) -> Iterator[bytes]:
    head, rest = camt053().split(b"<Stmt>", 1)
    yield head + b"<Stmt>"
    for _ in range(megabytes):
        yield b"<a>" * (MEGABYTE // 3)
    yield rest


def one_element(megabytes: int) -> Iterator[bytes]:
    head, rest = camt053().split(b"<Stmt>", 1)
    yield head + b"<Stmt><Junk>"
    for _ in range(megabytes):
        yield b"x" * MEGABYTE
    yield b"</Junk>" + rest


def packed(name: str, megabytes: int, filler: bytes) -> bytes:
    """A workbook with one member more, of many megabytes that pack to little."""
    written = io.BytesIO(repacked({}))
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        for _ in range(megabytes):
            member.write(filler * (MEGABYTE // len(filler)))
    return written.getvalue()


def zip_bomb(megabytes: int) -> Iterator[bytes]:
    yield packed("xl/media/image1.png", megabytes, b"\0")


def sheet_bomb(megabytes: int) -> Iterator[bytes]:
    """A sheet of rows without end."""
    cells = b'<row><c t="inlineStr"><is><t>x</t></is></c></row>' * (megabytes * MEGABYTE // 49)
    yield repacked(
        {SHEET: f'<worksheet xmlns="{SPREADSHEET}"><sheetData>'.encode() + cells + b"</sheetData></worksheet>"}
    )


def many_lines(megabytes: int) -> Iterator[bytes]:
    yield csv_text(rows()).encode()
    for _ in range(megabytes):
        yield b",\n" * (MEGABYTE // 2)


def many_rows(megabytes: int) -> Iterator[bytes]:
    yield csv_text([]).encode()
    row = ",".join(rows(moves=((1, "K"),))[0]).encode()
    for _ in range(megabytes):
        yield (row + b"\n") * (MEGABYTE // len(row))


def long_line(megabytes: int) -> Iterator[bytes]:
    yield csv_text(rows()).encode()
    for _ in range(megabytes):
        yield b"x" * MEGABYTE


def open_quote(megabytes: int) -> Iterator[bytes]:
    yield csv_text(rows()).encode() + b'"'
    for _ in range(megabytes):
        yield b"x,y\n" * (MEGABYTE // 4)


def mixed(megabytes: int) -> Iterator[bytes]:
    yield csv_text(rows()).encode()
    for _ in range(megabytes):
        yield b",,,\n" * (MEGABYTE // 8)
    yield csv_text(rows()).encode("gb18030")


def nul_bytes(megabytes: int) -> Iterator[bytes]:
    yield csv_text(rows()).encode()
    for _ in range(megabytes):
        yield b"\0" * MEGABYTE


def long_narrative(megabytes: int) -> Iterator[bytes]:
    head, rest = mt940().encode().split(b":86:", 1)
    yield head + b":86:"
    for _ in range(megabytes):
        yield b"more\n" * (MEGABYTE // 5)
    yield rest


XXE = '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
BOMB = '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
) + "]>"  # fmt: skip
# name -> (pieces, classes it may get, megabytes quick, megabytes in full)
CASES: dict[str, tuple[Pieces, set[str], int, int]] = {
    "external entity": (with_doctype(XXE), {"DTD_FORBIDDEN"}, 1, 1),
    "entity bomb": (with_doctype(BOMB), {"DTD_FORBIDDEN"}, 1, 1),
    "nesting": (nested, {"MALFORMED_XML"}, 3, 1_024),
    "one huge element": (one_element, {"MALFORMED_XML", "LIMIT_EXCEEDED"}, 12, 600),
    "zip bomb": (zip_bomb, {"LIMIT_EXCEEDED"}, 80, 1_900),
    "sheet bomb": (sheet_bomb, {"LIMIT_EXCEEDED"}, 70, 120),
    "lines without end": (many_lines, {"LIMIT_EXCEEDED"}, 4, 20),
    "rows without end": (many_rows, {"LIMIT_EXCEEDED"}, 70, 1_200),
    "one huge line": (long_line, {"LIMIT_EXCEEDED"}, 3, 60),
    "a quote that never ends": (open_quote, {"LIMIT_EXCEEDED"}, 2, 60),
    "two encodings": (mixed, {"BAD_ENCODING"}, 2, 60),
    "nul bytes": (nul_bytes, {"BAD_ENCODING"}, 2, 60),
    "a narrative without end": (long_narrative, {"LIMIT_EXCEEDED"}, 2, 60),
}


def check(path: Path, pieces: Iterator[bytes]) -> tuple[str, str, int]:
    with path.open("wb") as written:
        written.writelines(pieces)
    done = subprocess.run([sys.executable, "-c", CHECK, str(path)], capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["verdict"] == "accept" else UNUSABLE)
    return told["verdict"], str(told["class"]), int(done.stderr.split()[-1])


@pytest.mark.parametrize("name", CASES)
def test_what_is_made_to_hurt_is_refused_by_name_in_little_memory(name: str, tmp_path: Path) -> None:
    pieces, classes, megabytes, _ = CASES[name]
    verdict, class_, peak_mb = check(tmp_path / "file", pieces(megabytes))
    assert verdict == "reject"
    assert class_ in classes
    assert peak_mb < MEMORY_MAX_MB


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_the_same_in_the_sizes_of_the_issue(name: str, tmp_path: Path) -> None:
    pieces, classes, _, megabytes = CASES[name]
    verdict, class_, peak_mb = check(tmp_path / "file", pieces(megabytes))
    assert (verdict, peak_mb < MEMORY_MAX_MB) == ("reject", True), peak_mb
    assert class_ in classes


@pytest.mark.full
def test_the_largest_sheets_that_are_read_stay_in_memory(tmp_path: Path) -> None:
    history = rows(moves=[(100 + n % 900, f"PP{n:08d}") for n in range(400_000)], opening_fen=50_000_000)
    verdict, class_, peak_mb = check(tmp_path / "big.csv", iter([csv_text(history).encode()]))
    assert (verdict, class_) == ("accept", "None")
    assert peak_mb < MEMORY_MAX_MB
