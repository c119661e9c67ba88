"""The database of a command: the one DATABASE_URL names, or the embedded PostgreSQL of this clone.

The embedded server is started by the first command that needs it and stopped by the last. Each user
holds a shared lock on ``<home>/users.lock`` for as long as it lives; the kernel gives the lock back
however the user ends, so a killed one is never counted. Joining, starting, leaving and stopping
happen under ``<home>/start.lock``. "Running" means that a query was answered, never that a pid
exists: a killed postmaster leaves its pid file, and sometimes a zombie with that very pid.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from ledger.books import role
from ledger.books.engine import open_engine
from ledger.cli import postgres_files as files
from ledger.cli import signing
from ledger.cli.postgres_files import Place
from ledger.settings import NotReady, Settings

DATABASE = "custody"
OWNER = "postgres"
# Replaying what a crash left may take minutes on a slow disk.
START_SECONDS = 300
STOP_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Urls:
    """Addresses in SQLAlchemy form: the application's login, and the owner's where one is known."""

    app: str
    owner: str | None


@contextmanager
def database(settings: Settings) -> Iterator[Urls]:
    """The database of this environment for as long as the block runs. Raises NotReady."""
    if settings.database_url:
        yield Urls(settings.database_url, settings.owner_url)
    elif settings.owner_url:
        raise NotReady("DATABASE_URL_MISSING")
    else:
        with server(settings.home) as place:
            yield Urls(place.url(role.roles_of(DATABASE).app, DATABASE), place.url(OWNER, DATABASE))


@contextmanager
def open_books(settings: Settings, *, writing: bool = True) -> Iterator[Engine]:
    """The application's engine on this environment's migrated database. Raises NotReady.

    ``writing``: not to a database that is behind its anchors (DATABASE_BEHIND_ANCHOR); whoever only looks says False.
    """
    with database(settings) as urls:
        engine = open_engine(urls.app)
        try:
            with engine.connect() as conn:
                if conn.scalar(text("SELECT to_regclass('ledger.alembic_version')")) is None:
                    raise NotReady("MIGRATIONS_PENDING")
                if writing:
                    signing.refuse_behind(conn, settings)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def server(
    home: Path,
    *,
    programs: Path | None = None,
    extra_logins: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
) -> Iterator[Place]:
    """The embedded server of ``home``: joined when it runs, else started; the last user stops it.

    ``programs``: another PostgreSQL's bin folder. ``extra_logins`` (roles we may log in as beside
    the owner and the application) and ``options`` (server settings) count when it is started here.
    """
    place = files.place_of(home, programs)
    logins = (OWNER, *role.roles_of(DATABASE).logins, *extra_logins)
    with ExitStack() as stack:
        stack.enter_context(_ending_in_order())
        with _start_lock(place):
            users = os.fdopen(_open_lock(place, "users.lock"))
            stack.callback(users.close)
            fcntl.flock(users, fcntl.LOCK_SH)
            stack.callback(_leave, place, users.fileno())
            _bring_up(place, logins, options or {})
        yield place


def remove(home: Path) -> None:
    """Remove the embedded server of ``home`` with all its data. Raises NotReady DATABASE_IN_USE."""
    place = files.place_of(home)
    with _start_lock(place), os.fdopen(_open_lock(place, "users.lock")) as users:
        if not _only_user(users.fileno()):
            raise NotReady("DATABASE_IN_USE")
        _stop(place)
        files.remove_files(place)


def postmaster(place: Place) -> int | None:
    """The pid of the postmaster that lives on these files, or None."""
    return _living(place, place.cluster / "postmaster.pid")


def forget_dead(place: Place) -> None:
    """Remove the lock files of a postmaster that is gone: with its pid a zombie or reused, it would pass for alive.

    Its children are not forgotten with them: a new server finds their shared memory by the folder
    itself and refuses to start until the last of them has ended.
    """
    for lock in (place.cluster / "postmaster.pid", place.sockets / f".s.PGSQL.{files.PORT}.lock"):
        if _living(place, lock) is None:
            lock.unlink(missing_ok=True)


def _living(place: Place, lock: Path) -> int | None:
    """The pid a lock file names, unless it is dead, a zombie (no command line) or taken by another program."""
    try:
        pid = int(lock.read_text(encoding="ascii").partition("\n")[0])
        if not Path("/proc/self").exists():
            os.kill(pid, 0)
            return pid
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(place.cluster) in arguments else None


def _leave(place: Place, users: int) -> None:
    with _start_lock(place):
        if _only_user(users):
            _stop(place)


def _only_user(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bring_up(place: Place, logins: Sequence[str], options: Mapping[str, str]) -> None:
    """Return when the server answers and has our database. Under the start lock."""
    files.refuse_foreign(place)
    if files.is_orphan(place):
        _stop(place)
        files.remove_tree(place.base)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(place):
        if time.monotonic() > deadline:
            raise NotReady("DATABASE_NOT_STARTED", f"{place.log}: {_last_lines(_log_since(place, 0))}")
        if postmaster(place) is None:
            _start(place, logins, options)
        time.sleep(0.05)  # float: seconds
    _make_database(place)


def _start(place: Place, logins: Sequence[str], options: Mapping[str, str]) -> None:
    """Start a postmaster and wait for it; one that may succeed on another try just returns."""
    files.prepare(place)
    major = files.major_version(place)
    if not place.cluster.exists():
        files.make_cluster(place)
    made_by = (place.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(major):
        raise NotReady("DATABASE_FOLDER_OLD", f"{place.cluster}: {made_by}, not {major}.")
    files.configure(place, logins, options)
    forget_dead(place)
    log_size = place.log.stat().st_size if place.log.exists() else 0
    shape = ["-D", str(place.cluster), "-l", str(place.log), "-w", "-t", str(START_SECONDS)]
    started = files.run(place, "pg_ctl", "start", *shape, wait_seconds=START_SECONDS + 60)
    said = _log_since(place, log_size)
    # Old backends still at work, or a postmaster whose starter was killed a moment ago: both pass.
    passing = "still in use" in said or "already exists" in said or postmaster(place) is not None
    if started.returncode and not passing:
        raise NotReady("DATABASE_NOT_STARTED", f"{place.log}: {_last_lines(said) or started.stderr.strip()}")


def _stop(place: Place) -> None:
    if postmaster(place) is None:
        return
    shape = ["-D", str(place.cluster), "-m", "fast", "-w", "-t", str(STOP_SECONDS)]
    stopped = files.run(place, "pg_ctl", "stop", *shape, wait_seconds=STOP_SECONDS + 60)
    if stopped.returncode and postmaster(place) is not None:
        raise NotReady("DATABASE_NOT_STOPPED", stopped.stderr.strip())


def _answers(place: Place) -> bool:
    """Whether a query is answered now. Raises NotReady for a login refused: waiting would not help."""
    engine = create_engine(place.url(OWNER, "postgres"), poolclass=NullPool, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as conn:
            return bool(conn.scalar(text("SELECT 1")) == 1)
    except OperationalError as fault:
        if "authentication failed" in str(fault.orig):
            raise NotReady("DATABASE_UNREACHABLE", str(fault.orig).strip()) from None
        return False


def _make_database(place: Place) -> None:
    engine = create_engine(place.url(OWNER, "postgres"), poolclass=NullPool)
    roles = role.roles_of(DATABASE)
    with engine.connect() as conn:
        known = conn.scalar(text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name"), {"name": DATABASE})
        complete = known and role.exist(conn, roles)
    if not known:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text(f"CREATE DATABASE {DATABASE}"))
    if not complete:
        with engine.begin() as conn:
            role.make(conn, DATABASE, roles)


def _log_since(place: Place, size: int) -> str:
    """What the server's log says since it had ``size`` bytes."""
    try:
        with place.log.open("rb") as log:
            log.seek(size)
            return log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _last_lines(said: str) -> str:
    return "\n".join(said.splitlines()[-4:])


def _open_lock(place: Place, name: str) -> int:
    try:
        place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(place.home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise NotReady("HOME_NOT_WRITABLE", str(fault)) from None


@contextmanager
def _start_lock(place: Place) -> Iterator[None]:
    with os.fdopen(_open_lock(place, "start.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a polite end (SIGTERM, a closed terminal) unwind the block, so that the server is stopped too."""
    polite = (signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in polite if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is _exit:
                signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
