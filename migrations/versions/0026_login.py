"""Coming in by phone and code: codes, sessions and token buckets."""

from migrations.sql import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql(__file__)
