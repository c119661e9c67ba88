"""A world per test: an institution of its own in the database that the tests of one file share."""

from itertools import count

import pytest

from tests.conftest import Database
from tests.world import World, make_world

_NUMBERS = count(1001)


@pytest.fixture
def world(module_database: Database) -> World:
    return make_world(module_database.app, next(_NUMBERS))
