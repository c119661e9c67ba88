"""Every export is signed, rests on signed blocks, says the same at the same blocks, and is an anchor of the books."""

import ast
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import vault
from ledger.cli.main import NOT_READY, REFUSED, UNUSABLE
from ledger.formats import manifest
from ledger.settings import CLONE
from tests.cli.shop import CODE, SIGNED_ON, Ran, Shop, deposit
from tests.conftest import Database, run_custody
from tests.seal.outsider import fault, turned, verify_export
from tests.world import make_world

ON = "2026-04-30"
FILES = ("manifest.json", "manifest.json.sig", "manifest.json.keys", f"reserve-{ON}.csv")
POSITIONS = 300 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 12


def pay(shop: Shop, sequence: int, opening_fen: int) -> None:
    """One more family pays."""
    content = shop.statement(
        f"day{sequence}.xml", deposit(sequence), sequence=sequence, opening_fen=opening_fen, on=SIGNED_ON
    )
    assert shop.custody("statement", "import", content).code == 0


def report(shop: Shop, folder: str, *words: str | Path) -> Path:
    ran = shop.custody("reserve", "report", "--as-of", ON, "--out", shop.folder / folder, *words, "--json")
    assert ran.code == 0, ran.err
    return shop.folder / folder


def journal(shop: Shop, name: str, *words: str | Path) -> Path:
    ran = shop.custody("export", "beancount", "--out", shop.folder / name, *words, "--json")
    assert ran.code == 0, ran.err
    return shop.folder / f"{name}.manifest.json"


@pytest.fixture
def paid(shop: Shop) -> Shop:
    pay(shop, 1, 0)
    return shop


@pytest.fixture
def out(paid: Shop) -> Path:
    return report(paid, "out")


def signing_key(shop: Shop) -> bytes:
    return bytes.fromhex((shop.folder / "home" / "signing-key").read_text().strip())


def public(shop: Shop) -> str:
    return vault.public_key(signing_key(shop)).hex()


def test_an_export_is_checked_without_this_program(paid: Shop, out: Path) -> None:
    ran = verify_export(out, "--key", public(paid))
    assert (ran.returncode, ran.stderr) == (0, "")
    digest = hashlib.sha256((out / FILES[3]).read_bytes()).hexdigest()
    assert f"holds: {FILES[3]}, {(out / FILES[3]).stat().st_size} bytes, sha256 {digest}" in ran.stdout
    assert f"blocks: {CODE} 1" in ran.stdout
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    shown = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    (signed,) = shown["checkpoints"]
    assert f"institution 1001 {CODE}\nblock 1\n" in signed["statement"]
    assert fault(journal(paid, "journal.beancount"), "--key", public(paid)) == ""
    packed = paid.folder / "out.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in FILES:
            archive.write(out / name, name)
    assert fault(packed) == fault(out / "manifest.json") == ""


@settings(max_examples=POSITIONS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.integers(0, 1 << 16), st.integers(1, 255))
def test_no_byte_of_an_export_can_be_another(out: Path, name: str, at: int, by: int) -> None:
    assert turned(out / name, at, by, lambda: fault(out))


