"""The dates of a refund: until when the institution may be silent, the money must be back, delay is not deliberate.

Days and how they are counted are data of the place (rulebook keys ``refund.*``; Beijing: 5 days before the course, 15
after it began; Tianjin counts working days). Silence past the first clock is agreement (platform notice to parents).
The day a clock starts is not counted, a last day on a rest day moves on (Civil Code arts. 201 to 203).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from ledger.errors import Message
from ledger.rules.calendar import add_working_days, deadline, recomputed
from ledger.rules.refund_principal import seven_day_ends
from ledger.terms.calendar import CalendarDays, DayKind, Deadline, Side
from ledger.terms.refund import RefundRequest, RefundRules
from ledger.terms.refund_request import DateCode, Delay, RefundDate
from ledger.terms.rulebook import Rulebook

LABELS: Final[Mapping[DateCode, Message]] = {
    DateCode.SEVEN_DAYS: Message(en="Last day to ask without a reason", zh="七日内无理由退款的最后一日"),
    DateCode.ANSWER_BY: Message(en="The institution answers by; silence is agreement", zh="机构答复期限，逾期视为同意"),
    DateCode.PAY_BY: Message(en="The money is back by", zh="退款到账期限"),
    DateCode.DELAYED_AFTER: Message(en="After this day the delay is deliberate", zh="超过此日视为故意拖延"),
}
_SILENCE, _DELAY = "refund.institution_silence_working_days", "refund.deliberate_delay_days"
_BEFORE_CLASS, _AFTER_CLASS = "refund.days_before_class", "refund.days_after_class"


def answer_by(asked_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day the institution may answer. Raises BadInput RULE_MISSING where no file in force says."""
    return add_working_days(asked_on, rulebook.whole(_SILENCE), calendar)


def pay_by(asked_on: date, first_lesson_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day the money must be back, asked before or after the first lesson. Raises BadInput RULE_MISSING."""
    pay_rule = _pay_rule(asked_on, first_lesson_on)
    return deadline(asked_on, rulebook.whole(pay_rule), _day_kind(pay_rule, rulebook), calendar)


def delayed_after(base_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day before a delay counts as deliberate, from the day the money was due, or from the asking where no day
    was agreed or set (侵害消费者权益行为处罚办法 art. 10: more than 15 days). Raises BadInput RULE_MISSING.
    """
    return deadline(base_on, rulebook.whole(_DELAY), DayKind.CALENDAR, calendar)


def dates(asked_on: date, first_lesson_on: date, rulebook: Rulebook, calendar: CalendarDays) -> tuple[RefundDate, ...]:
    """Every date of a refund asked on ``asked_on`` with the rule that gives it. Raises BadInput RULE_MISSING."""
    pay_rule = _pay_rule(asked_on, first_lesson_on)
    paid = pay_by(asked_on, first_lesson_on, rulebook, calendar)
    answered = answer_by(asked_on, rulebook, calendar)
    delayed = delayed_after(paid.on, rulebook, calendar)
    delayed = Deadline(delayed.on, delayed.provisional or paid.provisional)
    kind = _day_kind(pay_rule, rulebook)
    return (
        _date(DateCode.ANSWER_BY, answered, asked_on, DayKind.WORKING, _SILENCE, rulebook),
        _date(DateCode.PAY_BY, paid, asked_on, kind, pay_rule, rulebook),
        _date(DateCode.DELAYED_AFTER, delayed, paid.on, DayKind.CALENDAR, _DELAY, rulebook),
    )


def seven_days(request: RefundRequest, rules: RefundRules, calendar: CalendarDays) -> tuple[RefundDate, ...]:
    """Art. 14: the last day to ask without a reason, for each payment; none where the right is not in force."""
    return tuple(
        RefundDate(
            code=DateCode.SEVEN_DAYS,
            label=LABELS[DateCode.SEVEN_DAYS],
            on=last.on,
            provisional=last.provisional,
            counted_from=payment.on,
            days=rules.cooling_off_days or 0,
            day_kind=DayKind.CALENDAR.value,
            rule="refund.cooling_off_days",
            source=rules.source,
        )
        for payment, last in zip(request.payments, seven_day_ends(request, rules, calendar), strict=False)
    )


def renewed(old: Sequence[RefundDate], calendar: CalendarDays) -> tuple[RefundDate, ...]:
    """Dates that were provisional, after a holiday notice was loaded: earlier for the institution or later for the
    parent, never worse for the family. The rule and its days stay those they were set by.
    """
    moved: dict[DateCode, RefundDate] = {}
    found = []
    for before in old:
        base_on = before.counted_from
        if before.code is DateCode.DELAYED_AFTER and DateCode.PAY_BY in moved:
            base_on = moved[DateCode.PAY_BY].on
        found.append(_renewed(before, base_on, calendar) if before.provisional else before)
        moved[before.code] = found[-1]
    return tuple(found)


def delay(pay_by_on: date, delayed_after_on: date | None, today: date) -> Delay:
    """How a refund that is not paid stands on ``today``."""
    if delayed_after_on is not None and today > delayed_after_on:
        return Delay.DELIBERATE
    return Delay.OVERDUE if today > pay_by_on else Delay.IN_TIME


def _renewed(before: RefundDate, base_on: date, calendar: CalendarDays) -> RefundDate:
    side = Side.PARENT if before.code is DateCode.SEVEN_DAYS else Side.INSTITUTION
    after = deadline(base_on, before.days, DayKind(before.day_kind), calendar)
    moved = recomputed(Deadline(before.on, before.provisional), after, side)
    return replace(before, on=moved.on, provisional=moved.provisional, counted_from=base_on)


def _pay_rule(asked_on: date, first_lesson_on: date) -> str:
    return _AFTER_CLASS if first_lesson_on <= asked_on else _BEFORE_CLASS


def _day_kind(pay_rule: str, rulebook: Rulebook) -> DayKind:
    """How the days are counted; some places count those after the first lesson otherwise (Chengdu 2023)."""
    own = "refund.day_kind_after_class"
    differs = pay_rule == _AFTER_CLASS and rulebook.find(own) is not None
    return DayKind(rulebook.text(own if differs else "refund.day_kind"))


def _date(
    code: DateCode, last: Deadline, counted_from: date, kind: DayKind, rule: str, rulebook: Rulebook
) -> RefundDate:
    return RefundDate(
        code, LABELS[code], last.on, last.provisional, counted_from, rulebook.whole(rule), kind.value, rule,
        rulebook[rule].source,
    )  # fmt: skip
