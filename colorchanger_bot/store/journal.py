"""Whether what SQLite left beside a file is sound: it takes a damaged journal for an empty one, and says nothing.

The formats are SQLite's: https://sqlite.org/fileformat2.html, sections 3 and 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

WAL_MAGIC = (0x377F0682, 0x377F0683)
"""The last bit says in which byte order the checksums were made."""
WAL_HEADER, FRAME_HEADER = 32, 24
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
JOURNAL_HEADER = 28
UNKNOWN_COUNT = 0xFFFFFFFF


def damage(database: Path) -> str:
    """Return what is wrong with the journal or write-ahead log of a database; empty if nothing is."""
    for end, verdict in (("-wal", _wal_damage), ("-journal", _journal_damage)):
        try:
            data = Path(f"{database}{end}").read_bytes()
        except OSError:
            continue
        if data and (problem := verdict(data)):
            return f"{database.name}{end} {problem}"
    return ""


def _wal_damage(data: bytes) -> str:
    if len(data) < WAL_HEADER:
        return "is cut off"
    magic, _, page, _, salt_1, salt_2, *sums = struct.unpack(">8I", data[:WAL_HEADER])
    if magic not in WAL_MAGIC or _checksum(data[:FRAME_HEADER], magic, (0, 0)) != tuple(sums):
        return "has a broken header"
    running: tuple[int, int] | None = (sums[0], sums[1])
    lost = 0
    for frame in _frames(data, FRAME_HEADER + page):
        _, commits, *salts = struct.unpack(">4I", frame[:16])
        if salts != [salt_1, salt_2]:  # left from an earlier round, unless a later frame belongs to this one
            running = None
            continue
        if running is not None:
            running = _checksum(frame[FRAME_HEADER:], magic, _checksum(frame[:8], magic, running))
            running = running if running == struct.unpack(">2I", frame[16:FRAME_HEADER]) else None
        lost += running is None and commits != 0
    # One commit after a broken frame may be the last one, cut off by a power failure before it was confirmed.
    return "has a broken page" if lost > 1 else ""


def _frames(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(WAL_HEADER, len(data) - size + 1, size):
        yield data[start : start + size]


def _checksum(data: bytes, magic: int, start: tuple[int, int]) -> tuple[int, int]:
    one, two = start
    for first, second in struct.iter_unpack(">2I" if magic & 1 else "<2I", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _journal_damage(data: bytes) -> str:
    head = data[: len(JOURNAL_MAGIC)]
    if not any(head):  # not begun, or finished: SQLite overwrites the beginning with zeros
        return ""
    if head != JOURNAL_MAGIC or len(data) < JOURNAL_HEADER:
        return "has a broken header"
    count, nonce, _, sector, page = struct.unpack(">5I", data[len(JOURNAL_MAGIC) : JOURNAL_HEADER])
    if count == UNKNOWN_COUNT:
        return ""
    # The database is not changed before this many pages are safe in the journal.
    for start in range(sector, sector + count * (page + 8), page + 8):
        record = data[start : start + page + 8]
        if len(record) < page + 8:
            return "is cut off"
        content = record[4:-4]
        expected = nonce + sum(content[at] for at in range(page - 200, 0, -200))
        if struct.unpack(">I", record[-4:])[0] != expected & 0xFFFFFFFF:
            return "has a broken page"
    return ""
