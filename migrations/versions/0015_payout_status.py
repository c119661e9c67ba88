"""What banks report of our payments (pain.002), and payment files in several formats."""

from migrations.sql import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql(__file__)
