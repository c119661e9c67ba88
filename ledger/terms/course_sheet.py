"""A course as a list of courses names it, to be checked against the cap of its place and day."""

from dataclasses import dataclass
from datetime import date

from ledger.terms.price_cap import Course, FeeLine


@dataclass(frozen=True, slots=True)
class CourseRow:
    """One line of the list; ``code`` as the institution names the course, "" where it does not."""

    line: int
    code: str
    place: str
    zone: str
    on: date
    course: Course
    fees: tuple[FeeLine, ...] = ()
