"""Prove one entry to somebody outside."""

from uuid import UUID

from sqlalchemy import Connection

from ledger import vault
from ledger.books import seal
from ledger.errors import BadInput, InvariantBroken, Outcome, Result
from ledger.formats import merkle
from ledger.formats import proof as document
from ledger.terms.institution import Institution
from ledger.terms.proof import Proof


def prove(conn: Connection, institution: Institution, entry_id: UUID) -> Proof | Outcome:
    """The proof of an answered request; ``conn`` should see one moment.

    Refused NOT_SEALED_YET and NOT_SIGNED_YET. Raises BadInput ENTRY_UNKNOWN, and InvariantBroken PROOF_BROKEN where the
    books no longer are what was signed: ``custody verify`` names what changed.
    """
    number = institution.institution_id
    place = seal.block_of(conn, number, entry_id)
    if place is None:
        raise BadInput("ENTRY_UNKNOWN", where=institution.code, field="entry", value=entry_id)
    if not place:
        return Outcome(Result.REFUSED, "NOT_SEALED_YET", entry_id=entry_id)
    signed = seal.checkpoint_over(conn, number, place)
    if signed is None:
        return Outcome(Result.REFUSED, "NOT_SIGNED_YET", entry_id=entry_id)
    leaves = seal.leaves(conn, number, place)
    index = [item for item, _ in leaves].index(entry_id)
    proof = Proof(
        seal.leaf_content(conn, number, entry_id),
        index,
        tuple(merkle.path([leaf for _, leaf in leaves], index)),
        tuple(seal.blocks_between(conn, number, institution.code, place, signed.block)),
        signed,
        tuple(seal.signing_keys(conn)),
    )
    fault = document.fault_of(proof, vault.is_signed)
    if fault:
        raise InvariantBroken("PROOF_BROKEN", f"{institution.code} {entry_id}: {fault}")
    return proof
