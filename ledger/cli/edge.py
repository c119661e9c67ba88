"""What the commands on the books share: the clock, the keys, the law in force, files in and out, tables for people."""

import hashlib
import os
import pwd
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine

from ledger import faults
from ledger.books import register
from ledger.cli.main import language, say
from ledger.cli.price import rulebook_dirs
from ledger.errors import BadInput, Outcome, message
from ledger.formats.csv_table import day_from_text
from ledger.formats.plain_text import is_plain
from ledger.formats.rulebook import load_rulebooks
from ledger.settings import NotReady, Settings
from ledger.terms.calendar import CalendarDays
from ledger.terms.institution import Fund, Institution
from ledger.terms.rulebook import Rulebook, Rulebooks
from ledger.vault import Vault

Command = TypeVar("Command", bound=Callable[..., Any])
ACTOR_MAX: Final = 60
_KEY = re.compile("[0-9A-Fa-f]{64}")
_KEY_ID = 1
_PART = 1 << 20

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
institution_option = click.option("--institution", "code", metavar="CODE", help="Only this institution.")
rulebook_option = click.option(
    "--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones."
)

known_at_option = click.option(
    "--known-at", metavar="MANIFEST", type=click.Path(path_type=Path), help="Only the blocks another export names."
)


def actor_option(*, required: bool = False) -> Callable[[Command], Command]:
    """``--actor``: who does this, as the books will name it. Not given: the login of this machine."""
    return click.option("--actor", required=required, metavar="NAME", help="Who does this, like clerk:li.")


# -- the clock


def now(settings: Settings) -> datetime:
    """The instant at this edge, UTC. CUSTODY_NOW (ISO, with its zone) sets it for the embedded server alone.

    Raises BadInput BAD_CLOCK, NotReady CLOCK_IS_REAL where a database is given: real books keep real time.
    """
    given = os.environ.get("CUSTODY_NOW")
    if not given:
        return datetime.now(UTC)
    if settings.database_url:
        raise NotReady("CLOCK_IS_REAL")
    try:
        instant = datetime.fromisoformat(given)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # no instant, or none that UTC can tell
    raise BadInput("BAD_CLOCK", field="CUSTODY_NOW", value=given)


def day(text: str, field: str) -> date:
    """A legal day written YYYY-MM-DD. Raises BadInput BAD_DATE."""
    found = day_from_text(text)
    if found is None:
        raise BadInput("BAD_DATE", field=field, value=visible(text))
    return found


def day_until(text: str | None, field: str, today: date) -> date:
    """The same, today where none is given. Raises BadInput BAD_DATE, DATE_IN_FUTURE."""
    found = today if text is None else day(text, field)
    if found > today:
        raise BadInput("DATE_IN_FUTURE", field=field, value=text)
    return found


# -- keys and law


