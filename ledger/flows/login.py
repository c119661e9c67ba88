"""Come in by phone and code. Every phone is treated alike until its code was typed: whoever asks learns nothing of who
is registered, not from the answer and not from its time.
"""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import login, register
from ledger.terms.login import CODES_OF_ADDRESS, CODES_OF_ALL, CODES_OF_PHONE, TRIES_OF_ADDRESS, Entered
from ledger.vault import Vault


def ask(conn: Connection, vault: Vault, phone: str, address: str, code: str, now: datetime) -> datetime | None:
    """Keep ``code`` for a phone; the caller sends it. Or answers the instant (UTC) from which codes are given again."""
    limits = [(CODES_OF_PHONE, phone), (CODES_OF_ADDRESS, address), (CODES_OF_ALL, "")]
    again = login.take(conn, vault, limits, now)
    if again is None:
        login.keep_code(conn, vault, phone, code, now)
    return again


def enter(conn: Connection, vault: Vault, phone: str, address: str, code: str, now: datetime) -> Entered:
    """Try a code. Only who typed the right one learns whether anybody is registered under the phone."""
    if login.take(conn, vault, [(TRIES_OF_ADDRESS, address)], now) is not None:
        return Entered(code="LOGIN_TOO_OFTEN")
    answer, tries_left = login.try_code(conn, vault, phone, code, now)
    if answer == "over" or (answer == "wrong" and not tries_left):
        return Entered(code="LOGIN_CODE_OVER")
    if answer == "wrong":
        return Entered(code="LOGIN_CODE_WRONG", tries_left=tries_left)
    index = vault.index(phone, "phone")
    guardian_id = register.guardian_ids(conn, [index]).get(index)
    return Entered(guardian_id, "" if guardian_id is not None else "LOGIN_PHONE_UNKNOWN")
