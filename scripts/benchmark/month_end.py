"""``scripts/bench month-end``: from lesson sheets to a payment file, through the flows, in constant memory, against C.

A month is files of 10,000 lessons each: read, recorded, confirmed by silence and released, sealed, signed, and what the
institution has earned built into a payment batch, approved and written as pain.001. Every step commits as its command
does. It runs in a process of its own, whose largest memory is read at the end. C copies all rows that the month left,
into the same tables.
"""

import multiprocessing
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from ledger.books import payout as batches
from ledger.books.engine import open_engine
from ledger.books.lesson import Cursor
from ledger.cli import edge
from ledger.errors import Result
from ledger.flows import lesson, payout, seal
from ledger.terms.calendar import shanghai_day
from ledger.vault import Vault
from scripts.benchmark import copying, lessons
from scripts.benchmark.case import Case, Run, compared
from scripts.benchmark.server import Session
from scripts.benchmark.world import CONTRACTS, FUND, NUMBER, OPENED_AT, SET, CaseMaker, Stage, measure

LESSONS: Final = 100_000
MEGABYTE: Final = 1_000_000
_MONTH, _SILENCE = timedelta(days=60), timedelta(days=30)
_OF_ENTRIES = (
    "JOIN (SELECT entry_id FROM journal_entry WHERE institution_id = {i} AND recorded_at = '{released}') e"
    " USING (entry_id)"
)
_OF_LESSONS = (
    "JOIN (SELECT lesson_id FROM lesson WHERE institution_id = {i} AND recorded_at = '{recorded}') l USING (lesson_id)"
)
# The rows a month leaves, table by table: which ones they are.
LEFT: Final = {
    **dict.fromkeys(("lesson", "lesson_step"), _OF_LESSONS),
    **dict.fromkeys(("request", "journal_entry", "transfer", "block_item"), _OF_ENTRIES),
}


@dataclass(frozen=True, slots=True)
class Month:
    """What the process is told."""

    url: str
    sheets: Path
    out: Path
    sealing_key: bytes
    signing_key: bytes
    recorded_at: datetime

    @property
    def released_at(self) -> datetime:
        return self.recorded_at + _SILENCE


@dataclass(frozen=True, slots=True)
class Ended:
    """Seconds by step, lessons, bytes of the payment file, and the largest resident memory in bytes."""

    steps: dict[str, float]
    lessons: int
    file_bytes: int
    memory: int

    @property
    def took(self) -> float:
        return sum(self.steps.values())


def month_end(stage: Stage) -> Iterator[Case]:
    """Some months of the same contracts, one a round."""
    run = stage.run
    many = _lessons(run)
    ours, copied, by_table, ends = [], [], [], []
    with stage.books() as books, books.owner() as conn, _folder(run.folder / "month-end") as folder:
        for number in range(run.rounds):
            month = Month(
                books.app_url.render_as_string(hide_password=False), folder / "sheets", folder, stage.sealing_key,
                stage.signing_key, OPENED_AT + _MONTH * (number + 1),
            )  # fmt: skip
            _hand_in(month, many)
            ends.append(_alone(month))
            ours.append(many / ends[-1].took)
            by_table.append(_copy(conn, month, folder))
            copied.append(many / sum(by_table[-1].values()))
            run.say(f"  month {number + 1}: {ours[-1]:,.0f} lessons/s, {ends[-1].steps}")
    journal = [many / sum(took for table, took in one.items() if not table.startswith("lesson")) for one in by_table]
    steps = {name: round(ends[-1].steps[name], 2) for name in ends[-1].steps}
    yield compared(
        f"month end of {many:,}", "lessons/s", "C: COPY of all rows it left", ours, copied, 0.12, 0.30, seconds=steps,
        copy_seconds={name: round(took, 2) for name, took in by_table[-1].items()},
    )  # fmt: skip
    yield compared(
        "the same, journal's rows alone", "lessons/s", "C without lessons and their steps", ours, journal, None, None
    )
    largest = max(end.memory for end in ends) / MEGABYTE
    yield Case("memory of the month end", largest, "MB", "limit", gate=500, reach=200, at_most=True)


