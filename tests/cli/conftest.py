"""A school's books for the tests of commands."""

from pathlib import Path

import pytest

from tests.cli.shop import Shop, open_shop
from tests.conftest import Database


@pytest.fixture
def shop(
    fresh_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shop:
    """A registered school with three signed contracts and nothing paid."""
    return open_shop(fresh_database, tmp_path, capsys, monkeypatch)
