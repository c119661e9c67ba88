"""``scripts/bench peers``: django-hordak on the same server with the same movements, and bean-check of our journal.

Hordak is the ledger nearest to our stack. It has a database of its own, one account a pupil and one of the institution
that every entry touches.
"""

import importlib
import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from sqlalchemy.engine import make_url

from ledger.books.engine import POOL_SIZE
from scripts.benchmark import single
from scripts.benchmark.batch import shrunk
from scripts.benchmark.case import Case, Run, alternate, compared, seconds
from scripts.benchmark.clients import Asking, Work, crew, divided
from scripts.benchmark.server import PEER
from scripts.benchmark.verifying import verifying
from scripts.benchmark.world import SET, CaseMaker, Stage, measure

PUPILS: Final = 1_000
CLIENTS: Final = POOL_SIZE


def hordak(stage: Stage) -> Iterator[Case]:
    """A set of 10,000 entries against bulk_create in one transaction, and 8 clients one by one against transfer_to."""
    run, size = stage.run, shrunk(stage.run, SET)
    with stage.books() as books, stage.server.empty(PEER), ExitStack() as stack:
        owner = stage.server.owner_url.set(database=PEER).render_as_string(hide_password=False)
        # django is set up once a process and never forgets: not in this one
        works = [Work(owner, 1, ("migrate",))]
        with crew(hordak_clients, works) as migrating:
            migrating.rate()
        bulk = stack.enter_context(crew(hordak_clients, [Work(owner, 1, ("bulk", size))], 600.0))

        def ours() -> float:
            entries = books.deliveries(size)
            return size / seconds(lambda: books.post(entries))

        figures = alternate({"ours": ours, "hordak": bulk.rate}, run.rounds)
        yield compared(
            f"batch of {size:,} against django-hordak", "entries/s", "bulk_create of transactions and legs",
            figures["ours"], figures["hordak"], 4.0, 15.0,
        )  # fmt: skip
        books.seal()
        url = books.app_url.render_as_string(hide_password=False)
        our_clients = stack.enter_context(crew(single.ours, divided(url, CLIENTS, single.PROCESSES, books.contracts)))
        theirs = stack.enter_context(crew(hordak_clients, [Work(owner, 1, ("single", n)) for n in range(CLIENTS)]))
        figures = alternate({"ours": our_clients.rate, "hordak": theirs.rate}, run.rounds)
        yield compared(
            f"single entries against django-hordak, {CLIENTS} clients", "entries/s", "transfer_to", figures["ours"],
            figures["hordak"], 4.0, 10.0,
        )  # fmt: skip


@contextmanager
def hordak_clients(work: Work) -> Iterator[list[Asking]]:
    """One process that knows hordak. ``share``: migrate; bulk and a size (one set a round); or single and a number."""
    _set_up(work.url)
    what, *number = work.share
    if what == "migrate":
        yield [_migrating()]
    elif what == "bulk":
        yield [_bulk(*number)]
    else:
        yield [_single(*number)]


def _set_up(url: str) -> None:
    """Django on the peer's database. Django and hordak are in the bench's environment alone."""
    settings = importlib.import_module("django.conf").settings
    address = make_url(url)
    if settings.configured:
        return
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": address.database, "USER": address.username,
                "HOST": address.query["host"], "PORT": address.query["port"],
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, SECRET_KEY="bench",
        DEFAULT_CURRENCY="CNY", CURRENCIES=["CNY"],
    )  # fmt: skip
    importlib.import_module("django").setup()


def _migrating() -> Asking:
    """Make the tables and the accounts; there is nothing to measure."""
    importlib.import_module("django.core.management").call_command("migrate", verbosity=0)
    models = importlib.import_module("hordak.models")
    kind = models.AccountType.liability
    models.Account.objects.create(name="payable", code="0", type=kind, currencies=["CNY"])
    for number in range(1, PUPILS + 1):
        models.Account.objects.create(name=f"claim {number}", code=str(number), type=kind, currencies=["CNY"])
    return lambda: 0


def _accounts() -> tuple[Any, list[Any]]:
    """The institution's account and the pupils'."""
    models = importlib.import_module("hordak.models")
    first, *others = models.Account.objects.order_by("id")
    return first, others


def _bulk(size: int) -> Asking:
    """One set in one database transaction, then the round is over."""
    models, atomic = importlib.import_module("hordak.models"), importlib.import_module("django.db.transaction").atomic
    amount = importlib.import_module("djmoney.money").Money(5, "CNY")
    institution, pupils = _accounts()
    turns = itertools.cycle((size, 0))

    def asking() -> int:
        many = next(turns)
        if not many:
            return 0
        with atomic():
            made = models.Transaction.objects.bulk_create([models.Transaction(description="hour") for _ in range(many)])
            legs = []
            for number, one in enumerate(made):
                legs.append(models.Leg(transaction=one, account=pupils[number % len(pupils)], debit=amount))
                legs.append(models.Leg(transaction=one, account=institution, credit=amount))
            models.Leg.objects.bulk_create(legs)
        return many

    return asking


def _single(number: int) -> Asking:
    """transfer_to, committed by itself, from a pupil of this client."""
    amount = importlib.import_module("djmoney.money").Money(5, "CNY")
    institution, pupils = _accounts()
    own = pupils[number::CLIENTS]
    dice = random.Random(number)

    def asking() -> int:
        dice.choice(own).transfer_to(institution, amount)
        return 1

    return asking


CASES: Final[dict[str, CaseMaker]] = {"hordak": hordak, "verify": verifying}


def run(order: Run) -> Iterator[Case]:
    """Every wanted case."""
    yield from measure(order, CASES)
