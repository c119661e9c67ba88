"""Statement files are kept in parts: a file need not be in memory to be kept."""

from migrations.sql import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql(__file__)
