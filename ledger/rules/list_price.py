"""Whether a list price was ever one: sales records prove it, nothing else (SPC interpretation 2025 no. 4, art. 19(2);
价格法 art. 14(4): no false original price)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from ledger.terms.price_cap import ContractPrice, FalseListPrice
from ledger.terms.rulebook import Rulebook


def sale_days(rulebook: Rulebook) -> int | None:
    """How many days before a promotion the list price must have been charged; None where no file says."""
    return (
        None
        if rulebook.find("price_cap.list_price_sale_days") is None
        else (rulebook.whole("price_cap.list_price_sale_days"))
    )


def false_list_prices(contracts: Sequence[ContractPrice], days: int) -> list[FalseListPrice]:
    """Contracts that claim a list price above what was paid with no sale of the course at it in the last ``days``
    before the promotion began, by the institution's own contracts. In the order of courses and days.

    A promotion begins with the first discounted sale since the list price was last charged and lasts until it is
    charged again. Gift hours make an hour cheaper: they are a discount too.
    """
    courses: dict[tuple[str, UUID], list[ContractPrice]] = defaultdict(list)
    for contract in contracts:
        courses[contract.institution, contract.course_id].append(contract)
    return [found for sales in courses.values() for found in _of_course(sales, days)]


def claims_discount(contract: ContractPrice) -> bool:
    """Whether a contract names a list price above the price paid for an hour."""
    return contract.list_price_fen is not None and contract.list_price_fen > contract.unit_fen


def _of_course(sales: Sequence[ContractPrice], days: int) -> Iterator[FalseListPrice]:
    claimed = {sale.list_price_fen for sale in sales if sale.list_price_fen is not None and claims_discount(sale)}
    last_sale: dict[int, date] = {}
    began: dict[int, date] = {}
    ordered = sorted(sales, key=lambda sale: (sale.signed_on, sale.contract_no))
    for day, group in groupby(ordered, key=lambda sale: sale.signed_on):
        today = list(group)
        for sale in today:
            price_fen = sale.list_price_fen
            if price_fen is None or not claims_discount(sale):
                continue
            promotion_on = began.setdefault(price_fen, day)
            last_on = last_sale.get(price_fen)
            if last_on is None or (promotion_on - last_on).days > days:
                yield FalseListPrice(sale, promotion_on, last_on)
        highest = max(sale.unit_fen for sale in today)
        for price_fen in claimed:
            if highest >= price_fen:  # the list price was charged: a later discount is a new promotion
                last_sale[price_fen] = day
                began.pop(price_fen, None)
