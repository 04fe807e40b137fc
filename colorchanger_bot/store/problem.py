"""What can be wrong with the database, in a line: a driver's message without the rows it adds, or ours."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError


class Unusable(Exception):
    """Raised in a transaction when the database is not one that can be worked on now."""


def first_line(error: Exception) -> str:
    """Return the first line of the driver's message: in later ones PostgreSQL puts the whole row, with tokens."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    original = getattr(error, "orig", None) or error
    if isinstance(original, SQLAlchemyError) or not str(original).strip():
        return type(original).__name__
    return str(original).strip().splitlines()[0]
