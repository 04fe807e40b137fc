"""The store as a file: where it is, who can read it, whether it is damaged, and copies of it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import platformdirs

from colorchanger_bot.errors import NoStorePlace, StoreError
from colorchanger_bot.store import journal

PRIVATE = 0o600
BESIDE = ("-journal", "-wal", "-shm")
"""The files SQLite keeps beside a database: `-journal` during a write, the others in the mode of version 0.1."""
MEMORY = ":memory:"
"""SQLite's name for a database in memory."""
LOG_TRIES, LOG_WAIT_SECONDS = 50, 0.1
_ADDRESS = re.compile(r"[a-z][\w+.-]*://.*", re.IGNORECASE | re.DOTALL)
_SQLITE = re.compile(r"sqlite(?:\+(?:aiosqlite|pysqlite))?://(.*)", re.IGNORECASE | re.DOTALL)
_POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://.*", re.IGNORECASE | re.DOTALL)


def default_url() -> str:
    """Return the URL of the SQLite file in the user's data directory.

    Raises:
        NoStorePlace: there is no such directory.
    """
    home = _home()
    if home is None:
        raise NoStorePlace("this user has no home directory to keep the store in: set HOME, or storage.url")
    return url_of(home / "colorchanger.sqlite3")


def url_of(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}"


def address_of(url: str) -> str:
    """Return the address of a store; an empty `url` is the SQLite file in the user's data directory.

    Raises:
        StoreError: this is not the address of an SQLite file or a PostgreSQL database.
    """
    address = url or default_url()
    if "\0" in unquote(address):
        raise StoreError("storage.url contains a null character")
    if not _ADDRESS.fullmatch(address):
        raise StoreError("storage.url is not the address of a database; leave it empty for a file in your user's data")
    if (ours := _SQLITE.fullmatch(address)) and not re.fullmatch(r"(/[^?]*)?", ours[1]):
        raise StoreError("storage.url: write sqlite:///path, or sqlite:////path from the root, without options")
    if not ours and not _POSTGRESQL.fullmatch(address):
        raise StoreError(
            f"storage.url: {address.partition(':')[0]} is not supported; "
            "write sqlite:///path or postgresql://user:password@host/database"
        )
    return address


def file_of(address: str) -> Path | None:
    """Return the SQLite file of an address; None for a database elsewhere."""
    ours = _SQLITE.fullmatch(address)
    name = unquote(ours[1][1:]) if ours else ""
    if name in ("", MEMORY):
        return None
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise StoreError(f"storage.url: {name}: that home directory is not known; write the whole path") from None


def is_server(address: str) -> bool:
    """Say whether the database is on a server."""
    return _SQLITE.fullmatch(address) is None


def exists(url: str = "") -> bool:
    """Say whether there may be a store at that URL, without creating one."""
    path = file_of(address_of(url))
    return path is None or path.is_file()


# Making, opening and copying


def make(path: Path, fill: Callable[[Path], None]) -> None:
    """Create the file of a new store, complete or not at all: `fill` writes one beside it, which is then renamed.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent == _home():  # our own directory; the mode of any other one is up to the user
            path.parent.chmod(0o700)
        real = path.resolve()
        if not real.exists():
            with _temporary(real) as partial:
                fill(partial)
                _settle(partial, real)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}") from None


def tighten(path: Path) -> None:
    """Let only the owner read the file and those beside it.

    Raises:
        StoreError: it is not a file.
    """
    for file in (path, *(Path(f"{path}{end}") for end in BESIDE)):
        try:
            mode = file.stat().st_mode
            if not stat.S_ISREG(mode):  # a folder or a device, whose mode must not change
                raise StoreError(f"{file}: is not a file; name another one, or remove it")
            if os.name == "posix" and stat.S_IMODE(mode) & ~PRIVATE:
                file.chmod(stat.S_IMODE(mode) & PRIVATE)
        except FileNotFoundError:
            continue
        except PermissionError:
            continue  # somebody else's file: its mode is up to them
        except OSError as error:
            raise StoreError(f"{file}: cannot be opened: {error.strerror}") from None


def check(path: Path) -> None:
    """Check that the file is an undamaged database.

    Raises:
        StoreError: it is damaged; a copy of it is kept.
    """
    try:
        problem = "it is empty, 0 bytes" if path.stat().st_size == 0 else journal.damage(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from None
    if not problem:
        try:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if problem == "ok":
                    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                    problem = "" if tables else "it has no tables: its journal is missing"
                if not problem:
                    _leave_write_ahead_log(connection)
        except sqlite3.OperationalError:
            return  # busy, or it cannot be opened: the next call says so
        except sqlite3.DatabaseError as error:
            problem = str(error)
    if problem:
        problem = str(problem).splitlines()[-1]
        copy = _keep_damaged(path)
        raise StoreError(
            f"the store {path} is damaged ({problem}). It is left as it is, with a copy in {copy}. "
            "Put a backup in its place, or move it away and run: colorchanger login"
        )


def _leave_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Turn a file of version 0.1 into one that is complete without a log beside it.

    SQLite does not wait for others here, so several processes that start at once have to. While an older version runs
    on the file, that fails, and so does whatever would come next.
    """
    for _ in range(LOG_TRIES):
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = DELETE")
            return
        time.sleep(LOG_WAIT_SECONDS)


def back_up(path: Path, name: str, finish: Callable[[Path], None]) -> Path:
    """Copy the database to a file beside it, consistent even during writes; keep an older copy of that name.

    Raises:
        StoreError: it cannot be copied.
    """
    target = path.with_name(f"{path.name}.{name}")
    if target.exists() and target.stat().st_size:
        return target
    try:
        with _temporary(target) as partial:
            with (
                contextlib.closing(sqlite3.connect(path)) as source,
                contextlib.closing(sqlite3.connect(partial)) as copy,
            ):
                source.backup(copy)
            finish(partial)
            _settle(partial, target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be copied to {target.name} ({error}); make room for it") from None
    return target


@contextmanager
def _temporary(target: Path) -> Generator[Path]:
    """Create an empty file beside another one, for its owner only, and remove it afterwards."""
    number, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
    os.close(number)
    try:
        yield Path(name)
    finally:
        for end in ("", *BESIDE):
            Path(f"{name}{end}").unlink(missing_ok=True)


def _settle(partial: Path, target: Path) -> None:
    """Give a file its name, unless another process has just created one of that name."""
    try:
        os.link(partial, target)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not target.exists():
            partial.rename(target)


def _keep_damaged(path: Path) -> Path:
    """Copy a damaged file and those beside it, unless there is such a copy already."""
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


def _home() -> Path | None:
    """The user's data directory; None without a home: no HOME, and a user id without a name, as in some containers."""
    try:
        return Path(platformdirs.user_data_dir("colorchanger", appauthor=False))
    except RuntimeError:
        return None
