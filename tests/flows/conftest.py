"""A school per test, in the database that the tests of one file share."""

from itertools import count

import pytest

from tests.conftest import Database
from tests.flows.school import IN_RESERVE, School, make_school

_NUMBERS = count(3001)


@pytest.fixture
def school(module_database: Database) -> School:
    """A school in custody mode."""
    return make_school(module_database.app, next(_NUMBERS))


@pytest.fixture
def reserve_school(module_database: Database) -> School:
    """A school that holds its families' money itself, a reserve behind it."""
    return make_school(module_database.app, next(_NUMBERS), IN_RESERVE)
