"""Coming in by phone and code: what is kept of it, and the limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

CODE_DIGITS: Final = 6
CODE_TRIES: Final = 5
CODE_LASTS: Final = timedelta(minutes=10)
# A session ends when nobody looked for so long, and in any case after so long.
IDLE: Final = timedelta(minutes=30)
WHOLE: Final = timedelta(hours=8)
# How long a code that was typed counts for what needs one of its own: sending a refund.
PROOF_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: ``size`` at once, and one more every ``refill``."""

    name: str
    size: int
    refill: timedelta


# Many families share one address of a mobile network: limits of an address are wide, those of a phone narrow.
CODES_OF_PHONE: Final = Limit("codes of a phone", 5, timedelta(minutes=5))
CODES_OF_ADDRESS: Final = Limit("codes of an address", 100, timedelta(seconds=10))
CODES_OF_ALL: Final = Limit("codes of all", 2000, timedelta(milliseconds=200))
TRIES_OF_ADDRESS: Final = Limit("tries of an address", 100, timedelta(seconds=5))
REQUESTS_OF_SESSION: Final = Limit("requests of a session", 200, timedelta(milliseconds=250))
REQUESTS_OF_ADDRESS: Final = Limit("requests of an address", 1200, timedelta(milliseconds=50))


@dataclass(frozen=True, slots=True)
class Session:
    """Whose a session is; ``begun_at`` (UTC) is when its code was typed."""

    guardian_id: UUID
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a code that was typed. ``code`` is empty when it was right and somebody is registered under the
    phone, else LOGIN_CODE_WRONG (with the tries left), LOGIN_CODE_OVER, LOGIN_TOO_OFTEN or LOGIN_PHONE_UNKNOWN.
    """

    guardian_id: UUID | None = None
    code: str = ""
    tries_left: int = 0
