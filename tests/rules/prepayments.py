"""Families that prepay, made by chance: honest ones, and ones who split a prepayment over a limit over contracts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from ledger.rules import prepayment_limit
from ledger.terms.contract import Contract, CourseFacts
from ledger.terms.contract_rules import ContractRules
from ledger.terms.prepayment import BookingFacts, Charge, OpenCharge, PrepaymentLimits
from ledger.terms.price_cap import Category

Terms = dict[str, Any]  # fields of a contract
FIRST_DAY = date(2026, 3, 2)
LESSON_FEN = 100_00
SAME = {"奥数": "数学", "数学思维": "数学", "阅读": "语文"}
# How one subject may be written, and subjects nobody would mix up.
SPELLINGS = (
    ("数学", "数 学", "奥数", "数学思维", "数学!"),
    ("语文", "阅读", "语-文"),
    ("English", "ENGLISH", "\uff25\uff4e\uff47lish"),  # full width
    ("书法", "书法 "),
)


@dataclass(frozen=True)
class Asked:
    """A contract on the day it is to be signed. ``left``: hours (hundredths) left by then of contracts signed before;
    those it does not name were not begun.
    """

    contract: Contract
    subject: str
    category: Category
    left: Mapping[UUID, int] = field(default_factory=dict)


def course_of(subject: str, category: Category, lesson_price_fen: int) -> CourseFacts:
    """A published course, as far as limits ask about it."""
    return CourseFacts(UUID(int=5), "C1", subject, subject, category, "compulsory", "offline", lesson_price_fen)


def refused(family: Sequence[Asked], limits: PrepaymentLimits) -> list[str]:
    """Sign contracts one after the other as the flow does; the codes of all refusals. Then each is asked again when its
    money is booked.
    """
    found: list[str] = []
    held: list[OpenCharge] = []
    for asked in family:
        now = [replace(one, hours_left=asked.left.get(one.contract_id, one.hours)) for one in held]
        same = [one for one in now if one.hours_left and _is_same(one, asked)]
        charge = _charge(asked)
        codes = [one.code for one in prepayment_limit.check(charge, list(map(prepayment_limit.standing, same)), limits)]
        found += codes
        if not codes:
            signed = _open(asked, len(held))
            rules = ContractRules(prepayment=limits, same_subjects=SAME)
            course = course_of(asked.subject, asked.category, LESSON_FEN)
            facts = BookingFacts(asked.contract, signed.signed_at, course, (*same, signed))
            (booked,) = prepayment_limit.to_book([facts], {asked.contract.contract_id: rules}, ()).values()
            found += prepayment_limit.at_booking(booked, "欧阳小满")
            held.append(signed)
    return found


def _is_same(one: OpenCharge, asked: Asked) -> bool:
    keys = [prepayment_limit.subject_key(name, SAME) for name in (one.subject, asked.subject)]
    return one.student_id == asked.contract.student_id and keys[0] == keys[1]


def _charge(asked: Asked) -> Charge:
    return prepayment_limit.charge(asked.contract, asked.category, LESSON_FEN, ())


def _open(asked: Asked, n: int) -> OpenCharge:
    contract = asked.contract
    hours = contract.hours_bought + contract.hours_gifted
    return OpenCharge(
        contract.contract_id, contract.student_id, asked.subject, asked.category, LESSON_FEN, contract.signed_on,
        datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=n), contract.first_lesson_on, contract.price_fen,
        contract.gift_money_fen, hours, hours, contract.months,
    )  # fmt: skip


def split(random: Random, number: int) -> list[Asked]:
    """One prepayment over a limit in two to six contracts, each of which would pass alone, nothing taught between."""
    category = random.choice(list(Category))
    kinds = [_split_hours, _split_months, *([_split_amount, _split_card] if category is Category.NON_ACADEMIC else [])]
    terms = random.choice(kinds)(random)
    random.shuffle(terms)
    names = random.choice(SPELLINGS)
    days = sorted(random.randrange(20) for _ in terms)
    return [
        Asked(_contract(number, n, FIRST_DAY + timedelta(days=day), **one), random.choice(names), category)
        for n, (day, one) in enumerate(zip(days, terms, strict=True))
    ]


def _parts(random: Random, over: int, most: int, least: int = 1) -> list[int]:
    """Two to six parts of something above ``over``, none above ``most``."""
    total = over + random.randint(1, over)
    count = random.randint(-(-total // most), min(6, total // least))
    cuts = [total // count + (n < total % count) for n in range(count)]
    for _ in range(8):
        one, other = random.sample(range(count), 2)
        moved = random.randint(0, min(cuts[one] - least, most - cuts[other]))
        cuts[one], cuts[other] = cuts[one] - moved, cuts[other] + moved
    return cuts


def _split_hours(random: Random) -> list[Terms]:
    parts = _parts(random, 60_00, 60_00, 100)
    gifts = [random.randint(0, part // 2) for part in parts]
    return [{"hours_bought": part - gift, "hours_gifted": gift, "price_fen": random.randint(1, 600_00)}
            for part, gift in zip(parts, gifts, strict=True)]  # fmt: skip


def _split_months(random: Random) -> list[Terms]:
    return [{"months": part, "hours_bought": random.randint(1_00, 8_00), "price_fen": random.randint(1, 600_00)}
            for part in _parts(random, 3, 3)]  # fmt: skip


def _split_amount(random: Random) -> list[Terms]:
    parts = _parts(random, 5_000_00, 5_000_00)
    return [{"price_fen": part, "hours_bought": random.randint(1_00, 8_00)} for part in parts]


def _split_card(random: Random) -> list[Terms]:
    """Cards whose gift money brings them over the limit together."""
    parts = _parts(random, 5_000_00, 5_000_00)
    gifts = [random.randint(0, part - 1) for part in parts]
    return [{"price_fen": part - gift, "gift_money_fen": gift, "hours_bought": random.randint(1_00, 8_00)}
            for part, gift in zip(parts, gifts, strict=True)]  # fmt: skip


def honest(random: Random, number: int) -> list[Asked]:
    """One to three children, each in one to three subjects; what follows comes when 20 hours or fewer are left."""
    family: list[Asked] = []
    for child in range(random.randint(1, 3)):
        for names in random.sample(SPELLINGS, random.randint(1, 3)):
            category = random.choice(list(Category))
            family += _course(random, number * 4 + child, len(family), names, category)
    return family


def _course(random: Random, pupil: int, first: int, names: Sequence[str], category: Category) -> Iterator[Asked]:
    """Contracts of one pupil in one subject, each within every limit and after what came before was nearly taught."""
    signed_on, allowed = FIRST_DAY, 0
    earlier: list[UUID] = []
    for n in range(random.randint(1, 4)):
        left = dict.fromkeys(earlier, 0)
        if earlier:
            left[earlier[-1]] = random.randint(0, allowed)
        hours, face_fen = random.randint(1_00, 60_00), random.randint(1, 5_000_00)
        gift = random.choice([None, None, random.randint(0, face_fen - 1)])
        terms: Terms = {
            "hours_bought": hours, "price_fen": face_fen - (gift or 0), "gift_money_fen": gift,
            "months": random.choice([None, 1, 2, 3]),
        }  # fmt: skip
        made = _contract(pupil, first + n, signed_on, random.randint(1, 28), **terms)
        yield Asked(made, random.choice(names), category, left)
        counted = hours if gift is None else max(hours, -(-face_fen * 100 // LESSON_FEN))
        allowed = min(20_00 * hours // counted, hours - 1)  # begun, and 20 hours or fewer left as the card counts them
        earlier.append(made.contract_id)
        signed_on += timedelta(days=90)


def _contract(pupil: int, n: int, signed_on: date, days_before: int = 7, **terms: Any) -> Contract:
    blank = Contract(
        1, UUID(int=pupil * 1_000 + n + 1), f"HT{pupil}-{n}", f"PP{pupil}-{n}", UUID(int=1), UUID(int=pupil), 1, 1,
        None, 1_00, 0, None, signed_on + timedelta(days=days_before), signed_on, False, "", b"",
    )  # fmt: skip
    return replace(blank, **terms)
