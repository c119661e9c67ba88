"""Lessons nobody answered are found set after set, without passing those of the sets before again."""

from migrations.sql import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql(__file__)
