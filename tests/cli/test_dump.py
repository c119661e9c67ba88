"""A full dump of the database shows nobody: no counterparty's name, account or memo, in whatever form it is sought."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine

from ledger.cli.main import HELD, UNUSABLE
from ledger.formats.announcement_sheet import COLUMNS, OPTIONAL
from tests.bank_files import csv_text, rows
from tests.cli.shop import CODE, CUSTODY, SIGNED_ON, Shop, deposit
from tests.cli.test_payout import answered
from tests.pain002 import pain002
from tests.samples import SampleLine

# each is one person's, and comes in one way
PAYER, PAYER_ACCOUNT, MEMO = "端木金丝雀", "6217009900000000101", "金丝雀附言甲"
HELD_NAME, HELD_ACCOUNT, HELD_MEMO = "令狐金丝雀", "6217009900000000202", "金丝雀附言乙"
BROKEN = "公孙金丝雀 6217009900000000303 金丝雀附言丙"
SHEET = "万俟金丝雀"
ANNOUNCED, ANNOUNCED_ACCOUNT = "东方金丝雀", "6217009900000000404"
OTHER, OTHER_ACCOUNT = "尉迟金丝雀", "6217009900000000505"
BANK_WORDS = "金丝雀户名不符"
CANARIES = (
    PAYER, PAYER_ACCOUNT, MEMO, HELD_NAME, HELD_ACCOUNT, HELD_MEMO, *BROKEN.split(), SHEET, ANNOUNCED,
    ANNOUNCED_ACCOUNT, OTHER, OTHER_ACCOUNT, BANK_WORDS,
)  # fmt: skip
OF = ("--institution", CODE)
TABLES = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""


def forms(text: str) -> list[bytes]:
    """How a text may stand in a dump: as it is, or in bytes of an encoding written as hex or base64."""
    encoded = [text.encode(name) for name in ("utf-8", "gb18030", "utf-16-le", "utf-16-be")]
    # base64 of a text inside others depends on where it begins: cut to what does not
    within = [
        base64.b64encode(b"\0" * shift + encoded[0])[-(-shift * 4 // 3) + (shift > 0) : -4].rstrip(b"=")
        for shift in range(3)
    ]
    return [encoded[0], *(one.hex().encode() for one in encoded), *within]


def dump(engine: Engine) -> bytes:
    """Every row of every table, as a dump writes them."""
    raw = engine.raw_connection()
    try:
        assert isinstance(raw.driver_connection, psycopg.Connection)
        cursor = raw.driver_connection.cursor()
        tables = [name for (name,) in cursor.execute(TABLES).fetchall()]
        assert len(tables) > 50
        return b"".join(part for table in tables for part in copied(cursor, f"COPY {table} TO STDOUT"))
    finally:
        raw.close()


def copied(cursor: "psycopg.Cursor[tuple[object, ...]]", statement: str) -> Iterator[bytes]:
    with cursor.copy(statement) as copy:
        for part in copy:
            yield bytes(part)


@pytest.fixture
def told(shop: Shop) -> list[str]:
    """Everything that takes a counterparty in has taken one; what the commands printed."""
    said = []

    def run(*words: object, code: int = 0) -> None:
        ran = shop.custody(*map(str, words))
        assert ran.code == code, ran.err
        said.append(ran.out + ran.err)

    mine = replace(deposit(1), name=PAYER, account=PAYER_ACCOUNT)
    nobodys = SampleLine(7_00, ref="N1", end_to_end_id="", memo=MEMO, name=PAYER, account=PAYER_ACCOUNT)
    run("statement", "import", shop.statement("1.xml", mine, nobodys, on=SIGNED_ON))
    held = SampleLine(8_00, ref="N2", end_to_end_id="", memo=HELD_MEMO, name=HELD_NAME, account=HELD_ACCOUNT)
    opening_fen = 4007_00
    run(
        "statement",
        "import",
        shop.statement("2.xml", held, sequence=9, opening_fen=opening_fen, on=SIGNED_ON),
        code=HELD,
    )
    broken = shop.statement("3.xml", held, sequence=2, on=SIGNED_ON).read_bytes() + f"<!-- {BROKEN}".encode()
    run("statement", "import", shop.file("3.xml", broken), code=UNUSABLE)
    sheet = csv_text(rows([(5_00, SHEET)], opening_fen=0), above=f"户名：,{SHEET}\n")
    shop.custody("statement", "import", shop.file("4.csv", sheet), "--account", CUSTODY)
    row = f"OR-1,HT000002,9.00,{SIGNED_ON},,OR000001,,{ANNOUNCED},{ANNOUNCED_ACCOUNT},"
    run("match", "announce", shop.file("l.csv", "\n".join([",".join((*COLUMNS, *OPTIONAL)), row]) + "\n"), *OF)
    run("match", "suggest", "--account", CUSTODY)
    refund = shop.asked_refund("HT000001", datetime(2026, 3, 20, 4, tzinfo=UTC))
    run("refund", "answer", refund, *OF, "--agree", "--actor", "school")
    run("refund", "approve", refund, *OF, "--actor", "clerk:wang")
    to = ("--payee-name", OTHER, "--payee-account", OTHER_ACCOUNT, "--payee-bank", "105100000017")
    run("refund", "change-account", refund, *OF, *to, "--reason", "账户已销户", "--actor", "clerk:li")
    run("refund", "cancel-account", refund, *OF, "--reason", "不是我申请的", "--actor", "parent:1")
    run("payout", "build", "--kind", "refund", *OF, "--actor", "clerk:li")
    (batch,) = answered(shop, "payout", "list")["batches"]
    run("payout", "approve", batch["batch"], "--actor", "clerk:wang")
    run("payout", "write", batch["batch"], "--out", shop.folder / "outbox", "--actor", "clerk:li")
    id_ = str(shop.ask("SELECT end_to_end_id FROM ledger.instruction"))
    run("payout", "status", shop.file("s.xml", pain002(batch["batch"], {id_: "RJCT"}, reason="AC04", words=BANK_WORDS)))
    run("match", "run", "--account", CUSTODY)
    return said


@pytest.mark.usefixtures("told")
def test_nobody_stands_in_a_dump_of_the_whole_database(shop: Shop) -> None:
    assert shop.counts("statement_line", "announced_payment", "payout_file", "payout_report", "refund_payee") == {
        "statement_line": 4, "announced_payment": 1, "payout_file": 1, "payout_report": 1, "refund_payee": 1,
    }  # fmt: skip
    whole = dump(shop.database.owner)
    assert [one for one in CANARIES if any(form in whole for form in forms(one))] == []
    # the search finds what is there: an institution's code on purpose, and a canary in whatever form it is planted
    assert CODE.encode() in whole
    plain = PAYER.encode()
    for encoded in (plain, b"\\x" + plain.hex().encode(), base64.b64encode(b"ab" + plain + b"c")):
        planted = whole + encoded
        assert any(form in planted for form in forms(PAYER))


def test_no_command_prints_or_logs_them_whole(told: list[str]) -> None:
    """But for the bank's own words of a rejection: whoever asked the bank reads them."""
    printed = [one for one in CANARIES if any(one in said for said in told)]
    assert printed == [BANK_WORDS]
