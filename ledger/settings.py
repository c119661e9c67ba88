"""Where things are, read from the environment once, at the edges.

DATABASE_URL            the application's login (EXECUTE and SELECT only); unset: the embedded server
CUSTODY_OWNER_URL       the owner's login, for ``custody migrate`` and the tests' set-up alone
CUSTODY_RULEBOOK_DIR    a folder of rulebooks read beside the built-in ones
CUSTODY_KEY_FILE        32 bytes (hex) that seal personal fields; unset: <home>/key, made on first use
CUSTODY_SIGNING_KEY_FILE  the private key that signs sealed blocks; unset: <home>/signing-key, made on first use
CUSTODY_ANCHOR_FILE     what was signed, kept outside the database (best on another disk); unset:
                        <home>/anchors-<database>.jsonl
CUSTODY_OUTGOING        a folder for messages to phones, one file each, that a gateway takes from there; unset: the
                        parents' pages stay closed (but in the demo)
CUSTODY_HOME            where the embedded server and the demo keep their files; unset: .demo/ of this clone
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from environs import Env

from ledger.errors import message

CLONE = Path(__file__).resolve().parent.parent


class NotReady(Exception):
    """The environment is not ready (exit 4): no database, wrong version, missing program or key."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The sentence for people, with the detail and the code."""
        return f"{message(self.code, language)}{' ' + self.detail if self.detail else ''} ({self.code})"


@dataclass(frozen=True, slots=True)
class Settings:
    database_url: str | None
    owner_url: str | None
    rulebook_dir: Path | None
    key_file: Path
    signing_key_file: Path
    anchor_file: Path
    outgoing: Path | None
    home: Path


def read_settings() -> Settings:
    """Read the environment. Relative paths count from the clone."""
    env = Env()
    home = CLONE / env.str("CUSTODY_HOME", ".demo")
    rulebooks = env.str("CUSTODY_RULEBOOK_DIR", "")
    key_file = env.str("CUSTODY_KEY_FILE", "")
    signing_key = env.str("CUSTODY_SIGNING_KEY_FILE", "")
    outgoing = env.str("CUSTODY_OUTGOING", "")
    anchors = env.str("CUSTODY_ANCHOR_FILE", "")
    database_url = env.str("DATABASE_URL", "") or None
    name = urlsplit(database_url).path.strip("/") if database_url else "custody"
    return Settings(
        database_url=database_url,
        owner_url=env.str("CUSTODY_OWNER_URL", "") or None,
        rulebook_dir=Path(rulebooks) if rulebooks else None,
        key_file=Path(key_file) if key_file else home / "key",
        signing_key_file=Path(signing_key) if signing_key else home / "signing-key",
        anchor_file=Path(anchors) if anchors else home / f"anchors-{name.replace('/', '_')}.jsonl",
        outgoing=Path(outgoing) if outgoing else None,
        home=home,
    )
