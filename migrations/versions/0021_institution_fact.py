"""What is known of an institution besides its books: when it opened, with what, its capital, its kind of issuer."""

from migrations.sql import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql(__file__)
