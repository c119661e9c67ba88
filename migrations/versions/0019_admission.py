"""Held statements that were released: by a person with a reason, or by the statement that joined them."""

from migrations.sql import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql(__file__)
