"""Statements let in: once however they come, held until a person or the missing one releases them, all or nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.books import statement as statements
from ledger.cli import edge, statement_import
from ledger.cli.main import HELD, REFUSED, UNUSABLE
from ledger.errors import InvariantBroken
from ledger.settings import read_settings
from tests.bank_files import csv_text, rows
from tests.cli.shop import CUSTODY, PRICE_FEN, SIGNED_ON, Shop, deposit
from tests.cli.test_statement_import import WRITTEN, imported
from tests.conftest import run_custody
from tests.samples import SampleLine

NEXT_ON = date(2026, 3, 3)
KILLED = -9
MOVES = [(5_00, "A"), (5_00, "B"), (-2_00, "C"), (5_00, "D")]
NO_ACCOUNT = "币种：,人民币\n"


def release(shop: Shop, statement_id: str, *more: str, by: str = "clerk:li") -> tuple[int, dict[str, Any]]:
    ran = shop.custody(
        "statement", "release", statement_id, "--by", by, "--reason", "asked the bank", *more, "--json"
    )  # fmt: skip
    return ran.code, json.loads(ran.out) if ran.out else {"err": ran.err}


def sheet(shop: Shop, name: str, first: int, last: int, *, refs: bool = True) -> Path:
    body = rows(MOVES, opening_fen=0)[first:last]
    return shop.file(name, csv_text(body if refs else [[*cells[:7], ""] for cells in body], above=NO_ACCOUNT))


# -- exports


@pytest.mark.parametrize("refs", [True, False])
def test_overlapping_exports_bring_every_row_once(shop: Shop, refs: bool) -> None:
    first, second = sheet(shop, "1.csv", 0, 3, refs=refs), sheet(shop, "2.csv", 1, 4, refs=refs)
    whole = sheet(shop, "all.csv", 0, 4, refs=refs)
    got = [shop.custody("statement", "import", one, "--account", CUSTODY, "--json") for one in (first, second, whole)]
    answers = [json.loads(one.out) for one in got]
    assert [(one["verdict"], one["lines"]) for one in answers] == [("accept", 3), ("accept", 1), ("idempotent", 0)]
    assert (
        shop.ask("SELECT sum(CASE WHEN credit THEN amount_fen ELSE -amount_fen END) FROM ledger.statement_line") == 1300
    )
    assert shop.count("line_match") == 4
    assert shop.broken() == []


def test_a_sheet_that_names_no_account_needs_one(shop: Shop) -> None:
    one = sheet(shop, "1.csv", 0, 3)
    assert imported(shop, one)[1]["class"] == "UNKNOWN_ACCOUNT"
    assert shop.custody("statement", "import", one, "--account", "1", "--json").code == UNUSABLE
    named = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    other = json.loads(shop.custody("statement", "import", named, "--account", "6232001000000000666", "--json").out)
    assert (other["verdict"], other["class"]) == ("reject", "OTHER_ACCOUNT")
    assert shop.count("statement") == 0
    assert json.loads(shop.custody("statement", "import", one, "--account", CUSTODY, "--json").out)["lines"] == 3


def test_a_profile_by_name_is_used_and_an_unknown_one_refused(shop: Shop) -> None:
    one = sheet(shop, "1.csv", 0, 3)
    ran = shop.custody("statement", "import", one, "--profile", "nobody", "--account", CUSTODY, "--json")
    assert (ran.code, "UNKNOWN_PROFILE" in ran.err) == (UNUSABLE, True)
    found = json.loads(shop.custody("statement", "check", one, "--preview", "--json").out)["preview"]["profile"]
    ran = shop.custody("statement", "import", one, "--profile", found, "--account", CUSTODY, "--json")
    assert (ran.code, json.loads(ran.out)["lines"]) == (0, 3)


# -- dry run


def test_a_dry_run_shows_everything_and_keeps_nothing(shop: Shop) -> None:
    day1 = shop.statement("1.xml", deposit(1), on=SIGNED_ON)
    day2 = shop.statement("2.xml", deposit(2), sequence=2, opening_fen=PRICE_FEN, on=NEXT_ON)
    before = shop.counts(*WRITTEN)
    ran = shop.custody("statement", "import", day1, day2, "--dry-run", "--json")
    answer = json.loads(ran.out)
    assert (ran.code, answer["dry_run"], answer["imported"], answer["lines"]) == (0, True, 2, 2)
    assert shop.counts(*WRITTEN) == before
    assert "dry run, nothing kept" in shop.custody("statement", "import", day1, day2, "--dry-run").out
    assert imported(shop, day1, day2)[1]["imported"] == 2


# -- held and released


def held_107(shop: Shop) -> None:
    imported(shop, shop.statement("1.xml", deposit(1), on=SIGNED_ON))
    third = shop.statement("3.xml", deposit(3), sequence=3, opening_fen=2 * PRICE_FEN, on=date(2026, 3, 4))
    code, answer = imported(shop, third)
    assert (code, answer["class"], shop.count("line_match")) == (HELD, "SEQUENCE_GAP", 1)


def test_a_gap_closes_when_the_missing_statement_comes(shop: Shop) -> None:
    held_107(shop)
    code, answer = imported(
        shop, shop.statement("2.xml", deposit(2), sequence=2, opening_fen=PRICE_FEN, on=NEXT_ON)
    )  # fmt: skip
    assert (code, answer["verdict"], answer["imported"]) == (0, "accept", 1)
    assert shop.ask("SELECT joined_by FROM ledger.statement_release WHERE statement_id = 'S-0003'") == "S-0002"
    assert shop.count("line_match") == 3
    assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == 3 * PRICE_FEN
    fourth = shop.statement("4.xml", deposit(9), sequence=4, opening_fen=3 * PRICE_FEN, on=date(2026, 3, 5))
    assert imported(shop, fourth)[0] == 0
    assert shop.broken() == []


def test_a_person_releases_with_a_reason_and_the_missing_money_is_a_break(shop: Shop) -> None:
    held_107(shop)
    code, answer = release(shop, "S-0003")
    assert (code, answer["result"], answer["released"]) == (0, "done", 1)
    assert shop.ask("SELECT released_by || ' ' || reason FROM ledger.statement_release") == "clerk:li asked the bank"
    kind, amount_fen = shop.ask("SELECT array[kind, amount_fen::text] FROM ledger.break")
    assert (kind, int(amount_fen)) == ("opening_difference", PRICE_FEN)
    assert shop.broken() == []
    assert release(shop, "S-0003")[1]["result"] == "replayed"
    late = shop.statement("2.xml", deposit(2), sequence=2, opening_fen=PRICE_FEN, on=NEXT_ON)
    assert imported(shop, late)[0] == HELD
    code, answer = release(shop, "S-0002")
    assert (code, answer["code"]) == (REFUSED, "STATEMENT_OVERTAKEN")
    assert shop.broken() == []


def test_a_balance_below_the_last_closing_is_a_break_too(shop: Shop) -> None:
    imported(shop, shop.statement("1.xml", deposit(1), on=SIGNED_ON))
    short = shop.statement("2.xml", deposit(2), sequence=2, opening_fen=PRICE_FEN - 7, on=NEXT_ON)
    assert imported(shop, short)[1]["class"] == "OPENING_DISCONTINUITY"
    assert release(shop, "S-0002", "--account", CUSTODY)[0] == 0
    assert shop.ask("SELECT sum(debit_fen) FROM ledger.item_balance WHERE class = 'difference'") == 7
    assert shop.broken() == []


def test_what_cannot_be_released_is_told(shop: Shop) -> None:
    imported(shop, shop.statement("1.xml", deposit(1), on=SIGNED_ON))
    assert release(shop, "S-0001")[1]["code"] == "STATEMENT_NOT_HELD"
    assert "UNKNOWN_STATEMENT" in release(shop, "S-0009")[1]["err"]
    ran = shop.custody("statement", "release", "S-0001", "--by", "clerk:li", "--reason", " ")
    assert (ran.code, "REASON_MISSING" in ran.err) == (UNUSABLE, True)


def test_two_accounts_with_one_id_are_told_apart(shop: Shop) -> None:
    for account in (CUSTODY, "6232001000000000666"):
        from_bank = SampleLine(1_00, ref=f"R{account[-3:]}", end_to_end_id="", memo="")
        imported(shop, _of(shop, account, from_bank))
    assert "STATEMENT_UNCLEAR" in release(shop, "S-0001")[1]["err"]
    assert release(shop, "S-0001", "--account", CUSTODY)[0] == 0
    assert shop.count("line_match") == 1


def _of(shop: Shop, account: str, line: SampleLine) -> Path:
    path = shop.statement(f"{account}.xml", line, sequence=1, opening_fen=1, on=SIGNED_ON)
    path.write_bytes(path.read_bytes().replace(CUSTODY.encode(), account.encode()))
    return path


# -- a rejected file is kept, sealed


def kept(shop: Shop, file_id: str) -> list[bytes]:
    """A file's parts as the books hold them."""
    with shop.database.app.connect() as conn:
        vault = edge.open_vault(read_settings())
        return list(statements.file_bytes(conn, vault, UUID(file_id)))


