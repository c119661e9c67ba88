"""Institutions that have closed: frozen by two people on an order, and what families would rather have."""

from migrations.sql import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_sql(__file__)
