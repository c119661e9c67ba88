"""Sealing and the balance: functions only, see ``migrations.sql.renew_functions``."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing to carry over."""
