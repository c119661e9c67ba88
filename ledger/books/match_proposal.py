"""Proposed matches in the books."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.match_proposal import Proposal, ProposedPart

_SELECT = """
    SELECT p.proposal_id, p.fund_no, p.undoes, p.parts, p.reason, p.proposed_by, p.proposed_at, a.approved_by
    FROM ledger.match_proposal p
    LEFT JOIN ledger.approval a ON a.institution_id = p.institution_id AND a.subject_id = p.proposal_id
    WHERE p.institution_id = :i"""


def by_id(conn: Connection, institution_id: int, proposal_ids: Collection[UUID]) -> dict[UUID, Proposal]:
    """Proposals by id; unknown ones are left out."""
    sql = f"{_SELECT} AND p.proposal_id = ANY (CAST(:ids AS uuid[]))"
    return {one.proposal_id: one for one in _read(conn, sql, {"i": institution_id, "ids": list(proposal_ids)})}


def waiting(conn: Connection, institution_id: int, fund_no: int) -> list[Proposal]:
    """Proposals of an account that wait for their second person, oldest first."""
    sql = f"{_SELECT} AND p.fund_no = :f AND a.approved_by IS NULL ORDER BY p.proposal_id"
    return _read(conn, sql, {"i": institution_id, "f": fund_no})


def _read(conn: Connection, sql: str, said: dict[str, object]) -> list[Proposal]:
    return [
        Proposal(**{**row._mapping, "parts": tuple(ProposedPart.of_row(part) for part in row.parts)})
        for row in conn.execute(text(sql), said)
    ]
