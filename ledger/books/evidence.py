"""What was said and shown of lessons, in the books: sealed, a photo under its SHA-256."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.evidence import Evidence, NewEvidence
from ledger.vault import Vault


def row(vault: Vault, institution_id: int, new: NewEvidence, given_at: datetime) -> dict[str, object]:
    """A row of ledger.lesson_evidence."""
    id_, photo = new.evidence_id, new.photo
    return {
        "institution_id": institution_id, "evidence_id": id_, "lesson_id": new.lesson_id,
        "words_sealed": vault.seal(new.words, "lesson_evidence", "words", id_) if new.words else None,
        "file_sealed": vault.seal_bytes(photo.content, "lesson_evidence", "file", id_) if photo else None,
        "sha256": bytes.fromhex(photo.sha256) if photo else None, "media_type": photo.media_type if photo else None,
        "bytes": len(photo.content) if photo else None, "given_at": given_at, "given_by": new.actor,
    }  # fmt: skip


def of_lesson(conn: Connection, vault: Vault, institution_id: int, lesson_id: UUID) -> list[Evidence]:
    """Every piece about a lesson, oldest first; photos are not opened."""
    rows = conn.execute(
        text("""SELECT evidence_id, words_sealed, encode(sha256, 'hex') AS sha256, media_type, bytes, given_at, given_by
                FROM ledger.lesson_evidence WHERE institution_id = :i AND lesson_id = :l
                ORDER BY given_at, evidence_id"""),
        {"i": institution_id, "l": lesson_id},
    )
    return [
        Evidence(
            one.evidence_id,
            vault.open(one.words_sealed, "lesson_evidence", "words", one.evidence_id) if one.words_sealed else "",
            one.sha256, one.media_type, one.bytes, one.given_at, one.given_by,
        )
        for one in rows
    ]  # fmt: skip


def photo(conn: Connection, vault: Vault, institution_id: int, lesson_id: UUID, evidence_id: UUID) -> bytes | None:
    """The photo of a piece about a lesson, opened; None without one."""
    token = conn.scalar(
        text("""SELECT file_sealed FROM ledger.lesson_evidence
                WHERE institution_id = :i AND lesson_id = :l AND evidence_id = :e"""),
        {"i": institution_id, "l": lesson_id, "e": evidence_id},
    )
    return None if token is None else vault.open_bytes(bytes(token), "lesson_evidence", "file", evidence_id)
