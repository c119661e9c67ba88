"""Whole days for a calendar (RFC 5545), so that a telephone reminds of them: UTF-8, CRLF, lines of at most 75 bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
_LINE_BYTES: Final = 75


@dataclass(frozen=True, slots=True)
class DayEvent:
    """One whole day. ``uid`` is the same whenever the same event is written, so that a second file replaces it."""

    uid: str
    on: date
    title: str
    text: str


def render(events: Sequence[DayEvent], made_at: datetime) -> bytes:
    """The file of some days; ``made_at`` is an instant in UTC."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//custody-ledger//dates//EN"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(event.uid)}",
            f"DTSTAMP:{made_at:%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{event.on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{event.on + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(event.title)}",
            f"DESCRIPTION:{_escaped(event.text)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n")


def _folded(line: str) -> Iterator[bytes]:
    """A line in parts; a part that goes on begins with a space. No character is cut in two."""
    part = b""
    for mark in line:
        coded = mark.encode()
        if len(part) + len(coded) > _LINE_BYTES:
            yield part
            part = b" "
        part += coded
    yield part