def signed_again(shop: Shop, out: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """What is found in a manifest that is wrong itself, though signed."""
    path = out / "manifest.json"
    shown = json.loads(path.read_text(encoding="utf-8"))
    change(shown)
    path.write_bytes(manifest.render(shown))
    (out / "manifest.json.sig").write_bytes(vault.sign(signing_key(shop), path.read_text(encoding="utf-8")))
    return fault(out)


def test_rows_and_sums_are_counted_and_the_first_fault_is_named(paid: Shop, out: Path) -> None:
    assert signed_again(paid, out, dict.copy) == ""
    assert signed_again(paid, out, lambda shown: shown["sums_fen"].update(claims=1)) == "sum_differs"
    assert signed_again(paid, out, lambda shown: shown.update(rows=2)) == "rows_differ"
    own = {"rows": 1, "sums_fen": {"custody": 4_000_00}}
    assert signed_again(paid, out, lambda shown: shown["files"][0].update(own)) == ""  # a table's own figures go first
    assert signed_again(paid, out, lambda shown: shown["files"][0].update(bytes=1)) == "file_changed"
    assert signed_again(paid, out, lambda shown: shown["files"][0].update(name="../x.csv")) == "not_as_written"
    assert signed_again(paid, out, lambda shown: shown["blocks"].update({CODE: 2})) == "checkpoint_differs"
    assert (
        signed_again(paid, out, lambda shown: shown.update(blocks={CODE: 1}, files=[{"name": "none"}]))
        == "file_missing"
    )
    for name in ("manifest.json.sig", "manifest.json.keys"):
        (out / name).unlink()
        assert fault(out) == "file_missing"
    (out / "manifest.json").unlink()
    assert verify_export(out).returncode == 2


def test_an_export_of_before_a_rotation_still_holds(paid: Shop, out: Path) -> None:
    old = public(paid)
    assert paid.custody("seal", "--rotate-key").code == 0
    new = public(paid)
    assert old != new
    assert fault(out, "--key", old) == ""
    assert fault(out, "--key", new) == "key_unknown"
    again = report(paid, "again")
    assert fault(again, "--key", old) == fault(again, "--key", new) == ""  # the old key signed the new one in
    assert (again / "manifest.json").read_bytes() == (out / "manifest.json").read_bytes()
    assert fault(again, "--key", vault.public_key(vault.make_signing_key()).hex()) == "key_unknown"


def test_the_same_question_at_the_same_blocks_gives_the_same_bytes(paid: Shop) -> None:
    first, books = report(paid, "first"), journal(paid, "first.beancount")
    pay(paid, 2, 4_000_00)
    later = report(paid, "later")
    assert (later / FILES[3]).read_bytes() != (first / FILES[3]).read_bytes()
    again = report(paid, "again", "--known-at", first / "manifest.json")
    for name in FILES:
        assert (again / name).read_bytes() == (first / name).read_bytes()
    journal(paid, "now.beancount")
    journal(paid, "then.beancount", "--known-at", books)
    contents = [(paid.folder / f"{name}.beancount").read_bytes() for name in ("first", "then", "now")]
    assert contents[0] == contents[1] != contents[2]
    known = paid.custody("trial-balance", "--known-at", first / "manifest.json", "--json")
    assert json.loads(known.out)["blocks"] == {CODE: 1}


def refused(ran: Ran, code: int, said: str) -> None:
    assert (ran.code, ran.out) == (code, ""), ran
    assert f"({said})" in ran.err


def test_blocks_these_books_do_not_have_are_refused(paid: Shop, out: Path) -> None:
    (paid.folder / "odd.json").write_text('{"blocks": 1}')
    (paid.folder / "far.json").write_text('{"blocks": {"JG1001": 7}}')
    (paid.folder / "foreign.json").write_text('{"blocks": {"JG9999": 0}}')
    for name, said in (("odd", "BAD_KNOWN_AT"), ("far", "BLOCK_UNKNOWN"), ("foreign", "BLOCK_UNKNOWN")):
        for words in (["reserve", "report", "--as-of", ON], ["export", "beancount"]):
            out_none: list[str | Path] = ["--out", paid.folder / "none", "--known-at", paid.folder / f"{name}.json"]
            refused(paid.custody(*words, *out_none, "--json"), UNUSABLE, said)
    assert not (paid.folder / "none").exists()
    assert fault(out) == ""


# -- as an anchor


def test_the_books_are_held_to_every_export(paid: Shop, out: Path) -> None:
    pay(paid, 2, 4_000_00)
    kept = journal(paid, "journal.beancount")
    for path in (out, out / "manifest.json", kept):
        assert paid.custody("verify", "--anchor", path).code == 0
    path = out / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"rows": 1', b'"rows": 2'))
    refused(paid.custody("verify", "--anchor", out, "--json"), UNUSABLE, "ANCHOR_NOT_SIGNED")
    path.write_bytes(path.read_bytes().replace(b"custody export 1", b"custody export 2"))
    refused(paid.custody("verify", "--anchor", out, "--json"), UNUSABLE, "EXPORT_UNREADABLE")
    refused(paid.custody("verify", "--anchor", paid.folder / "none", "--json"), UNUSABLE, "FILE_UNREADABLE")


def test_books_that_never_had_an_exports_block_are_named(
    paid: Shop, out: Path, copied_database: Callable[[], AbstractContextManager[Database]]
) -> None:
    """An older copy, with no anchor file left: only what somebody outside kept still tells."""
    with copied_database() as older:
        make_world(older.app)
        here = {**older.environment, "CUSTODY_HOME": str(paid.folder / "other")}
        assert run_custody(here, "verify").returncode == 0
        ran = run_custody(here, "verify", "--anchor", str(out), "--json")
        faults = {(one["kind"], one["where"].partition(",")[0]) for one in json.loads(ran.stdout)["faults"]}
        assert (ran.returncode, faults) == (
            REFUSED, {("anchor_block_missing", f"{CODE} block 1"), ("key_missing", "key 1")},
        )  # fmt: skip


def test_a_proof_is_asked_for_by_command(paid: Shop) -> None:
    pay(paid, 2, 4_000_00)
    entry = str(paid.ask("SELECT min(entry_id::text) FROM ledger.inbox"))
    path = paid.folder / "proof.json"
    words = ("proof", "entry", CODE, entry, "--out", path, "--json")
    ran = paid.custody(*words)
    assert (ran.code, json.loads(ran.out)["code"], path.exists()) == (REFUSED, "NOT_SEALED_YET", False)
    assert "(NOT_SEALED_YET)" in ran.err
    assert paid.custody("seal").code == 0
    shown = json.loads(paid.custody(*words).out)
    assert (shown["block"], shown["signed_block"], shown["says"]["entry"]) == (1, 1, entry)
    assert fault(path, "--key", public(paid)) == ""
    assert shown["receipt"].startswith("Block 1 · checkpoint ")
    assert paid.custody("proof", "entry", CODE, entry, "--out", path).out == f"{path}\n{shown['receipt']}\n"
    assert paid.custody("verify", "--anchor", path).code == 0
    path.write_bytes(path.read_bytes().replace(b'"block": 1', b'"block": 2'))
    refused(paid.custody("verify", "--anchor", path, "--json"), UNUSABLE, "PROOF_UNREADABLE")
    refused(paid.custody("proof", "entry", CODE, "x", "--out", path, "--json"), UNUSABLE, "ENTRY_UNKNOWN")
    refused(paid.custody("proof", "entry", "JG9", entry, "--out", path, "--json"), UNUSABLE, "UNKNOWN_INSTITUTION")


# -- books behind their anchors are read, never written


def test_every_command_that_writes_refuses_books_behind_their_anchors(paid: Shop) -> None:
    assert paid.custody("seal").code == 0
    (anchors,) = (paid.folder / "home").glob("anchors-*.jsonl")
    line = next(text for text in anchors.read_text().splitlines() if '"block"' in text)
    anchors.write_text(anchors.read_text() + line.replace('"block": 1', '"block": 7') + "\n")
    entry = str(paid.ask("SELECT min(entry_id::text) FROM ledger.block_item"))
    sheet, school = paid.sheet("sheet.csv"), ("--institution", CODE)
    before = paid.counts("journal_entry", "request", "block", "checkpoint", "statement_file", "lesson", "refund")
    commands: list[list[str | Path]] = [
        ["seal"], ["seal", "--rotate-key"], ["statement", "import", paid.folder / "day1.xml"], ["due", "--until", ON],
        ["lessons", "import", sheet, "--institution", CODE], ["reconcile", "--account", "6232001000000000555"],
        ["payout", "build", "--kind", "payout"], ["payout", "approve", entry, "--actor", "a"],
        ["refund", "ask", *school, "--contract", "HT000001", "--cause", "consumer"],
        ["refund", "approve", entry, *school, "--actor", "a"], ["refund", "withdraw", entry, *school, "--actor", "a"],
        ["refund", "answer", entry, *school, "--actor", "a", "--agree"], ["payout", "write", entry, "--out", "none"],
        ["account", "statement", f"{CODE}:bank:6232001000000000555"],
        ["reserve", "report", "--as-of", ON, "--out", paid.folder / "r"],
        ["export", "beancount", "--out", paid.folder / "b"], ["serve", "--port", "18999"],
    ]  # fmt: skip
    for words in commands:
        ran = paid.custody(*words)
        assert (ran.code, ran.out) == (NOT_READY, ""), (words, ran)
        assert "(DATABASE_BEHIND_ANCHOR)" in ran.err
        assert f"{CODE} block 7" in ran.err
        assert str(anchors) in ran.err
    assert paid.counts(*before) == before
    assert not (paid.folder / "r").exists()
    assert paid.custody("trial-balance").code == 0
    assert paid.custody("proof", "entry", CODE, entry, "--out", paid.folder / "p").code == 0
    assert "anchor_block_missing" in paid.custody("verify").err


def test_only_what_reads_opens_books_without_looking_at_their_anchors() -> None:
    """``open_books`` refuses unless ``writing=False`` is said; engines are made by those who refuse themselves."""
    reading, making = set(), set()
    for path in [*(CLONE / "ledger" / "cli").rglob("*.py"), *(CLONE / "web").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "open_books" and node.keywords:
                assert [ast.unparse(word) for word in node.keywords] == ["writing=False"]
                reading.add(path.stem)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "open_engine":
                making.add(str(path.relative_to(CLONE)))
    assert reading == {"verify", "trial_balance", "proof", "price_contracts", "rulebook_whatif"}
    # postgres: open_books itself; serve: within open_books; migrate and doctor: no books are written
    assert making == {
        "ledger/cli/postgres.py", "ledger/cli/serve.py", "ledger/cli/migrate.py", "ledger/cli/doctor.py",
        "ledger/cli/demo/command.py",
    }  # fmt: skip
    assert "signing.refuse_behind(conn, settings)" in (CLONE / "ledger/cli/demo/command.py").read_text(encoding="utf-8")