def test_a_large_file_is_kept_in_parts_that_open_in_their_place_alone(shop: Shop) -> None:
    content = shop.statement("day.xml", deposit(1), on=SIGNED_ON).read_bytes()
    large = content.replace(b"<BkToCstmrStmt>", b"<!--" + b" " * (2 << 20) + b"--><BkToCstmrStmt>")
    assert imported(shop, shop.file("large.xml", large))[0] == 0
    file_id = shop.ask("SELECT file_id::text FROM ledger.statement_file")
    assert (len(kept(shop, file_id)), b"".join(kept(shop, file_id))) == (3, large)
    with shop.database.app.connect() as conn:
        rows = conn.execute(text("SELECT part, raw_sealed FROM ledger.statement_file_part ORDER BY part")).all()
    with pytest.raises(InvariantBroken, match="SEAL_BROKEN"):
        edge.open_vault(read_settings()).open_bytes(rows[0].raw_sealed, "statement_file_part", "raw 2", UUID(file_id))


def test_a_kept_file_gets_no_more_parts_and_says_when_it_is_not_what_was_offered(shop: Shop) -> None:
    content = shop.statement("day.xml", deposit(1), on=SIGNED_ON).read_bytes()
    assert imported(shop, shop.file("day.xml", content))[0] == 0
    file_id = shop.ask("SELECT file_id::text FROM ledger.statement_file")
    vault = edge.open_vault(read_settings())
    more = vault.seal_bytes(b"<!-- one part more -->", "statement_file_part", "raw 2", UUID(file_id))
    with shop.database.app.begin() as conn, pytest.raises(DBAPIError, match="parts are kept with their file"):
        conn.execute(text("SELECT ledger.keep_file_part(:f, 2, :b)"), {"f": file_id, "b": more})
    with shop.database.owner.begin() as conn:  # not through the door of the books
        conn.execute(text("INSERT INTO ledger.statement_file_part VALUES (:f, 2, :b)"), {"f": file_id, "b": more})
    with pytest.raises(InvariantBroken, match="SEAL_BROKEN"):
        kept(shop, file_id)


