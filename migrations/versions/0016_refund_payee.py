"""Another account for a refund: entered by one person, confirmed by another, used after a time to object."""

from migrations.sql import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql(__file__)
