"""The figures of the docs: measured once, kept in `docs/figures.json`, and written from there into the pages.

A page says where: everything between `<!-- figures: NAME -->` and `<!-- end of figures -->` is written by
`python -m tests.bench --docs`, and a test fails if a page shows anything else.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.report import Row, as_markdown

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "figures.json"
MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
PACKAGES = ("twitchio", "aiohttp", "pydantic", "sqlalchemy")


def read() -> dict[str, Any]:
    """Return all figures by the name of the measurement."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def keep(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the figures of one measurement."""
    figures = read() | {name: {"measured": conditions(), "rows": list(rows)}}
    FILE.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n", "utf-8")


def conditions() -> dict[str, Any]:
    """Return the date, the versions and the machine, without its name."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def rendered(page: str, figures: Mapping[str, Any]) -> str:
    """Return the page with the figures in their places.

    Raises:
        KeyError: the page asks for figures that were not measured.
    """

    def write(place: re.Match[str]) -> str:
        return f"{place[1]}{_section(place[2], figures[place[2]])}\n{place[3]}"

    return MARKED.sub(write, page)


def write_pages() -> None:
    """Write the figures into every page that shows some."""
    figures = read()
    for path in DOCS.glob("*.md"):
        page = path.read_text("utf-8")
        if (new := rendered(page, figures)) != page:
            path.write_text(new, "utf-8")


def _section(name: str, found: Mapping[str, Any]) -> str:
    measured = found["measured"]
    versions = ", ".join(f"{package} {measured[package]}" for package in ("twitchio", "aiohttp"))
    cores = f"{measured['cores']} shared cores"
    table = _TABLES.get(name, _costs)(found["rows"])
    return f"{table}\n\n{measured['date']}, Python {measured['python']}, {versions}, {measured['system']}, {cores}."


def _costs(rows: Sequence[Mapping[str, Any]]) -> str:
    return as_markdown([Row.of(row) for row in rows])


def faults_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the outcomes of the fault scenarios as a table."""
    lines = ["| fault | promise | ColorChanger | plain TwitchIO |", "| --- | --- | --- | --- |"]
    for row in rows:
        timed = any("seconds" in row[bot] for bot in ("ours", "plain"))
        promise = f"{row['promise']:g} s" if timed else ""
        lines.append(f"| {row['fault']} | {promise} | {_outcome(row['ours'])} | {_outcome(row['plain'])} |")
    return "\n".join(lines)


def _outcome(found: Mapping[str, Any]) -> str:
    if "broken" in found:
        return f"**{found['broken']}**"
    return f"{found['seconds']:.1f} s" if "seconds" in found else "kept"


def handovers_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many messages were missed when a reader failed, as a table."""
    lines = ["| fault | 1 account | 2 accounts | 30 accounts |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row['fault']} | " + " | ".join(_missed(row.get(each)) for each in ("1", "2", "30")) + " |" for row in rows
    ]
    return "\n".join(lines)


def _missed(found: Mapping[str, int] | None) -> str:
    return f"{found['missed']} of {found['said']}" if found else ""


_TABLES: dict[str, Callable[[Sequence[Mapping[str, Any]]], str]] = {
    "reliability": faults_table,
    "handovers": handovers_table,
}
