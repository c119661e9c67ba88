"""Somebody outside: has what was handed over, the standard library and openssl; neither this program nor the books."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.settings import CLONE

SCRIPT = CLONE / "scripts" / "verify_export.py"


def verify_export(path: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """The script in an empty environment, elsewhere, without any installed package."""
    command = [sys.executable, "-I", "-S", SCRIPT, path, *words]
    place = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(command, env=place, cwd="/", capture_output=True, text=True, check=False)


def fault(path: Path, *words: str | Path) -> str:
    """The kind of the first fault the script names; "" when all holds."""
    ran = verify_export(path, *words)
    assert ran.returncode in (0, 1), ran
    assert ran.stderr == "", ran
    said = ran.stdout.splitlines()[-1]
    assert said.startswith("fault ") == (ran.returncode == 1), ran
    return said[6:].partition(":")[0] if ran.returncode else ""


def turned(path: Path, at: int, by: int, look: Callable[[], str]) -> str:
    """What ``look`` says while one byte of a file is another."""
    whole = path.read_bytes()
    place = at % len(whole)
    path.write_bytes(whole[:place] + bytes([whole[place] ^ by]) + whole[place + 1 :])
    try:
        return look()
    finally:
        path.write_bytes(whole)
