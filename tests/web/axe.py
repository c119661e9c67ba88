"""axe-core on a page that a browser shows: what it finds against WCAG 2.2 AA and good practice."""

from functools import cache
from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """One line per place a rule is broken at: the rule, what axe says, the element. The page's own policy allows no
    script: axe is run by the browser's tools, as an auditor would.
    """
    page.evaluate(_script())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", list(RULES))
    assert found["passes"], "axe looked at nothing"
    return [f"{rule['id']}: {rule['help']}: {place['html']}" for rule in found["violations"] for place in rule["nodes"]]
