"""What one side says or shows of a lesson in dispute."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ledger.terms.calendar import shanghai_day

# The reasons a family may choose from; the reason of a dispute is one of these words.
REASONS: Final = ("absent", "teacher", "time", "charged", "other")
WORDS_MAX: Final = 300
PHOTO_BYTES_MAX: Final = 5 * 1024 * 1024
PIECES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it was sent: its bytes, their SHA-256 (hex), and what they are (``image/jpeg``, ``image/png``)."""

    content: bytes
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """A piece to be kept; ``evidence_id`` comes from the form, so that sent twice it is one."""

    evidence_id: UUID
    lesson_id: UUID
    words: str
    photo: Photo | None
    actor: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece as it is kept, its words opened; ``sha256`` (hex), ``media_type`` and ``bytes`` of the photo, if any."""

    evidence_id: UUID
    words: str
    sha256: str | None
    media_type: str | None
    bytes: int | None
    given_at: datetime
    given_by: str

    @property
    def given_on(self) -> date:
        """The legal day, Asia/Shanghai."""
        return shanghai_day(self.given_at)
