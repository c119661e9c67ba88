"""One school as the commands meet it: registered through the flows, its personal fields sealed under its own key."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.books import contract as contracts
from ledger.cli import edge
from ledger.cli.main import main
from ledger.errors import Result
from ledger.flows import contract, lesson, refund, register
from ledger.formats.lesson_sheet import COLUMNS, read_lesson_sheet
from ledger.formats.rulebook import BUILT_IN
from ledger.reports import promises
from ledger.settings import read_settings
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee
from ledger.terms.journal import FundKind
from ledger.terms.price_cap import Category, Course, Mode, Stage
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked
from tests.conftest import Database
from tests.samples import SampleLine, camt053

NUMBER, CODE = 1001, "JG1001"
CUSTODY, RESERVE = "6232001000000000555", "6232001000000000666"
OPENED_ON, SIGNED_ON, TAUGHT_ON = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 9)
PRICE_FEN, HOURS = 4_000_00, 40_00
DEMO_RULES = BUILT_IN / "demo"


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shop:
    """The school's books and the commands on them."""

    database: Database
    folder: Path
    environment: dict[str, str]
    capsys: pytest.CaptureFixture[str]

    def custody(self, *words: str | Path) -> Ran:
        """Run a command in this process, as the console script does."""
        self.capsys.readouterr()
        before = sys.argv
        sys.argv = ["custody", *map(str, words)]
        try:
            main()
        except SystemExit as end:
            said = self.capsys.readouterr()
            return Ran(int(end.code or 0), said.out, said.err)
        finally:
            sys.argv = before
        raise AssertionError("the console script always exits")

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.database.app.connect() as conn:
            return int(conn.scalar(text(f"SELECT count(*) FROM ledger.{table}")) or 0)

    def counts(self, *tables: str) -> dict[str, int]:
        """The same for several."""
        return {table: self.count(table) for table in tables}

    def ask(self, question: str) -> Any:
        """One value from the books."""
        with self.database.app.connect() as conn:
            return conn.scalar(text(question))

    def broken(self, besides: tuple[str, ...] = ()) -> list[str]:
        """The promises that do not hold."""
        with self.database.app.connect() as conn:
            kept = promises.check(conn, [name for name in promises.names() if name not in besides])
        return [f"{one.promise} {one.where}" for promise in kept for one in promise.violations]

    def file(self, name: str, content: bytes | str) -> Path:
        """A file in the test's folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def statement(self, name: str, *lines: SampleLine, sequence: int = 1, opening_fen: int = 0, on: date) -> Path:
        """A bank statement of the custody account."""
        content = camt053(
            account=CUSTODY,
            statement_id=f"S-{sequence:04d}",
            sequence=sequence,
            opening_fen=opening_fen,
            lines=lines,
            on=on,
        )
        return self.file(name, content)

    def sheet(self, name: str, *rows: str) -> Path:
        """A lesson sheet; see ``lesson_row``."""
        return self.file(name, "\n".join([",".join(COLUMNS), *rows]) + "\n")

    def taught(self, *rows: str, at: datetime = datetime(2026, 3, 9, 12, tzinfo=UTC)) -> None:
        """Lessons recorded by the school on a past day, which no command can do afterwards."""
        sheet = read_lesson_sheet("\n".join([",".join(COLUMNS), *rows]).encode(), "past")
        assert not sheet.faults
        law = edge.load_law(None)
        with self.database.app.begin() as conn:
            (institution,) = edge.institutions(conn, CODE)
            rulebook, calendar = edge.law_of(law, institution, SIGNED_ON)
            outcomes = lesson.record_rows(conn, NUMBER, sheet.rows, rulebook, calendar, "school", at)
        assert all(outcome.result is Result.DONE for outcome in outcomes), outcomes

    def asked_refund(self, number: str, at: datetime, cause: Cause = Cause.INSTITUTION) -> str:
        """A refund a family asked on a past day; its id."""
        law = edge.load_law(None)
        with self.database.app.begin() as conn:
            (institution,) = edge.institutions(conn, CODE)
            rulebook, calendar = edge.law_of(law, institution, at.date())
            (found,) = contracts.find(conn, NUMBER, numbers=[number])
            asked = [RefundAsked(found.contract_id, cause, "guardian:1")]
            vault = edge.open_vault(read_settings())
            (outcome,) = refund.ask(conn, vault, NUMBER, asked, rulebook, calendar, at)
        assert outcome.result is Result.DONE, outcome
        return str(outcome.entry_id)


def deposit(number: int, amount_fen: int = PRICE_FEN) -> SampleLine:
    """A family's payment for contract ``number``."""
    reference = f"PP{number:08d}"
    return SampleLine(amount_fen, ref=f"D{number:05d}", end_to_end_id=reference, memo=f"学费 {reference}")


