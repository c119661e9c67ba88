"""Who lives in the demo world: the same people, schools and contracts every time (fixed seed, fixed clock)."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from ledger.terms.calendar import SHANGHAI
from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee
from ledger.terms.journal import FundKind
from ledger.terms.price_cap import Category, Course, Mode, Stage

SEED: Final = 20261124
FIRST_DAY: Final = date(2026, 5, 25)
PRICE_MAX_FEN: Final = 5_000_00  # the national limit on one non-academic charge
OVER_LIMIT: Final = 22  # the pupil whose contract passes it
CUSTODY, RESERVE, HANDS = 1, 2, 3
CLERK, SUPERVISOR, BANK_CLERK = "clerk:li", "clerk:wang", "bank:zhou"

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "子涵雨轩欣怡梓浩宇思远然若曦诺一晨佳琪明哲可心语桐书瑶𠮷㐂"
_DISTRICTS = (
    ("110108", "海淀区教委校外培训科", "010-0000-1208"),
    ("310115", "浦东新区教育局终身教育处", "010-0000-3115"),
    ("440305", "南山区教育局培训监管科", "010-0000-4305"),
)
_BANKS = (
    ("京华银行", "102100099996"),
    ("沪江银行", "103290000014"),
    ("岭南银行", "104584000003"),
    ("四海银行", "105100000017"),
)
_NAMES = ("启明", "星河", "远帆", "知行", "青禾", "博雅", "朗润", "云杉")
_KINDS = ("书画", "舞蹈", "棋院", "科创", "体育")
_SUBJECTS = (("书法", "硬笔书法"), ("舞蹈", "中国舞"), ("围棋", "围棋启蒙"), ("编程", "少儿编程"), ("游泳", "游泳技能"))


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money a family pays by bank transfer on a statement day; ``memo`` carries the reference, or does not."""

    on: date
    amount_fen: int
    memo: str
    payer: Payee


@dataclass(frozen=True, slots=True)
class Signed:
    """One contract to sign; the flow gives it its rulebook."""

    contract_no: str
    reference: str
    course_code: str
    family: Family
    price_fen: int
    hours_bought: int
    hours_gifted: int
    payer: Payee
    list_price_fen: int | None


@dataclass(slots=True)
class School:
    """One institution with everything that belongs to it."""

    institution: Institution
    payee: Payee
    funds: list[Fund]
    courses: list[CourseOffer]
    contracts: list[Signed] = field(default_factory=list)

    @property
    def lawful(self) -> list[Signed]:
        """The contracts that may be signed: all but the one that is over the limit on purpose."""
        return [signed for signed in self.contracts if signed.price_fen <= PRICE_MAX_FEN]

    @property
    def is_reserve_mode(self) -> bool:
        return self.institution.mode == "reserve"

    @property
    def contract_fund(self) -> int:
        return HANDS if self.is_reserve_mode else CUSTODY

    def account(self, fund_no: int) -> str:
        """The bank account of a fund."""
        number = next(fund.account_no for fund in self.funds if fund.fund_no == fund_no)
        assert number is not None, "hands have no account"
        return number


def build(pupils: int) -> list[School]:
    """40 institutions: 28 in custody mode, 2 in custody with a reserve on top, 10 in reserve mode; ``pupils``
    in all.
    """
    dice = random.Random(SEED)
    schools = [_school(dice, n) for n in range(40)]
    for n in range(pupils):
        _enrol(dice, schools[n % len(schools)], n)
    return schools


