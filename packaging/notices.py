"""Collects the licences of what is inside the executable; a part without one, or under the GPL, stops the build."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

TEXTS = Path(__file__).parent / "licences"
"""For parts that come without the text of their licence."""

LIBRARIES = {
    "api-ms-win": "microsoft",
    "libbz2": "bzip2",
    "libcrypto": "openssl",
    "libexpat": "expat",
    "libffi": "libffi",
    "libgcc_s": "gcc",
    "liblzma": "xz",
    "libmpdec": "libmpdec",
    "libsqlite3": "sqlite",
    "libssl": "openssl",
    "libstdc++": "gcc",
    "libuuid": "libuuid",
    "libz.": "zlib",
    "msvcp": "microsoft",
    "sqlite3": "sqlite",
    "ucrtbase": "microsoft",
    "vcruntime": "microsoft",
    "zlib1": "zlib",
}
"""Libraries that come with Python or from the system: how their files begin, and the name of their licence's text."""

BUILDS = ("pyinstaller",)
"""Its loader is inside every executable. Its licence is the GPL, with an exception for the programs that it packs."""


@dataclass(frozen=True)
class Part:
    """Something inside the executable."""

    name: str
    licence: str
    text: str


def collect(files: Iterable[Path], libraries: Iterable[Path]) -> str:
    """Return the licences of all that is bundled: modules and data `files`, and shared `libraries`.

    Raises:
        SystemExit: a part has no licence that we know, or one that we cannot meet.
    """
    owners = {Path(str(found.locate_file(file))): found for found in distributions() for file in found.files or ()}
    used = {owner.name: owner for file in (*files, *libraries) if (owner := owners.get(file))}
    used |= {found.name: found for found in distributions() if found.name in BUILDS}
    parts = [
        python(),
        *of_libraries(library for library in libraries if library not in owners),
        *(of_distribution(used[name]) for name in sorted(used, key=str.lower)),
    ]
    listed = "\n".join(f"  {part.name}: {part.licence}" for part in parts)
    texts = "".join(f"\n{'=' * 80}\n{part.name}\n{'=' * 80}\n\n{part.text.strip()}\n" for part in parts)
    return f"This executable contains:\n\n{listed}\n{texts}"


def python() -> Part:
    """Python itself, with what its source incorporates."""
    folders = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
    own = next(filter(Path.is_file, (folder / "LICENSE.txt" for folder in folders)), None)
    if own is None:
        sys.exit("this Python has no LICENSE.txt: build with one from python.org, pyenv or GitHub's setup-python")
    text = f"{_read(own)}\n\n{_read(TEXTS / 'python-incorporated.txt')}"
    return Part(f"Python {sys.version.split()[0]}", "PSF-2.0", text)


def of_libraries(libraries: Iterable[Path]) -> Iterator[Part]:
    """The licences of shared libraries of Python or the system."""
    needed = {"openssl"}  # cryptography always has it inside
    for library in libraries:
        name = library.name.lower()
        if name.startswith(("python", "libpython")):
            continue
        start = next((start for start in LIBRARIES if name.startswith(start)), None)
        if start is None:
            sys.exit(f"{library}: add its licence to packaging/licences, or exclude it")
        needed.add(LIBRARIES[start])
    for name in sorted(needed):
        text = _read(TEXTS / f"{name}.txt")
        yield Part(text.partition("\n")[0], "see below", text)


def of_distribution(found: Distribution) -> Part:
    """The licence of a distribution of PyPI."""
    named = [*(found.metadata.get_all("License-Expression") or ()), *(found.metadata.get_all("License") or ())]
    licence = next((str(text).partition("\n")[0] for text in named if text), "see below")
    if "GPL" in licence and found.name not in BUILDS:
        sys.exit(f"{found.name} is under {licence}: exclude it, or see that its terms are met")
    files = [Path(str(found.locate_file(file))) for file in found.files or () if _is_licence(str(file))]
    if not files and (TEXTS / f"{found.name}.txt").is_file():
        files = [TEXTS / f"{found.name}.txt"]
    if not files:
        sys.exit(f"{found.name} has no licence file: add its licence to packaging/licences")
    source = f"Source: https://pypi.org/project/{found.name}/{found.version}/"
    return Part(f"{found.name} {found.version}", licence, "\n\n".join([source, *map(_read, files)]))


def _is_licence(file: str) -> bool:
    name = file.partition(".dist-info/")[2]
    return name.startswith("licenses/") or name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
