"""What a dispute of an hour keeps from being used, and what its decision does ("Events" of the accounting policy).

The evidence duty lies with the institution (法释〔2025〕4号 art. 25), so the money of a disputed hour stays where it is
until two people have decided, an hour confirmed by silence included.
"""

from ledger.rules.posting import released_through
from ledger.terms.contract import ContractBalance
from ledger.terms.lesson import Lesson, LessonState, Verdict


def refusal(lesson: Lesson | None) -> str:
    """Why a lesson may not be disputed; "" when it may. What was reversed is the family's already."""
    if lesson is None:
        return "UNKNOWN_LESSON"
    return "LESSON_REVERSED" if lesson.state is LessonState.REVERSED else ""


def held_before_release(contract: ContractBalance, hours: int) -> int:
    """Dispute before release: what the hour would earn stays in the claim, cut up to the fen, as far as it is free."""
    return min(-(-contract.price_fen * hours // contract.hours_total), contract.free_fen)


def held_after_release(contract: ContractBalance, hours: int, payable_fen: int) -> int:
    """Dispute after release: what taking the hour back would cost, while that money is there; otherwise none."""
    return min(taken_back(contract, hours), payable_fen)


def taken_back(contract: ContractBalance, hours: int) -> int:
    """What un-releasing ``hours`` (hundredths) gives back to the claim, by running total."""
    paid = contract.paid_fen - contract.refunded_fen
    left = released_through(contract.price_fen, paid, max(contract.hours_released - hours, 0), contract.hours_total)
    return max(contract.released_fen - left, 0)


def undecidable(lesson: Lesson | None, verdict: Verdict) -> str:
    """Why a verdict on a lesson has no object; "" when it has one.

    ``released``: only a disputed hour, or one at an unlawful time that nobody has cleared, waits for it. ``reversed``
    corrects any hour that is not reversed yet.
    """
    if lesson is None:
        return "UNKNOWN_LESSON"
    if lesson.state is LessonState.REVERSED:
        return "LESSON_REVERSED"
    waits = lesson.state is LessonState.DISPUTED or (bool(lesson.flags) and not lesson.is_cleared)
    return "" if verdict is Verdict.REVERSED or waits else "LESSON_NOT_WAITING"
