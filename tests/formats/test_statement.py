"""Statement files as a whole: streamed, hashed, told apart, and unreadable ones named."""

import hashlib
import os
from io import BytesIO
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.formats.statement import PREVIEW_LINES, preview, read_statement_file, read_statements
from ledger.terms.statement import Statement, StatementFile, StatementLine
from tests.samples import SampleLine, camt053, message, statement


def test_lines_come_first_then_their_statement_then_the_file() -> None:
    content = message(statement(), statement(statement_id="B", lines=())).encode()
    found = list(read_statements(BytesIO(content), "two.xml"))
    assert [type(one) for one in found] == [StatementLine] * 3 + [Statement, Statement, StatementFile]
    last = found[-1]
    assert isinstance(last, StatementFile)
    assert last.statements == (found[3], found[4])
    assert (last.name, last.sha256) == ("two.xml", hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    "content", [b"", camt053(), camt053()[:200], b"%PDF" + b"x" * 3_000_000, camt053(closing_fen=0)]
)
def test_the_hash_is_of_the_whole_file_also_when_reading_stopped_early(content: bytes) -> None:
    assert read_statement_file(content).sha256 == hashlib.sha256(content).hexdigest()


def test_a_path_a_stream_and_bytes_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "day.xml"
    path.write_bytes(camt053())
    from_path = read_statement_file(path)
    assert from_path.name == "day.xml"
    assert read_statement_file(camt053(), "day.xml") == from_path
    with path.open("rb") as opened:
        assert read_statement_file(opened, "day.xml") == from_path
    assert read_statement_file(path, "as named").name == "as named"


def test_what_cannot_be_opened_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.xml", Path("/dev/null")):
        with pytest.raises(BadInput) as refused:
            read_statement_file(path)
        assert (refused.value.code, refused.value.where) == ("FILE_UNREADABLE", str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_of_others_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "secret.xml"
    path.write_bytes(camt053())
    path.chmod(0)
    with pytest.raises(BadInput, match="FILE_UNREADABLE"):
        read_statement_file(path)


def test_a_message_says_where_and_what_in_both_languages() -> None:
    checked = read_statement_file(camt053(closing_fen=1))
    assert checked.fault is not None
    english, chinese = checked.fault.text("en"), checked.fault.text("zh")
    assert english.startswith("Stmt[1], CLBD: ")
    assert "501018.50 <> 0.01" in english
    assert "期末" in chinese or "期初" in chinese
    assert english.endswith("(BALANCE_MISMATCH)")


def test_names_of_people_do_not_get_into_messages() -> None:
    checked = read_statement_file(camt053().decode().replace("欧阳小满", "欧阳小满" * 40).encode())
    assert checked.class_ == "BAD_FIELD"
    assert checked.fault is not None
    assert "欧阳" not in checked.fault.text("zh")


def test_a_preview_is_the_whole_file_judged_and_its_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "day.xml"
    path.write_bytes(camt053(lines=[SampleLine(100 + n, ref=f"B{n:04d}") for n in range(PREVIEW_LINES + 5)]))
    file, lines = preview(path, "day.xml")
    assert (file.verdict, file.statements[0].entries) == ("accept", PREVIEW_LINES + 5)
    assert [line.amount_fen for line in lines] == [100 + n for n in range(PREVIEW_LINES)]
