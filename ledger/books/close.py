"""Closing a fund's days: what is posted later comes into the first open day."""

from datetime import date, datetime

from sqlalchemy import Connection, text


def close_day(
    conn: Connection,
    institution_id: int,
    fund_no: int,
    through: date,
    now: datetime,
    by: str,
    certificate: bytes | None = None,
    approved_by: str | None = None,
) -> int | None:
    """Seal, then close a fund through an accounting day; the block that holds all that was known.

    None where it is closed through that day already. Waits for postings at work in the fund. ``certificate``: the
    SHA-256 of the day's certificate, which a second person approved.
    """
    number = conn.scalar(
        text("SELECT ledger.close_day(:i, CAST(:f AS smallint), :through, :now, :by, :certificate, :approved)"),
        {
            "i": institution_id, "f": fund_no, "through": through, "now": now, "by": by, "certificate": certificate,
            "approved": approved_by,
        },
    )  # fmt: skip
    return None if number is None else int(number)


def reopen_day(
    conn: Connection, institution_id: int, fund_no: int, through: date, now: datetime, by: str, approved_by: str,
    certificate: bytes | None = None,
) -> int | None:  # fmt: skip
    """Open the days after ``through`` again, by two people; None where they are open. Nothing is deleted.
    ``certificate``: the SHA-256 of the record that says so.
    """
    number = conn.scalar(
        text("SELECT ledger.reopen_day(:i, CAST(:f AS smallint), :through, :now, :by, :approved, :certificate)"),
        {
            "i": institution_id, "f": fund_no, "through": through, "now": now, "by": by, "approved": approved_by,
            "certificate": certificate,
        },
    )  # fmt: skip
    return None if number is None else int(number)


def closed_through(conn: Connection, institution_id: int, fund_no: int) -> date | None:
    """The last closed accounting day of a fund; None for a fund that is not there."""
    found: date | None = conn.scalar(
        text("SELECT closed_through FROM ledger.close WHERE institution_id = :i AND fund_no = :f"),
        {"i": institution_id, "f": fund_no},
    )
    return found
