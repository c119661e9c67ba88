"""``scripts/bench rules``: how many decisions a second the pure rules give on one core. No database.

Every case works through facts that differ, so that nothing is answered twice. ``python -m scripts.benchmark.rules
--profile`` says where a refund quote spends its time.
"""

import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final
from uuid import UUID

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import posting, price_cap, refund, release
from ledger.rules.confirmation import by_silence
from ledger.terms.calendar import Deadline, shanghai_day
from ledger.terms.contract import ContractBalance
from ledger.terms.lesson_law import Silence
from ledger.terms.price_cap import Category, ContractPrice, Course, Mode, Stage
from ledger.terms.refund import Cause, HoursUsed, PaidOn, RefundContract, RefundRequest
from ledger.terms.release import ReleaseFacts, ReleaseMode, ReleaseTerms
from scripts.benchmark.case import Case, Run

ON: Final = date(2026, 3, 2)
FACTS: Final = 2_000
SECONDS: Final = 1.0  # of each round, at scale 1
QUOTES_WANTED: Final = 20_000
THIRDS: Final = (Fraction(30), Fraction(30), Fraction(40))
MODES: Final = (
    ReleaseTerms(),
    ReleaseTerms(ReleaseMode.PERIODIC, period_days=7),
    ReleaseTerms(ReleaseMode.MILESTONES, milestones=THIRDS),
    ReleaseTerms(ReleaseMode.AFTER_ORDER, after_order_working_days=15),
)
_LAW: Final = load_rulebooks([BUILT_IN])
_BEIJING: Final = _LAW.in_force("110108", "", ON)


def quotes() -> list[Callable[[], object]]:
    """Refund worksheets of hour packs: each with its lines, both other causes and its digest."""
    rules, calendar, causes = refund.rules_in_force(_BEIJING), _LAW.calendar("110108"), list(Cause)

    def one(n: int) -> Callable[[], object]:
        contract = RefundContract(
            paid_fen=400_000 + n,
            hours_bought=40_00,
            hours_gifted=n % 3 * 100,
            list_price_fen=12_000 + n % 50,
            list_price_proven=n % 2 == 0,
        )
        used = HoursUsed(n % 40 * 100)
        request = RefundRequest((PaidOn(ON, 400_000),), ON + timedelta(days=n % 60))
        cause = causes[n % len(causes)]
        return lambda: refund.quote(contract, used, cause, request, rules, calendar=calendar)

    return [one(n) for n in range(FACTS)]


def price_checks() -> list[Callable[[], object]]:
    """A lesson against the cap of its place."""

    def one(n: int) -> Callable[[], object]:
        mode = Mode.ONLINE if n % 5 == 0 else Mode.OFFLINE
        course = Course(Stage.COMPULSORY, Category.ACADEMIC, mode, 1 + n % 50, 30 + n % 60, 5_000 + n)
        return lambda: price_cap.check(course, _BEIJING)

    return [one(n) for n in range(FACTS)]


def contract_checks() -> list[Callable[[], object]]:
    """A whole contract against it, as `custody price contracts` asks."""
    course = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)

    def one(n: int) -> Callable[[], object]:
        contract = ContractPrice(
            "JG1", "110108", "", UUID(int=n), f"HT{n}", UUID(int=1), "SX", course, 300_000 + n, None, 40_00,
            n % 3 * 100, ON, _BEIJING.digest,
        )  # fmt: skip
        return lambda: price_cap.check_contract(contract, _BEIJING)

    return [one(n) for n in range(FACTS)]


def releases() -> list[Callable[[], object]]:
    """Silence has confirmed a lesson; how many hours the mode of its contract lets go that day, and what they move, by
    running total, to due and payable.
    """
    today, calendar = shanghai_day(datetime(2026, 4, 1, 4, tzinfo=UTC)), _LAW.calendar("110108")

    def one(n: int) -> Callable[[], object]:
        balance = ContractBalance(
            UUID(int=n), 1, 400_000 + n, 40_00, paid_fen=400_000 + n, hours_released=n % 30 * 100,
            released_fen=(400_000 + n) * (n % 30) // 40, due_fen=n % 2 * 500, price_signed_fen=400_000 + n,
        )  # fmt: skip
        taught = n % 30 * 100
        facts = ReleaseFacts(40_00, taught, taught + 200, today - timedelta(days=n % 20), today - timedelta(days=n % 7))
        by = MODES[n % len(MODES)]
        until = Deadline(today - timedelta(days=1 + n % 9))

        def decide() -> object:
            silence = by_silence(until, today, (), is_disputed=False, is_answered=False)
            if silence is not Silence.CONFIRMS:
                return None
            return posting.hours_released(balance, release.hours_to_release(by, facts, today, calendar))

        return decide

    return [one(n) for n in range(FACTS)]


CASES: Final = {
    "refund quote": quotes,
    "price check": price_checks,
    "contract price check": contract_checks,
    "release decision": releases,
}
# What a core must do a second: quotes by the issue; none of the others may be slower than they.
WANTED: Final = dict.fromkeys(CASES, QUOTES_WANTED)


def run(order: Run) -> Iterator[Case]:
    """Decisions a second on one core, case by case; the median of the rounds."""
    for name in filter(order.wants, CASES):
        order.say(f"{name} ...")
        works = CASES[name]()
        rates = [per_second(works, SECONDS * order.scale) for _ in range(order.rounds)]
        wanted = WANTED[name]
        yield Case(
            name=name,
            measured=statistics.median(rates),
            unit="per second",
            against="wanted",
            yardstick=wanted,
            ratios=tuple(rate / wanted for rate in rates),
            gate=1.0,
            reach=1.0,
            notes={"facts": len(works)},
        )


def per_second(works: list[Callable[[], object]], seconds: float) -> float:
    """How many of ``works`` one core does in a second, measured over at least ``seconds``, once warm."""
    for work in works[:100]:
        work()
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        for work in works:
            work()
        done += len(works)
    return done / passed


def profile() -> None:
    """Print where a refund quote spends its time."""
    works, watched = quotes(), cProfile.Profile()
    watched.enable()
    for work in works * 5:
        work()
    watched.disable()
    pstats.Stats(watched).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    if "--profile" in sys.argv[1:]:
        profile()
    else:
        for case in run(Run(Path())):
            print(f"{case.name:<24}{case.measured:>12,.0f} {case.unit:<12}{case.verdict}")
