"""What is said and shown about a lesson: words and photos, sealed, by their digest."""

from migrations.sql import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_sql(__file__)
