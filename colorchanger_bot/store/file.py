"""The store as a file: where it is, who may read it, whether it is sound, and which process owns it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import platformdirs

from colorchanger_bot.errors import StoreError, StoreLocked

PRIVATE = 0o600
LOG_TRIES, LOG_WAIT_SECONDS = 50, 0.1
BESIDE = ("-wal", "-shm")
"""What SQLite keeps next to a database in WAL mode."""


MEMORY = ":memory:"
"""What SQLite calls a database without a file."""
_ADDRESS = re.compile(r"[a-z][\w+.-]*://.*", re.IGNORECASE | re.DOTALL)
_SQLITE = re.compile(r"sqlite(?:\+(?:aiosqlite|pysqlite))?://(.*)", re.IGNORECASE | re.DOTALL)


def default_url() -> str:
    """Return the URL of the SQLite file in the user's data directory."""
    path = str(_home() / "colorchanger.sqlite3").replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{path}"


def address_of(url: str) -> str:
    """Return the address of a store; an empty `url` means the usual place.

    Raises:
        StoreError: that is no address of a database.
    """
    address = url or default_url()
    if "\0" in unquote(address):
        raise StoreError("storage.url has a character in it that no file and no server may have in its name")
    if not _ADDRESS.fullmatch(address):
        raise StoreError("storage.url is no address of a database: leave it empty for a file of ours")
    if (ours := _SQLITE.fullmatch(address)) and not re.fullmatch(r"(/[^?]*)?", ours[1]):
        raise StoreError(
            "storage.url: write sqlite:///path, or sqlite:////path from the root, and no options behind it"
        )
    return address


def is_sqlite(address: str) -> bool:
    """Whether it is ours to open, rather than somebody's server."""
    return _SQLITE.fullmatch(address) is not None


def file_of(address: str) -> Path | None:
    """Return the SQLite file of an address; None for a database elsewhere."""
    ours = _SQLITE.fullmatch(address)
    name = unquote(ours[1][1:]) if ours else ""
    return None if name in ("", MEMORY) else Path(name).expanduser()


def exists(url: str = "") -> bool:
    """Say whether there may be a store at that URL, without making one."""
    path = file_of(address_of(url))
    return path is None or path.is_file()


def make_private(path: Path) -> None:
    """Make the file if it is missing, and let nobody but its owner read it and what is beside it.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent == _home():  # ours alone; any other directory is the user's business
            path.parent.chmod(0o700)
        # Never opened once it exists: closing any descriptor of a file drops the locks that SQLite has on it in this
        # process, and another process would then take away the write-ahead log that we still write to.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
        for file in (path, *(Path(f"{path}{end}") for end in BESIDE)):
            if file.exists() and not file.is_file():  # a folder, a device: not ours to lock others out of
                raise StoreError(f"{file}: is no file; name another one, or remove it")
            with contextlib.suppress(FileNotFoundError):
                file.chmod(PRIVATE)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error


def check(path: Path) -> None:
    """Look whether the file is a sound database, and let it keep a write-ahead log.

    Raises:
        StoreError: it is damaged; a copy of it is kept.
    """
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict == "ok":
                _keep_log(connection)
    except sqlite3.OperationalError:
        return  # busy, or not to be opened: whoever uses it next says so
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        verdict = str(verdict).splitlines()[-1]
        copy = _keep_damaged(path)
        raise StoreError(
            f"the store {path} is damaged ({verdict}), and is left as it is; a copy is kept as {copy}. "
            "Put a backup in its place, or move it away and run: colorchanger login"
        )


def _keep_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode: SQLite does not wait for others there, so that several that start at once must do so."""
    for _ in range(LOG_TRIES):
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
        time.sleep(LOG_WAIT_SECONDS)


def back_up(path: Path, name: str) -> Path:
    """Copy the database to a file beside it, whole even while others write; an older copy of that name stays.

    Raises:
        StoreError: it cannot be copied.
    """
    target = path.with_name(f"{path.name}.{name}")
    if target.exists() and target.stat().st_size:
        return target
    try:
        number, name = tempfile.mkstemp(prefix=f"{target.name}.", dir=path.parent)  # readable by its owner only
        os.close(number)
        partial = Path(name)
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(copy)
        if target.exists():  # another process was faster, and may have changed the original since
            partial.unlink()
        else:
            partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: the copy {target.name} cannot be made ({error}): make room for it") from None
    return target


@contextmanager
def locked(url: str = "") -> Generator[None]:
    """Own the store for the life of a running process.

    Raises:
        StoreLocked: another process runs on it.
        StoreError: the lock file cannot be made.
    """
    address = address_of(url)
    file = file_of(address)
    if file is not None:
        make_private(file)
        path = Path(f"{file}.lock")
    else:
        path = _home() / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.lock"
    make_private(path)
    # An empty database that is kept locked: SQLite's locks end with their process, on every system.
    with contextlib.ExitStack() as held:
        try:
            lock = sqlite3.connect(path, timeout=0, isolation_level=None)
            held.enter_context(contextlib.closing(lock)).execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StoreLocked("ColorChanger is running already on this store") from None
            raise StoreError(f"{path}: cannot be locked ({error}): let this user write it, or remove it") from None
        yield


def _home() -> Path:
    return Path(platformdirs.user_data_dir("colorchanger", appauthor=False))


def _keep_damaged(path: Path) -> Path:
    """Copy a damaged file with what is beside it, unless that was done before."""
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged-{number}")).exists():
        if copy.read_bytes() == path.read_bytes():
            return copy
        number += 1
    try:
        for end in ("", *BESIDE):
            source = Path(f"{path}{end}")
            if source.exists():
                target = Path(f"{copy}{end}")
                os.close(os.open(target, os.O_CREAT | os.O_RDWR, PRIVATE))
                shutil.copyfile(source, target)
    except OSError as error:
        raise StoreError(f"the store {path} is damaged, and cannot be copied: {error.strerror}") from None
    return copy
