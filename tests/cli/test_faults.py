"""Killed between any two steps of sealing, signing, anchoring and exporting: the next run ends what was begun."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import faults
from ledger.cli import signing
from ledger.rules import posting
from ledger.settings import CLONE
from ledger.terms.seal import Anchor
from tests.cli.test_close import DOING as CLOSING
from tests.cli.test_match_work import MATCHING
from tests.cli.test_payout_faults import DOING as PAYING
from tests.cli.test_takeover import TAKING
from tests.conftest import Database, run_custody
from tests.seal.outsider import fault
from tests.world import CUSTODY, World, make_world

KILLED, NOT_READY = -9, 4
# what a process does when it comes to each point
DOING = {
    "after_seal_commit": ["seal"],
    "before_sign_commit": ["seal"],
    "after_sign_commit": ["seal"],
    "before_anchor_sync": ["seal"],
    "after_key_staged": ["seal", "--rotate-key"],
    "after_key_commit": ["seal", "--rotate-key"],
    "after_file_written": ["export", "beancount", "--out"],
    "after_rename": ["export", "beancount", "--out"],
    "after_export_files": ["export", "beancount", "--out"],
    "after_manifest": ["export", "beancount", "--out"],
}
# tried where statements are imported: test_statement_admission
IMPORTING = {"before_import_commit", "after_import_commit"}


def points_in_code() -> dict[str, str]:
    """Every point named in the product -> where."""
    found = {}
    for folder in ("ledger", "web"):
        for path in (CLONE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "faults.reach":
                    found[ast.literal_eval(node.args[0])] = f"{path}:{node.lineno}"
    return found


def test_every_point_declared_is_in_the_code_and_is_tried_here() -> None:
    assert set(points_in_code()) == set(faults.FAULTS) == {
        *DOING, *PAYING, *CLOSING, *MATCHING, *TAKING
    } | IMPORTING  # fmt: skip


class Place:
    """A small world's books with keys, anchors and exports in a folder of their own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.world: World = make_world(database.app)
        self.anchors, self.key = folder / "anchors.jsonl", folder / "signing-key"
        self.environment = {
            **database.environment,
            "CUSTODY_ANCHOR_FILE": str(self.anchors),
            "CUSTODY_SIGNING_KEY_FILE": str(self.key),
        }

    def entry(self) -> None:
        self.world.done(posting.deposit_to_suspense(CUSTODY, self.world.new_id(), 1))

    def run(self, words: list[str], point: str = "") -> int:
        out = [str(self.folder / "out")] if words[-1] == "--out" else []
        return run_custody({**self.environment, "CUSTODY_FAULT": point}, *words, *out).returncode

    def anchored(self) -> set[tuple[str, int]]:
        return {(one.institution, one.block) for one in signing.read_lines(self.anchors) if isinstance(one, Anchor)}

    def signed(self) -> set[tuple[str, int]]:
        with self.database.app.connect() as conn:
            return {
                ("JG1001", block) for block in conn.execute(text("SELECT block_no FROM ledger.checkpoint")).scalars()
            }


@pytest.fixture
def place(fresh_database: Database, tmp_path: Path) -> Place:
    return Place(fresh_database, tmp_path)


@pytest.mark.parametrize("point", DOING)
def test_a_kill_at_a_point_is_healed_by_the_next_run(place: Place, point: str) -> None:
    if DOING[point] != ["seal"]:
        assert place.run(["seal"]) == 0
    place.entry()
    assert place.run(DOING[point], point) == KILLED
    assert place.anchored() <= place.signed()  # an anchor is written after the commit, never before
    assert place.run(["verify"]) == 0
    assert place.run(DOING[point]) == 0
    assert place.anchored() == place.signed() != set()
    assert place.run(["verify"]) == 0
    if DOING[point][0] == "export":
        assert fault(place.folder / "out.manifest.json") == ""
    staged = [path.name for path in place.folder.iterdir() if path.name.startswith(".signing-key")]
    assert len(staged) == (1 if point == "after_key_staged" else 0)  # one that the books never listed


def test_a_signature_that_was_not_anchored_is_anchored_by_the_next_seal(place: Place) -> None:
    place.entry()
    assert place.run(["seal"], "after_sign_commit") == KILLED
    assert (place.signed(), place.anchors.exists()) == ({("JG1001", 1)}, False)
    assert place.run(["seal"]) == 0  # nothing new to sign
    assert place.anchored() == place.signed() == {("JG1001", 1)}


def test_a_signature_that_was_not_committed_was_never_anchored(place: Place) -> None:
    place.entry()
    assert place.run(["seal"], "before_sign_commit") == KILLED
    assert (place.signed(), place.anchors.exists()) == (set(), False)


def test_a_rotation_cut_off_once_the_books_listed_the_key_goes_on_with_the_new_one(place: Place) -> None:
    place.entry()
    assert place.run(["seal"]) == 0
    old = place.key.read_text()
    assert place.run(["seal", "--rotate-key"], "after_key_commit") == KILLED
    assert place.key.read_text() == old
    place.entry()
    assert place.run(["export", "beancount", "--out"]) == 0
    assert place.key.read_text() != old
    shown = json.loads((place.folder / "out.manifest.json.keys").read_text())
    assert [key["key"] for key in shown["keys"]] == [1, 2]


def test_a_key_that_is_not_the_newest_and_has_no_heir_signs_nothing(place: Place) -> None:
    place.entry()
    assert place.run(["seal"]) == 0
    (place.folder / ".signing-key-0000").write_text("not a key")
    place.key.write_text("11" * 32)
    place.entry()
    ran = run_custody(place.environment, "export", "beancount", "--out", str(place.folder / "out"))
    assert (ran.returncode, "KEY_NOT_LISTED" in ran.stderr) == (2, True)
    assert not (place.folder / "out").exists()


@pytest.mark.parametrize("wish", ["nonsense", "after_seal_commit:x", "after_seal_commit:-1", ":1"])
def test_a_point_that_is_not_declared_is_refused(place: Place, wish: str) -> None:
    ran = run_custody({**place.environment, "CUSTODY_FAULT": wish}, "seal")
    assert (ran.returncode, "FAULT_UNKNOWN" in ran.stderr) == (NOT_READY, True)
    with pytest.raises(KeyError):
        faults.reach("nonsense")


def test_the_nth_time_counts() -> None:
    said = (
        "from ledger import faults\nfor n in range(1, 9):\n    print(n, flush=True)\n    faults.reach('after_rename')"
    )
    for wish, times, code in (("after_rename:3", 3, KILLED), ("after_rename", 1, KILLED), ("after_manifest", 8, 0)):
        ran = subprocess.run(
            [sys.executable, "-c", said], env={**os.environ, "CUSTODY_FAULT": wish}, cwd=CLONE, capture_output=True,
            check=False,
        )  # fmt: skip
        assert (ran.returncode, len(ran.stdout.split())) == (code, times)
