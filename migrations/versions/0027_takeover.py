"""Running books of an institution, taken over: the files, and the payments that were made before."""

from migrations.sql import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql(__file__)
