"""What the bench says: a row a figure, every contestant's median, and our ratios with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.contestants import FLOOR, OURS, PLAIN

AGAINST = (PLAIN.name, FLOOR.name)


@dataclass(frozen=True)
class Limit:
    """What a figure of ours shall not exceed: so many times another contestant's, or so much."""

    most: float
    of: str = ""

    def __str__(self) -> str:
        return f"{self.most:g} x {self.of}" if self.of else f"{self.most:g}"


@dataclass
class Row:
    """One figure: for each contestant one value a round, in the order of the rounds."""

    what: str
    unit: str
    limits: Sequence[Limit] = ()
    values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, name: str, value: float) -> None:
        """Take down what a round gave."""
        self.values.setdefault(name, []).append(value)

    def ratios(self, other: str) -> list[float]:
        """Ours divided by another's, round by round: what troubled the machine in a round troubled both."""
        pairs = zip(self.values.get(OURS.name, ()), self.values.get(other, ()), strict=False)
        return [ours / theirs for ours, theirs in pairs if theirs]

    def verdict(self, limit: Limit) -> bool | None:
        """Whether ours keeps within a limit, by the median; None if nobody knows."""
        found = self.ratios(limit.of) if limit.of else self.values.get(OURS.name, [])
        return statistics.median(found) <= limit.most if found else None


def as_text(rows: Iterable[Row], names: Sequence[str]) -> str:
    """Return the table for people."""
    lines = [_line("", ["unit", *names, *(f"ours / {name}" for name in AGAINST), "limit"])]
    for row in rows:
        cells = [row.unit]
        cells += [_spread(row.values.get(name, [])) for name in names]
        cells += [_spread(row.ratios(name)) for name in AGAINST]
        cells.append("; ".join(f"{limit} {_MARKS[row.verdict(limit)]}" for limit in row.limits))
        lines.append(_line(row.what, cells))
    return "\n".join(lines)


def as_json(rows: Iterable[Row], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "machine": dict(machine),
        "rows": [
            asdict(row)
            | {
                "ratios": {name: row.ratios(name) for name in AGAINST},
                "kept": {str(limit): row.verdict(limit) for limit in row.limits},
            }
            for row in rows
        ],
    }


_MARKS = {True: "kept", False: "EXCEEDED", None: "?"}


def _spread(values: Sequence[float]) -> str:
    """The median, and in brackets the least and the most."""
    if not values:
        return "-"
    middle = statistics.median(values)
    return f"{middle:.3g}" if len(values) == 1 else f"{middle:.3g} ({min(values):.3g} to {max(values):.3g})"


def _line(what: str, cells: Sequence[str]) -> str:
    return f"{what:<44}" + "".join(f"{cell:<24}" for cell in cells).rstrip()