def open_vault(settings: Settings, books: Engine | None = None) -> Vault:
    """The keys of personal fields. The key file is made on first use: 32 random bytes as hex, for its owner alone.

    With ``books`` none is made where institutions are registered: a new key would open nothing of theirs.
    Raises NotReady KEY_FILE_OPEN, KEY_FILE_UNREADABLE, KEY_FILE_MISSING, HOME_NOT_WRITABLE.
    """
    path = settings.key_file
    if not path.exists():
        if books is not None:
            with books.connect() as conn:
                if register.read_institutions(conn):
                    raise NotReady("KEY_FILE_MISSING", f"{path}")
        _make_key(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise NotReady("KEY_FILE_OPEN", f"{path}")
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise NotReady("KEY_FILE_UNREADABLE", f"{path}") from fault
    if not _KEY.fullmatch(text):
        raise NotReady("KEY_FILE_UNREADABLE", f"{path}")
    return Vault({_KEY_ID: bytes.fromhex(text)}, _KEY_ID)


def _make_key(path: Path) -> None:
    """Whole or not at all, and never over another: two first users end up with one key."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".key-")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first: its key holds
        finally:
            os.unlink(temporary)
        _sync_folder(path.parent)
    except OSError as fault:
        raise NotReady("HOME_NOT_WRITABLE", f"{path}: {fault.strerror}") from fault


def load_law(extra: Path | None) -> Rulebooks:
    """The rulebooks: built-in, and one more folder (the option's, else CUSTODY_RULEBOOK_DIR). Raises BadInput."""
    return load_rulebooks(rulebook_dirs(extra))


def law_of(rulebooks: Rulebooks, institution: Institution, on: date) -> tuple[Rulebook, CalendarDays]:
    """What holds for an institution on a day, and its working days."""
    rulebook = rulebooks.in_force(institution.place, institution.zone, on)
    return rulebook, rulebooks.calendar(institution.place)


# -- what the command line names


def actor_name(given: str | None) -> str:
    """Who does this: as given, else ``cli:`` and the login. Raises BadInput BAD_ACTOR."""
    if given is None:
        return f"cli:{_login()}"
    name = given.strip()
    if not name or len(name) > ACTOR_MAX or not is_plain(name):
        raise BadInput("BAD_ACTOR", field="--actor", value=visible(given))
    return name


def _login() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a user without a name, as containers have
        return str(os.geteuid())


def institutions(conn: Connection, code: str | None) -> list[Institution]:
    """All institutions, or the one with this code. Raises BadInput UNKNOWN_INSTITUTION."""
    found = [one for one in register.read_institutions(conn) if code is None or one.code == code]
    if code is not None and not found:
        raise BadInput("UNKNOWN_INSTITUTION", field="--institution", value=visible(code))
    return found


def fund_of_account(conn: Connection, account_no: str, field: str) -> Fund:
    """The fund of a bank account. Raises BadInput UNKNOWN_ACCOUNT."""
    fund = register.funds_by_account(conn, [account_no]).get(account_no) if account_no.isascii() else None
    if fund is None:
        raise BadInput("UNKNOWN_ACCOUNT", field=field, value=visible(account_no))
    return fund


# -- files


def read_file(path: Path, bytes_max: int) -> bytes:
    """A file's bytes. Raises BadInput FILE_UNREADABLE (none, a folder, a device, no right to), LIMIT_EXCEEDED."""
    shown = visible(str(path))
    try:
        if path.exists() and not path.is_file():
            raise BadInput("FILE_UNREADABLE", where=shown)  # a folder, or a device that never ends
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except (OSError, ValueError) as fault:
        raise BadInput("FILE_UNREADABLE", where=shown, value=getattr(fault, "strerror", None)) from fault
    if len(content) > bytes_max:
        raise BadInput("LIMIT_EXCEEDED", where=shown, field="bytes", value=bytes_max)
    return content


@contextmanager
def opened_file(path: Path, bytes_max: int) -> Iterator[BinaryIO]:
    """A file to read bit by bit. Raises BadInput as ``read_file``, FILE_UNREADABLE also for what fails meanwhile."""
    shown = visible(str(path))
    try:
        if path.exists() and not path.is_file():
            raise BadInput("FILE_UNREADABLE", where=shown)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > bytes_max:
                raise BadInput("LIMIT_EXCEEDED", where=shown, field="bytes", value=bytes_max)
            yield file
    except (OSError, ValueError) as fault:
        raise BadInput("FILE_UNREADABLE", where=shown, value=getattr(fault, "strerror", None)) from fault


def same_parts(source: BinaryIO, sha256: str, path: Path) -> Iterator[bytes]:
    """What is left of a file in parts of a megabyte. Raises BadInput FILE_CHANGED where they are not what ``sha256``
    (hex) was made of: it was written to meanwhile.
    """
    digest = hashlib.sha256()
    while part := source.read(_PART):
        digest.update(part)
        yield part
    if digest.hexdigest() != sha256:
        raise BadInput("FILE_CHANGED", where=visible(str(path)))


def write_file(path: Path, pieces: Iterable[bytes], mode: int = 0o644) -> str:
    """Write a file whole or not at all: a temporary one, synced, then renamed. Its SHA-256 (hex).

    Folders are made. Raises BadInput OUT_NOT_WRITABLE.
    """
    digest = hashlib.sha256()
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        faults.reach("after_file_written")
        os.replace(temporary, path)
        temporary = None
        faults.reach("after_rename")
        _sync_folder(path.parent)
    except OSError as fault:
        raise BadInput("OUT_NOT_WRITABLE", where=visible(str(path)), value=fault.strerror) from fault
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- what people read


def row_id(text: str, code: str, field: str) -> UUID:
    """The id of a row as people write it. Raises BadInput ``code``."""
    try:
        return UUID(text.strip())
    except ValueError:
        raise BadInput(code, field=field, value=visible(text)) from None


def visible(text: str) -> str:
    """A text that cannot steer the terminal, nor break its encoding."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def refusal_text(outcome: Outcome) -> str:
    """Why not, in the language of messages, with the field, the detail and the code."""
    about = " ".join(part for part in (outcome.field, outcome.detail) if part)
    return f"{about + ': ' if about else ''}{message(outcome.code, language())} ({outcome.code})"


def say_refusal(place: str, outcome: Outcome) -> None:
    """One line on standard error for something that was refused."""
    say(visible(f"{place}: {refusal_text(outcome)}"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """A table on standard output; the columns of ``right`` (amounts, counts) are flush right, nothing is cut off."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(visible("" if cell is None else str(cell))) for cell in row))
    console = Console()
    width = max(console.width, console.measure(table, options=console.options.update(width=10_000)).maximum)
    Console(width=width).print(table, soft_wrap=True)
