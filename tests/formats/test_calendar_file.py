"""Calendar files: short lines, whole characters, nothing of a text that would end a line or a value."""

from datetime import UTC, date, datetime

from ledger.formats.calendar_file import DayEvent, render

MADE_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_a_day_is_a_whole_day() -> None:
    lines = unfolded(render([DayEvent("x-1", date(2026, 12, 31), "Money", "by then")], MADE_AT))
    assert lines == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//custody-ledger//dates//EN", "BEGIN:VEVENT", "UID:x-1",
        "DTSTAMP:20261124T120000Z", "DTSTART;VALUE=DATE:20261231", "DTEND;VALUE=DATE:20270101", "SUMMARY:Money",
        "DESCRIPTION:by then", "TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip


def test_long_lines_are_folded_between_characters() -> None:
    title = "退费最迟到账日" * 20
    content = render([DayEvent("x", date(2026, 12, 15), title, "a" * 200)], MADE_AT)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert f"SUMMARY:{title}" in unfolded(content)
    assert f"DESCRIPTION:{'a' * 200}" in unfolded(content)


def test_a_text_cannot_end_its_value_or_begin_another() -> None:
    lines = unfolded(render([DayEvent("x", date(2026, 12, 15), "a,b;c\\d", "e\r\nEND:VCALENDAR\nf")], MADE_AT))
    assert "SUMMARY:a\\,b\\;c\\\\d" in lines
    assert "DESCRIPTION:e\\nEND:VCALENDAR\\nf" in lines
    assert lines.count("END:VCALENDAR") == 1
