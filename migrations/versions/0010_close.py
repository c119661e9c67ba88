"""Steps of closing and reopening a fund's days."""

from migrations.sql import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql(__file__)
