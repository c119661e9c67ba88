"""Posting, first half: functions only, see ``migrations.sql.renew_functions``."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing to carry over."""
