"""One set of families per file, and a site on top of it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web.family import NOW, TODAY, VAULT, Books, Families, demo_rulebooks
from web.app import create_app


@pytest.fixture(scope="module")
def rulebooks() -> Rulebooks:
    return demo_rulebooks()


@pytest.fixture(scope="module")
def families(module_database: Database, rulebooks: Rulebooks) -> Families:
    return Books(module_database.app, rulebooks).write()


@pytest.fixture(scope="module")
def app(module_database: Database, rulebooks: Rulebooks, families: Families) -> Flask:
    assert families
    return create_app(module_database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)


@pytest.fixture
def client(app: Flask, families: Families) -> Iterator[FlaskClient]:
    """Logged in as the guardian, in English."""
    with app.test_client() as browser:
        answer = browser.post("/demo/login", data={"guardian": str(families.guardian)})
        assert answer.status_code == 303
        browser.get("/?lang=en")
        yield browser
