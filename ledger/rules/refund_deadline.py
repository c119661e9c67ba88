"""The two clocks of a refund: how long the institution may stay silent, and when the money must be back.

Days and how they are counted are data of the place (rulebook keys ``refund.*``; Beijing: 5 days before the course, 15
after it began; Tianjin counts working days). Silence past the first clock is agreement (platform notice to parents).
"""

from datetime import date

from ledger.rules.calendar import add_working_days, deadline
from ledger.terms.calendar import CalendarDays, DayKind, Deadline
from ledger.terms.rulebook import Rulebook


def answer_by(asked_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day the institution may answer. Raises BadInput RULE_MISSING where no file in force says."""
    return add_working_days(asked_on, rulebook.whole("refund.institution_silence_working_days"), calendar)


def pay_by(asked_on: date, first_lesson_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day the money must be back, asked before or after the first lesson. Raises BadInput RULE_MISSING."""
    begun = "after" if first_lesson_on <= asked_on else "before"
    days = rulebook.whole(f"refund.days_{begun}_class")
    return deadline(asked_on, days, DayKind(rulebook.text("refund.day_kind")), calendar)