def _lessons(run: Run) -> int:
    return run.sized(LESSONS // lessons.MONTHLY, 10) * lessons.MONTHLY


CASES: Final[dict[str, CaseMaker]] = {"month end": month_end}


def run(order: Run) -> Iterator[Case]:
    """The month end; contracts enough for its lessons."""
    yield from measure(order, CASES, max(_lessons(order) // lessons.MONTHLY, min(CONTRACTS, _lessons(order))))


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """An empty folder, gone afterwards."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _hand_in(month: Month, many: int) -> None:
    """The institution's files, before the clock starts."""
    shutil.rmtree(month.sheets, ignore_errors=True)
    month.sheets.mkdir()
    for number, content in enumerate(lessons.sheets(many, month.recorded_at)):
        (month.sheets / f"{number:05d}.csv").write_bytes(content)


def _alone(month: Month) -> Ended:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    near, far = context.Pipe(duplex=False)
    member = context.Process(target=_run, args=[month, far], daemon=True)
    member.start()
    far.close()
    try:
        said = near.recv()
    except EOFError:
        said = "ended without a word"
    member.join()
    if not isinstance(said, Ended):
        raise RuntimeError(f"the month end failed: {said}")
    return said


def _run(month: Month, pipe: "multiprocessing.connection.Connection") -> None:
    try:
        pipe.send(end_month(month))
    except Exception as fault:  # whatever it is, the bench must hear of it
        pipe.send(f"{type(fault).__name__}: {fault}")


def end_month(month: Month) -> Ended:
    """The whole of it; one process, one connection at a time, as the commands do it one after the other."""
    engine = open_engine(month.url)
    vault = Vault({1: month.sealing_key}, 1)
    steps = dict.fromkeys(("read", "record", "release", "seal", "pay"), 0.0)
    law, many = lessons.law_on(month.recorded_at), 0
    for path in sorted(month.sheets.iterdir()):
        with _timed(steps, "read"):
            found = lessons.read(path)
        with _timed(steps, "record"):
            lessons.record(engine, found, law, month.recorded_at)
        many += len(found.rows)
        del found
    released = 0
    after: Cursor | None = None
    while True:
        with _timed(steps, "release"):
            confirmed = _release(engine, month, after)
        with _timed(steps, "seal"), engine.begin() as conn:
            seal.seal(conn, NUMBER, month.released_at)
        released, after = released + len(confirmed.outcomes), confirmed.last
        if after is None:
            break
    if released != many:
        raise RuntimeError(f"{released} of {many} lessons were released")
    with _timed(steps, "seal"), engine.begin() as conn:
        seal.sign(conn, month.signing_key, month.released_at)
    with _timed(steps, "pay"):
        size = _pay(engine, vault, month)
    engine.dispose()
    return Ended(steps, many, size, largest_memory())


@contextmanager
def _timed(steps: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    steps[name] += time.perf_counter() - began


def _release(engine: Engine, month: Month, after: Cursor | None) -> lesson.ConfirmedBySilence:
    """A set of silent confirmations, as ``custody due`` asks for them."""
    with engine.begin() as conn:
        found = lesson.confirm_silent(conn, NUMBER, shanghai_day(month.released_at), month.released_at, SET, after)
    if any(outcome.result is not Result.DONE for outcome in found.outcomes):
        raise RuntimeError("a lesson was not confirmed by silence")
    return found


def _pay(engine: Engine, vault: Vault, month: Month) -> int:
    """Build, approve and write the batch of what was earned; bytes of its file."""
    now = month.released_at
    execute_on: date = shanghai_day(now) + timedelta(days=1)
    with engine.begin() as conn:
        payout.build_payout(conn, vault, NUMBER, FUND, execute_on, "clerk:li", now, lessons.law_on(now)[0])
        batch = batches.batches(conn, NUMBER)[-1]
    with engine.begin() as conn:
        payout.approve(conn, NUMBER, batch.batch_id, "clerk:wang", now)
    with engine.begin() as conn:
        outcome, content = payout.render(conn, vault, NUMBER, batch.batch_id, "clerk:li", now)
    if outcome.result is not Result.DONE:
        raise RuntimeError(f"no payment file: {outcome}")
    edge.write_file(month.out / f"{batch.message_id}.xml", [content])
    return len(content)


def largest_memory() -> int:
    """The largest resident memory this process ever had, in bytes (Linux; its own, not that of whoever started it)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    if found is None:
        raise RuntimeError("this system does not tell the largest memory of a process")
    return int(found[1]) * 1024


def _copy(conn: Session, month: Month, folder: Path) -> dict[str, float]:
    """C: seconds by table and for the commit. The rows wait in files, so that a month of any size fits."""
    values = {"i": NUMBER, "recorded": month.recorded_at, "released": month.released_at}
    paths = {}
    for table, which in LEFT.items():
        paths[table] = folder / f"{table}.copy"
        with paths[table].open("wb") as file:
            for piece in copying.read(conn, table, which.format(**values)):
                file.write(piece)
    took: dict[str, float] = {}
    copying.write(conn, {table: _pieces(path) for table, path in paths.items()}, took)
    for path in paths.values():
        path.unlink()
    return took


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(MEGABYTE):
            yield piece