def lesson_row(lesson_no: str, contract: str = "HT000001", on: date | str = TAUGHT_ON, hours: str = "1") -> str:
    """One line of a lesson sheet: 45 minutes in room 2."""
    return f"{lesson_no},{contract},{on},16:00,45,{hours},老师甲,二室,offline,present"


def open_shop(
    database: Database, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """Register the school with three families, and point the environment at its books."""
    environment = {
        "DATABASE_URL": database.urls.app,
        "CUSTODY_HOME": str(folder / "home"),
        "CUSTODY_LANGUAGE": "en",
        "CUSTODY_RULEBOOK_DIR": str(DEMO_RULES),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    _register(database, ["HT000001", "HT000002", "HT000003"])
    return Shop(database, folder, environment, capsys)


def _register(database: Database, numbers: Sequence[str]) -> None:
    now = datetime(2026, 3, 1, 4, tzinfo=UTC)
    vault, law = edge.open_vault(read_settings()), edge.load_law(None)
    school = Institution(
        NUMBER, CODE, "启明书法学校", "110108", "", "non_academic", "both", "区教委", "010-0000-1208"
    )  # fmt: skip
    rulebook = law.in_force("110108", "", SIGNED_ON)
    bank = ("京华银行", "102100099996", "CNY", 0, OPENED_ON)
    funds = [
        Fund(NUMBER, 1, FundKind.CUSTODY, CUSTODY, *bank),
        Fund(NUMBER, 2, FundKind.RESERVE, RESERVE, *bank),
        Fund(NUMBER, 3, FundKind.HANDS, None, None, None, "CNY", 0, OPENED_ON),
    ]
    course_id, *ids = new_ids(now, 1 + 3 * len(numbers))
    course = Course(Stage.COMPULSORY, Category.NON_ACADEMIC, Mode.OFFLINE, 8, 45, 100_00)
    offer = CourseOffer(course_id, "YS-1", "硬笔书法", "书法", course)
    families = [
        Family(ids[3 * n], f"欧阳{n}", f"11010820150101{n:04d}", ids[3 * n + 1], f"欧阳家长{n}", f"1380000{n:04d}")
        for n in range(len(numbers))
    ]
    signed = [
        Contract(
            NUMBER, ids[3 * n + 2], number, f"PP{n + 1:08d}", course_id, ids[3 * n], 1, PRICE_FEN, None, HOURS, 0, None,
            TAUGHT_ON, SIGNED_ON, False, "", b"",
        )
        for n, number in enumerate(numbers)
    ]  # fmt: skip
    with database.app.begin() as conn:
        payee = Payee("启明书法学校", "6222009999000000111", "102100099996")
        done = [register.institution(conn, vault, school, payee, now)]
        done += [register.fund(conn, fund, "clerk:li", "clerk:wang", now) for fund in funds]
        done += register.courses(conn, NUMBER, [offer], rulebook, now)
        register.families(conn, vault, NUMBER, families, now)
        done += contract.sign(conn, NUMBER, signed, rulebook, now)
    assert all(outcome.result is Result.DONE for outcome in done), done
