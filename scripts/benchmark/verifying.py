"""Full verify of the books: against posting them, and against bean-check of the same entries exported."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ledger.books.transaction import snapshots
from ledger.flows.verify import verify
from ledger.settings import CLONE
from scripts.benchmark.batch import shrunk
from scripts.benchmark.case import Case, alternate, compared, seconds
from scripts.benchmark.world import SET, Books, Stage

ENTRIES = 100_000


def verifying(stage: Stage) -> Iterator[Case]:
    """On 100,000 entries, sealed; posting is measured while they are made, as many sets a round as there are rounds."""
    run = stage.run
    wanted, size = shrunk(run, ENTRIES), shrunk(run, SET)
    posted: list[float] = []
    with stage.books() as books:
        there = len(books.contracts)
        while there < wanted:
            entries = books.deliveries(min(size, wanted - there))
            posted.append(len(entries) / seconds(lambda asked=entries: books.post(asked)))  # type: ignore[misc]  # mypy knows no type for a default of a lambda
            there += len(entries)
            books.seal()
        with books.owner() as conn:
            conn.execute("VACUUM ANALYZE")
        path = run.folder / "journal.beancount"
        exported = export(books, path)
        try:
            works = {
                "verify": lambda: verified(books),
                "bean-check": lambda: exported / seconds(lambda: bean_check(path)),
            }
            figures = alternate(works, run.rounds, warm=0)
        finally:
            path.unlink()
    each = max(len(posted) // run.rounds, 1)
    thirds = [sorted(posted[n * each : (n + 1) * each] or posted)[each // 2 - (each > 1)] for n in range(run.rounds)]
    yield compared(
        "full verify", "entries/s", "posting sets of 10,000", figures["verify"], thirds, 2.0, 4.0, entries=exported
    )
    yield compared(
        "full verify of the same journal", "entries/s", "bean-check, no cache", figures["verify"],
        figures["bean-check"], 5.0, 20.0, entries=exported,
    )  # fmt: skip


def verified(books: Books) -> float:
    """Entries verified a second. Raises RuntimeError for books that do not verify."""
    with snapshots(books.engine) as (conn, beside):
        began = time.perf_counter()
        found = verify(conn, beside=beside)
        took = time.perf_counter() - began
    if found.first_fault is not None or found.unsealed:
        raise RuntimeError(f"the bench's books do not verify: {found.first_fault or 'not all is sealed'}")
    return found.entries / took


def export(books: Books, path: Path) -> int:
    """The whole journal as the command exports it; how many entries."""
    url = books.app_url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", "from ledger.cli import main; main()", "export", "beancount", "--out", str(path)]
    home = path.parent / "home"
    outside = {
        "CUSTODY_ANCHOR_FILE": str(path.with_suffix(".anchors")),
        "CUSTODY_SIGNING_KEY_FILE": str(path.with_suffix(".key")),
    }
    for left in outside.values():  # of a run before: other books
        Path(left).unlink(missing_ok=True)
    ran = subprocess.run(
        command, cwd=CLONE, env={**os.environ, "DATABASE_URL": url, "CUSTODY_HOME": str(home), **outside}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(f"the export failed: {ran.stderr[-300:]}")
    with path.open(encoding="utf-8") as file:
        return sum(' * "' in line for line in file)


def bean_check(path: Path) -> None:
    """Raises RuntimeError where it finds something wrong."""
    command = [str(Path(sys.executable).with_name("bean-check")), "--no-cache", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    if checked.returncode or checked.stderr:
        raise RuntimeError(f"bean-check: {checked.stderr[:300]}")
