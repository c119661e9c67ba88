"""Who decided a contested cause and on what evidence, and dates of refunds that a holiday notice moved."""

from migrations.sql import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql(__file__)
