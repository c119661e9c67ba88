"""Named points where a drill may kill the process, so that luck is replaced by coverage.

``CUSTODY_FAULT=name`` kills the process with SIGKILL the first time it reaches that point, ``name:3`` the third time.
Unset, nothing happens. A name that is not declared is refused: a drill of nothing would look like a drill passed.
"""

import os
import signal
from collections import Counter
from typing import Final

from ledger.settings import NotReady

# name -> what is done and what is not yet when the process dies there
FAULTS: Final = {
    "after_seal_commit": "a block is sealed, not signed",
    "before_sign_commit": "a signature is stored, not committed",
    "after_sign_commit": "a signature is committed, not anchored",
    "before_anchor_sync": "anchor lines are handed to the system, not synced",
    "after_key_staged": "a new signing key lies beside the old one, the books do not list it",
    "after_key_commit": "the books list a new signing key, its file is not in place",
    "after_file_written": "a file is written under a temporary name and synced, not renamed",
    "after_rename": "a file has its name, its folder is not synced",
    "before_import_commit": "a statement's lines are stored and posted, not committed",
    "after_import_commit": "a statement is committed, nobody was told",
    "before_match_commit": "matches are written, not committed",
    "after_match_commit": "matches are committed, none of their money is posted",
    "before_assigned_commit": "money of matches is posted, not committed",
    "before_batch_commit": "a payment batch is built, not committed",
    "before_payment_commit": "a payment file is rendered, not committed",
    "after_payment_commit": "a payment file's bytes are committed, the file is not written",
    "after_payment_written": "a payment file lies in its folder, the books do not say so",
    "before_status_commit": "a bank's report on a batch is taken, not committed",
    "before_takeover_commit": "running books are taken over, not committed",
    "after_takeover_commit": "running books are taken over and committed, nobody was told",
    "before_close_commit": "a day is certified and closed, not committed",
    "after_close_commit": "a day is closed, its block is not signed",
    "after_export_files": "an export's files are there, its manifest is not",
    "after_manifest": "an export's manifest is there, its signature is not",
}
_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here when CUSTODY_FAULT says so.

    Raises KeyError for a point that is not declared, NotReady FAULT_UNKNOWN where CUSTODY_FAULT names none.
    """
    if name not in FAULTS:
        raise KeyError(name)
    wanted = os.environ.get("CUSTODY_FAULT")
    if not wanted:
        return
    point, _, number = wanted.partition(":")
    if point not in FAULTS or not (number or "1").isdecimal():
        raise NotReady("FAULT_UNKNOWN", wanted)
    if point == name:
        _reached[name] += 1
        if _reached[name] == int(number or "1"):
            os.kill(os.getpid(), signal.SIGKILL)
