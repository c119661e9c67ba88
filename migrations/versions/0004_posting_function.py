"""Posting, second half: functions only, see ``migrations.sql.renew_functions``."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing to carry over."""