def test_a_file_of_before_parts_is_read_whole(shop: Shop) -> None:
    file_id, content = uuid4(), b"<Document/>"
    sealed = edge.open_vault(read_settings()).seal_bytes(content, "statement_file", "raw", file_id)
    with shop.database.owner.begin() as conn:
        conn.execute(
            text("""INSERT INTO ledger.statement_file (file_id, sha256, name, verdict, class, raw_sealed, offered_at,
                                                       offered_by)
                    VALUES (:f, sha256(:c), 'old.xml', 'accept', '', :b, now(), 'clerk:li')"""),
            {"f": file_id, "c": content, "b": sealed},
        )
    assert kept(shop, str(file_id)) == [content]


def test_a_file_that_changes_while_it_is_read_is_not_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    reading = statement_import.read_lines

    def slowly(*asked: Any) -> Any:
        found = reading(*asked)
        path.write_bytes(path.read_bytes() + b"\n")
        return found

    monkeypatch.setattr(statement_import, "read_lines", slowly)
    ran = shop.custody("statement", "import", path)
    assert (ran.code, "FILE_CHANGED" in ran.err) == (UNUSABLE, True)
    assert shop.counts("statement", "statement_file", "journal_entry") == {
        "statement": 0, "statement_file": 0, "journal_entry": 0,
    }  # fmt: skip


def test_a_rejected_file_is_in_quarantine_with_its_bytes(shop: Shop) -> None:
    whole = shop.statement("whole.xml", deposit(1), on=SIGNED_ON).read_bytes()
    bad = shop.file("bad.xml", whole[:-40])
    assert imported(shop, bad)[0] == UNUSABLE
    verdict, code, file_id = shop.ask("SELECT array[verdict, class, file_id::text] FROM ledger.statement_file")
    assert (verdict, code) == ("reject", "MALFORMED_XML")
    assert kept(shop, file_id) == [whole[:-40]]


# -- crash, and two at once


@pytest.mark.parametrize(("point", "kept"), [("before_import_commit", 0), ("after_import_commit", 2)])
def test_a_killed_import_left_all_lines_or_none(shop: Shop, point: str, kept: int) -> None:
    day = shop.statement("1.xml", deposit(1), deposit(2), on=SIGNED_ON)
    ran = run_custody({**shop.environment, "CUSTODY_FAULT": point}, "statement", "import", str(day))
    assert ran.returncode == KILLED
    assert shop.count("statement_line") == kept
    assert imported(shop, day)[0] == 0
    assert shop.counts("statement_line", "line_match", "statement_file") == {
        "statement_line": 2, "line_match": 2, "statement_file": 1,
    }  # fmt: skip
    assert shop.broken() == []


def test_of_two_importers_at_once_one_wins(shop: Shop) -> None:
    day = str(shop.statement("1.xml", deposit(1), on=SIGNED_ON))
    imported(
        shop, shop.statement("x.xml", on=SIGNED_ON, sequence=9, opening_fen=1)
    )  # the key file is there before two need it
    with ThreadPoolExecutor(2) as both:
        ran = list(both.map(lambda _: run_custody(shop.environment, "statement", "import", day, "--json"), range(2)))
    assert sorted(json.loads(one.stdout)["class"] or "" for one in ran) == ["", "ALREADY_IMPORTED"]
    assert [one.returncode for one in ran] == [0, 0]
    with shop.database.app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.statement_line")) == 1
    assert shop.count("statement_file") == 2
