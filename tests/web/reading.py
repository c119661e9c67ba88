"""How tests read a page."""

from flask.testing import FlaskClient
from lxml import html
from lxml.html import HtmlElement

from ledger.money import fen_from_text


def opened(client: FlaskClient, path: str, status: int = 200) -> HtmlElement:
    """The page at ``path``, which must answer with ``status``."""
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.fromstring(answer.get_data())


def words(element: HtmlElement) -> str:
    """What a person reads of an element, one space between any two parts."""
    return " ".join(" ".join(element.itertext()).split())


def fen(shown: str) -> int:
    """-960_00 for "−¥960.00"."""
    return fen_from_text(shown.replace("−", "-").replace("¥", "").replace(",", ""), signed=True)


def of_class(element: HtmlElement, name: str) -> list[HtmlElement]:
    """Every part of an element that carries a class."""
    return list(element.xpath(f'.//*[contains(concat(" ", normalize-space(@class), " "), " {name} ")]'))


def values(page: HtmlElement, path: str) -> list[str]:
    """The attributes an XPath names."""
    found = page.xpath(path)
    assert isinstance(found, list)
    return [str(value) for value in found]


def amount(element: HtmlElement, name: str) -> int:
    """The one amount (fen) in the part with a class."""
    (part,) = of_class(element, name)
    return fen(words(part))


def lines(table: HtmlElement) -> list[int]:
    """The amounts (fen) of a table that adds up, without its total and what stands below it."""
    return [fen(words(cell)) for cell in table.xpath('.//tr[not(@class)]/td | .//tr[@class=""]/td')]


def total(table: HtmlElement) -> int:
    """Its total."""
    (cell,) = table.xpath('.//tr[@class="total"]/td')
    return fen(words(cell))


def card_of(page: HtmlElement, course: str) -> HtmlElement:
    """The card of a course on "my money"."""
    (card,) = [card for card in page.xpath("//article") if course in words(card.xpath(".//h2")[0])]
    return card