def _school(dice: random.Random, n: int) -> School:
    number = 1001 + n
    mode = "reserve" if n % 4 == 1 else "both" if n in (2, 6) else "custody"
    district = _DISTRICTS[{"reserve": 1, "both": 2, "custody": 0}[mode]]
    bank = _BANKS[n % len(_BANKS)]
    name = f"{_NAMES[n % len(_NAMES)]}{_KINDS[n % len(_KINDS)]}培训学校{n + 1:02d}"
    institution = Institution(
        institution_id=number, code=f"JG{number}", name=name, place=district[0], zone="", category="non_academic",
        mode=mode, office_name=district[1], office_phone=district[2],
    )  # fmt: skip
    payee = Payee(name, f"6222{number:08d}{dice.randrange(10**6):06d}", bank[1])

    def fund(fund_no: int, kind: FundKind) -> Fund:
        if kind is FundKind.HANDS:
            return Fund(number, fund_no, kind, None, None, None, "CNY", 0, FIRST_DAY)
        return Fund(number, fund_no, kind, f"62320{fund_no}0{number:012d}", *bank, "CNY", 0, FIRST_DAY)

    kinds = {
        "custody": [(CUSTODY, FundKind.CUSTODY)],
        "both": [(CUSTODY, FundKind.CUSTODY), (RESERVE, FundKind.RESERVE)],
        "reserve": [(RESERVE, FundKind.RESERVE), (HANDS, FundKind.HANDS)],
    }[mode]
    return School(institution, payee, [fund(no, kind) for no, kind in kinds], _courses(n))


def _courses(n: int) -> list[CourseOffer]:
    """Two courses each; the school of n = 4 also tries to sell an academic course above the cap."""
    offers = []
    for k in range(2):
        subject, name = _SUBJECTS[(n + k) % len(_SUBJECTS)]
        price = 9000 + 1000 * ((n + k) % 5)
        course = Course(Stage.COMPULSORY, Category.NON_ACADEMIC, Mode.OFFLINE, 6 + (n + k) % 9, 45, price)
        offers.append(CourseOffer(UUID(int=(1001 + n) << 16 | k), f"KC{n + 1:02d}-{k + 1}", name, subject, course))
    academic = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 12, 45, 12000 if n == 4 else 6600)
    if n % 10 == 4:
        offers.append(CourseOffer(UUID(int=(1001 + n) << 16 | 9), f"KC{n + 1:02d}-9", "小学数学", "数学", academic))
    return offers


def _enrol(dice: random.Random, school: School, n: int) -> None:
    elder = n - (n % 8 == 7)  # every eighth pupil has an elder sibling, taught at the next institution
    surname = _SURNAMES[elder % len(_SURNAMES)]
    given = "".join(dice.choice(_GIVEN) for _ in range(2 if n % 7 else 1))
    pupil = f"{surname}{given}" if n % 29 else f"阿依{given}·{surname}"
    guardian = f"{surname}{dice.choice(_GIVEN)}"
    phone = f"1990000{elder % 10000:04d}"
    family = Family(
        UUID(int=1 << 100 | n), pupil, f"990000{20150101 + n % 27:08d}{n:04d}", UUID(int=2 << 100 | n), guardian, phone
    )
    payer = Payee(guardian, f"6217{n:012d}{dice.randrange(1000):03d}", _BANKS[(n + 1) % len(_BANKS)][1])
    offer = school.courses[n // 40 % 2]
    hours = dice.choice((30, 32, 36, 40)) * 100
    if n != OVER_LIMIT:  # one family is offered more than may be charged at once: its contract is refused
        hours = min(hours, PRICE_MAX_FEN // offer.course.price_fen * 100)
    price = offer.course.price_fen * (hours if n != OVER_LIMIT else 6000) // 100
    gifted = 400 if n % 6 == 0 else 0
    number = f"{school.institution.institution_id}{n:05d}"
    school.contracts.append(
        Signed(
            f"HT{number}",
            f"PP{number}",
            offer.code,
            family,
            price,
            hours,
            gifted,
            payer,
            offer.course.price_fen * 5 // 4 if n % 9 == 0 else None,
        )
    )


def statement_days(count: int) -> list[date]:
    """``count`` bank days over six months, a working day each."""
    step = 182 // count
    days = [FIRST_DAY + timedelta(days=3 + step * n) for n in range(count)]
    return [day + timedelta(days=(7 - day.weekday()) if day.weekday() > 4 else 0) for day in days]


def instant(on: date, hour: int) -> datetime:
    """An hour of a demo day in Shanghai, as UTC."""
    return datetime.combine(on, time(hour), SHANGHAI).astimezone(UTC)
