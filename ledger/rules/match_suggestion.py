"""What open bank lines may be: answers for a person to look at, never posted by themselves.

The rules R1 to R5 have run before (migrations/functions/09_match.sql). Here, in this order, each over what the ones
before left: sets that a rule could not tell apart (R2, R5), R8 a key with nearly the amount, R6 all of a day, R7 some
of a day, R9 a name with the amount. Where more than one answer fits, that is what is said.
"""

import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final, TypeVar

from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt, Suggestion

# R8: what a bank keeps of a transfer, or a slip of the finger; more is another amount.
TOLERANCE_FEN: Final = 50_00
# R7: a day with more open payments has too many sums to mean anything; nor does one of more terms.
ITEMS_MAX: Final = 24
TERMS_MAX: Final = 6
# R5: the bank books a day before to three days after what was announced (cut-off times, weekends).
_EARLIEST, _LATEST = timedelta(days=-1), timedelta(days=3)
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def suggestions(
    lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment], tolerance_fen: int = TOLERANCE_FEN
) -> list[Suggestion]:
    """Suggestions for the open lines of an account, in the order of the rules; no line is in two of them."""
    found: list[Suggestion] = []
    for rule in (_by_key, _by_payer):
        found += rule(_without(lines, found), _paid_without(payments, found))
    found += _nearly(_without(lines, found), _paid_without(payments, found), tolerance_fen)
    found += _of_a_day(_without(lines, found), _paid_without(payments, found))
    found += _by_name(_without(lines, found), _paid_without(payments, found))
    return found


def _by_key(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> list[Suggestion]:
    """R2 could not tell: lines and payments of one key and amount, the payments of more than one contract."""
    owed = _grouped(payments, lambda one: (one.match_key, one.open_fen) if one.match_key else None)
    sets = _grouped(lines, lambda one: (one.match_key, one.open_fen) if one.match_key else None)
    return [_set("R2", here, owed[key]) for key, here in sets.items() if key in owed]


def _by_payer(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> list[Suggestion]:
    """R5 could not tell: one payer's account and amount, days that fit, more than one way to pair them."""
    owed = _grouped(payments, lambda one: (one.payer_index, one.open_fen) if one.payer_index else None)
    without_key = [one for one in lines if not one.match_key]
    sets = _grouped(without_key, lambda one: (one.payer_index, one.open_fen) if one.payer_index else None)
    found = []
    for key, here in sets.items():
        near = [paid for paid in owed.get(key, ()) if any(_in_days(line, paid) for line in here)]
        if near:
            found.append(_set("R5", [line for line in here if any(_in_days(line, paid) for paid in near)], near))
    return found


def _nearly(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment], tolerance_fen: int) -> list[Suggestion]:
    """R8: the key of one payment, and an amount that differs by at most ``tolerance_fen``."""
    owed = _grouped(payments, lambda one: one.match_key or None)
    found = []
    for key, here in _grouped(lines, lambda one: one.match_key or None).items():
        paid = owed.get(key, ())
        if len(here) == len(paid) == 1 and abs(here[0].open_fen - paid[0].open_fen) <= tolerance_fen:
            difference = here[0].open_fen - paid[0].open_fen
            found.append(Suggestion("R8", (here[0].line_id,), (paid[0].payment_id,), 1, difference))
    return found


def _of_a_day(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> list[Suggestion]:
    """R6: a line that is all payments of its day. R7: one that is some of them, at most ``TERMS_MAX``."""
    days = _grouped(payments, lambda one: one.paid_on)
    found = []
    for day, here in _grouped(lines, lambda one: one.booked_on).items():
        bucket = days.get(day, [])
        amounts = [one.open_fen for one in bucket]
        found += [_set("R6", [line], bucket) for line in here if line.open_fen == sum(amounts)]
        rest = [line for line in here if line.open_fen != sum(amounts)]
        if len(bucket) > ITEMS_MAX:
            continue
        for line, answers in zip(rest, subsets(amounts, [one.open_fen for one in rest]), strict=True):
            named = sorted({place for answer in answers for place in answer})
            if answers:
                paid = tuple(bucket[place].payment_id for place in named)
                found.append(Suggestion("R7", (line.line_id,), paid, len(answers)))
    return found


def subsets(amounts: Sequence[int], totals: Sequence[int], terms_max: int = TERMS_MAX) -> list[list[tuple[int, ...]]]:
    """For each of ``totals`` at most two sets of at most ``terms_max`` places in ``amounts`` that add up to it (all
    positive, fen).

    Meet in the middle: the sums of one half, looked up for each of the other half. Two equal amounts are two answers:
    nothing says which of them it is.
    """
    half = len(amounts) // 2
    left: dict[int, list[tuple[int, ...]]] = {}
    for places, fen in _sums(amounts, range(half), terms_max):
        left.setdefault(fen, []).append(places)
    right = _sums(amounts, range(half, len(amounts)), terms_max)
    return [
        list(
            islice(
                (
                    (*other, *places)
                    for places, fen in right
                    for other in left.get(total - fen, ())
                    if len(other) + len(places) <= terms_max
                ),
                2,
            )
        )
        for total in totals
    ]


def _sums(amounts: Sequence[int], places: range, terms_max: int) -> list[tuple[tuple[int, ...], int]]:
    """Every set of at most ``terms_max`` of ``places``, with its sum."""
    sums: list[tuple[tuple[int, ...], int]] = [((), 0)]
    for place in places:
        sums += [((*taken, place), fen + amounts[place]) for taken, fen in sums if len(taken) < terms_max]
    return sums


def _by_name(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> list[Suggestion]:
    """R9: the payer's name and the amount. Names are given only where few lines are left."""
    owed = _grouped(payments, lambda one: (_plain(one.payer), one.open_fen) if one.payer else None)
    sets = _grouped(lines, lambda one: (_plain(one.payer), one.open_fen) if one.payer else None)
    return [_set("R9", here, owed[key]) for key, here in sets.items() if key in owed]


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _set(rule: str, lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> Suggestion:
    """Lines and payments of which each could be any: one answer only where a single line is all of them."""
    one_way = len(lines) == 1 and sum(paid.open_fen for paid in payments) == lines[0].open_fen
    ids = tuple(line.line_id for line in lines), tuple(paid.payment_id for paid in payments)
    return Suggestion(rule, *ids, 1 if one_way else 2)


def _in_days(line: OpenReceipt, payment: ExpectedPayment) -> bool:
    return payment.paid_on + _EARLIEST <= line.booked_on <= payment.paid_on + _LATEST


def _without(lines: Sequence[OpenReceipt], found: Sequence[Suggestion]) -> list[OpenReceipt]:
    taken = {line_id for one in found for line_id in one.line_ids}
    return [line for line in lines if line.line_id not in taken]


def _paid_without(payments: Sequence[ExpectedPayment], found: Sequence[Suggestion]) -> list[ExpectedPayment]:
    """Payments that no suggestion with a key or a payer names; sums of a day may share them."""
    taken = {paid_id for one in found if one.rule not in ("R6", "R7") for paid_id in one.payment_ids}
    return [paid for paid in payments if paid.payment_id not in taken]


def _grouped(items: Iterable[T], key_of: Callable[[T], K | None]) -> dict[K, list[T]]:
    """Items by their key, in order; those without one are left out."""
    groups: dict[K, list[T]] = {}
    for item in items:
        key = key_of(item)
        if key is not None:
            groups.setdefault(key, []).append(item)
    return groups
