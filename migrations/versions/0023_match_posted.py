"""Matches move money: what became of each part, and what a person proposed for a second one to approve."""

from migrations.sql import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql(__file__)
