"""Closing the days of an account: proposed by one person, approved by another on the very figures, certified, signed.

The certificate is the close. A reopening is a record of its own by two people, which voids the later closes; nothing
is deleted.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from ledger import vault
from ledger.books import certificate as certificates
from ledger.books import close as closes
from ledger.books import journal, reconcile, record
from ledger.books import reserve as reserves
from ledger.books import seal as seals
from ledger.books import statement as statements
from ledger.errors import BadInput, InvariantBroken, Outcome, Result
from ledger.formats import certificate as format_
from ledger.rules import close as rules
from ledger.rules import reserve as reserve_rules
from ledger.terms.close import (
    Certificate,
    CloseAction,
    CloseFacts,
    CloseProposal,
    CloseReason,
    Closing,
    ReserveStanding,
)
from ledger.terms.institution import Fund, Institution
from ledger.terms.journal import FundKind
from ledger.terms.rulebook import Rulebook
from ledger.terms.seal import SigningKey


def propose(
    conn: Connection, institution: Institution, fund: Fund, on: date, rulebook: Rulebook, actor: str, now: datetime
) -> Closing:
    """One person proposes to close ``fund`` through ``on`` with the figures as they are. Proposed before: replayed.

    Refused with every reason: those of ``rules.close.reasons``.
    """
    statements.lock_fund(conn, fund.institution_id, fund.fund_no)
    facts = _facts(conn, institution, fund, on, rulebook)
    found = rules.reasons(facts)
    if found:
        return _refused(found, facts)
    digest = format_.digest(format_.facts_as_json(facts))
    return Closing(_keep(conn, fund, CloseAction.CLOSE, on, digest, "", actor, now), facts=facts)


def propose_reopening(
    conn: Connection, institution: Institution, fund: Fund, through: date, reason: str, actor: str, now: datetime
) -> Closing:
    """One person proposes to open the days after ``through`` again. Refused: DAY_OPEN."""
    statements.lock_fund(conn, fund.institution_id, fund.fund_no)
    if through >= _closed_through(conn, fund):
        return _refused((CloseReason("DAY_OPEN", through.isoformat()),))
    digest = format_.digest(_account(institution, fund))
    return Closing(_keep(conn, fund, CloseAction.REOPEN, through, digest, reason, actor, now))


def approve(
    conn: Connection, institution: Institution, fund: Fund, rulebook: Rulebook, private: bytes, actor: str,
    now: datetime,
) -> Closing:  # fmt: skip
    """A second person approves the newest proposal: the fund is closed (or open again), with a certificate.

    ``private`` signs it; every posting of the fund waits meanwhile. Refused: NOTHING_PROPOSED, SAME_PERSON,
    FIGURES_CHANGED (propose again), DAY_OPEN, and the reasons of ``propose``. Approved before: replayed. Raises
    BadInput KEY_NOT_LISTED.
    """
    number, fund_no = fund.institution_id, fund.fund_no
    statements.lock_fund(conn, number, fund_no)
    certificates.lock(conn, number)
    proposal = certificates.last_proposal(conn, number, fund_no)
    if proposal is None:
        return _refused((CloseReason("NOTHING_PROPOSED"),))
    chain = certificates.certificates(conn, number, fund_no)
    if proposal.approved:
        return Closing(Outcome(Result.REPLAYED), certificate=chain[-1])
    if proposal.proposed_by == actor:
        return _refused((CloseReason("SAME_PERSON"),))
    facts = None
    if proposal.action is CloseAction.CLOSE:
        facts = _facts(conn, institution, fund, proposal.through, rulebook)
        found = rules.reasons(facts)
        if not found and format_.digest(format_.facts_as_json(facts)) != proposal.figures_digest:
            found = (CloseReason("FIGURES_CHANGED", proposal.through.isoformat()),)
        if found:
            return _refused(found, facts)
    elif proposal.through >= _closed_through(conn, fund):
        return _refused((CloseReason("DAY_OPEN", proposal.through.isoformat()),), facts)
    said = format_.facts_as_json(facts) if facts is not None else _account(institution, fund)
    made = _certify(conn, fund, proposal, chain, said, private, actor, now)
    _move(conn, fund, proposal, made, actor, now)
    return Closing(Outcome(Result.DONE), facts=facts, certificate=made)


def _facts(conn: Connection, institution: Institution, fund: Fund, on: date, rulebook: Rulebook) -> CloseFacts:
    number, closed = fund.institution_id, _closed_through(conn, fund)
    believed, held = certificates.statements(conn, fund, closed, on)
    figures = reconcile.figures(conn, fund, on, statements.account_figures(conn, number, fund.fund_no, on))
    reserve = None
    if fund.kind is FundKind.RESERVE:
        required = None
        if rulebook.find("reserve.formula") is not None:
            rule = reserve_rules.rule(rulebook)
            facts = reserves.facts(conn, number, on, rule.rolling_months)
            facts = reserve_rules.with_entered(facts, reserves.entered(conn, number), on)
            required = reserve_rules.required(rule, facts).required_fen
        reserve = ReserveStanding(required, figures.classes.get("reserve", 0))
    assert fund.account_no is not None, "a bank account is closed"
    return CloseFacts(
        institution=institution.code,
        fund_no=fund.fund_no,
        account_no=fund.account_no,
        on=on,
        closed_through=closed,
        figures=figures,
        statements=tuple(believed),
        held=tuple(held),
        items=tuple(certificates.items(conn, fund, on)),
        late=tuple(certificates.late_lines(conn, fund, closed, on)),
        reserve=reserve,
    )


def _account(institution: Institution, fund: Fund) -> dict[str, Any]:
    return {"institution": institution.code, "fund": fund.fund_no, "account": fund.account_no}


def _closed_through(conn: Connection, fund: Fund) -> date:
    found = closes.closed_through(conn, fund.institution_id, fund.fund_no)
    assert found is not None, "every fund is closed through the day before it was opened"
    return found


def refusal(reason: CloseReason) -> Outcome:
    """A reason as an outcome."""
    return Outcome(Result.REFUSED, reason.code, detail=reason.detail)


def _refused(reasons: tuple[CloseReason, ...], facts: CloseFacts | None = None) -> Closing:
    return Closing(refusal(reasons[0]), reasons, facts)


def _keep(
    conn: Connection, fund: Fund, action: CloseAction, through: date, digest: bytes, reason: str, actor: str,
    now: datetime,
) -> Outcome:  # fmt: skip
    """Keep a proposal; the newest one counts. The same that waits already: replayed, whoever repeats it."""
    last = certificates.last_proposal(conn, fund.institution_id, fund.fund_no)
    wanted = (action, through, digest, reason, False)
    if last is not None and wanted == (last.action, last.through, last.figures_digest, last.reason, last.approved):
        return Outcome(Result.REPLAYED)
    number = 1 if last is None else last.number + 1
    record.insert(conn, "close_proposal", [{
        "institution_id": fund.institution_id, "fund_no": fund.fund_no, "proposal": number, "action": action,
        "through": through, "figures_digest": digest, "reason": reason, "proposed_at": now, "proposed_by": actor,
    }])  # fmt: skip
    return Outcome(Result.DONE)


def _certify(
    conn: Connection, fund: Fund, proposal: CloseProposal, chain: list[Certificate], facts: Mapping[str, Any],
    private: bytes, actor: str, now: datetime,
) -> Certificate:  # fmt: skip
    """Seal what the fund holds, then write and sign the certificate; its block holds every entry it counts."""
    key = _listed(conn, private)
    journal.seal(conn, fund.institution_id, now)
    block = next(iter(seals.last_blocks(conn, fund.institution_id)), None)
    before = chain[-1] if chain else None
    voids = [
        one for one in chain
        if proposal.action is CloseAction.REOPEN and one.action is CloseAction.CLOSE and not one.voided
        and one.through > proposal.through
    ]  # fmt: skip
    said = format_.document(facts, proposal, len(chain) + 1, before, block, actor, now, key.number, voids)
    content, digest = format_.render(said), format_.digest(said)
    made = Certificate(
        fund.fund_no, len(chain) + 1, proposal.action, proposal.through, content, digest,
        None if before is None else before.sha256, key.number, vault.sign(private, content.decode()),
        proposal.proposed_by, actor, now,
    )  # fmt: skip
    record.insert(conn, "certificate", [{
        "institution_id": fund.institution_id, "fund_no": fund.fund_no, "record": made.record,
        "proposal": proposal.number, "action": made.action, "through": made.through, "content": made.content,
        "sha256": made.sha256, "previous": made.previous, "key_no": made.key, "signature": made.signature,
        "proposed_by": made.proposed_by, "approved_by": made.approved_by, "signed_at": now,
    }])  # fmt: skip
    return made


def _listed(conn: Connection, private: bytes) -> SigningKey:
    """The newest key of the list, which must be this one."""
    keys = seals.signing_keys(conn)
    if not keys or keys[-1].public_key != vault.public_key(private):
        raise BadInput("KEY_NOT_LISTED", where=f"key {keys[-1].number if keys else 0}")
    return keys[-1]


def _move(conn: Connection, fund: Fund, proposal: CloseProposal, made: Certificate, actor: str, now: datetime) -> None:
    """The fund is closed through the day, or open again after it."""
    number, by = fund.institution_id, proposal.proposed_by
    if proposal.action is CloseAction.CLOSE:
        moved = closes.close_day(conn, number, fund.fund_no, proposal.through, now, by, made.sha256, actor)
    else:
        moved = closes.reopen_day(conn, number, fund.fund_no, proposal.through, now, by, actor, made.sha256)
    if moved is None:  # the fund is locked and its day was looked at: this is our bug
        raise InvariantBroken("NOT_POSTED", f"{proposal.action} {proposal.through}")
