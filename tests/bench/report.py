"""What the bench reports: a row for each figure, with every contestant's median and our ratios with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.bench.contestants import BEFORE, EACH, FLOOR, OURS, PLAIN

AGAINST = (PLAIN, FLOOR, BEFORE)
DIGITS = 4
"""Of each value in the JSON; the machines are noisier than that."""


@dataclass(frozen=True)
class Limit:
    """The most that a figure of ours may be: so many times another contestant's, or so much."""

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

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Return the row that `as_json` made this of."""
        return cls(data["what"], data["unit"], [Limit(**each) for each in data["limits"]], dict(data["values"]))

    def as_json(self) -> dict[str, Any]:
        """Return what was measured."""
        values = {name: [float(f"{each:.{DIGITS}g}") for each in found] for name, found in self.values.items()}
        return asdict(self) | {"values": values}

    def add(self, name: str, value: float) -> None:
        """Add the value of a round."""
        self.values.setdefault(name, []).append(value)

    def ratios(self, other: str) -> list[float]:
        """Ours divided by another's, round by round: a busy machine slows both in the same round."""
        pairs = zip(self.values.get(OURS, ()), self.values.get(other, ()), strict=False)
        return [ours / theirs for ours, theirs in pairs if theirs]

    def verdict(self, limit: Limit) -> bool | None:
        """Whether ours is within a limit, by the median; None if that was not measured."""
        found = self.ratios(limit.of) if limit.of else self.values.get(OURS, [])
        return statistics.median(found) <= limit.most if found else None


def as_text(rows: Iterable[Row], names: Sequence[str]) -> str:
    """Return the table for a terminal."""
    against = [name for name in AGAINST if name in names]
    lines = [_line("", ["unit", *names, *(f"ours / {name}" for name in against), "limit"])]
    lines += [_line(row.what, [row.unit, *_cells(row, names, against)]) for row in rows]
    return "\n".join(lines)


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the table for a page; contestants that were not measured have no column."""
    names = [name for name in (PLAIN, FLOOR, BEFORE, EACH, OURS) if any(name in row.values for row in rows)]
    against = [name for name in AGAINST if any(row.ratios(name) for row in rows)]
    head = ["", "unit", *names, *(f"ours / {name}" for name in against), "limit"]
    lines = [_cols(head), _cols(["---"] * len(head))]
    lines += [_cols([row.what, row.unit, *_cells(row, names, against)]) for row in rows]
    return "\n".join(lines)


def _cells(row: Row, names: Sequence[str], against: Sequence[str]) -> list[str]:
    cells = [_spread(row.values.get(name, [])) for name in names]
    cells += [_spread(row.ratios(name)) for name in against]
    return [*cells, "; ".join(f"{limit}{_MARKS[row.verdict(limit)]}" for limit in row.limits)]


_MARKS = {True: "", False: ": EXCEEDED", None: ": not measured"}


def _spread(values: Sequence[float]) -> str:
    """The median, with minimum and maximum in brackets."""
    if not values:
        return "-"
    middle = statistics.median(values)
    return (
        _number(middle) if len(values) == 1 else f"{_number(middle)} ({_number(min(values))} to {_number(max(values))})"
    )


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _line(what: str, cells: Sequence[str]) -> str:
    return f"{what:<44}" + "".join(f"{cell:<24}" for cell in cells).rstrip()


def _cols(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
