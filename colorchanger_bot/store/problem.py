"""What a driver says of an error, without what it adds about rows."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError


def first_line(error: Exception) -> str:
    """Return what the driver said, without the lines that follow: PostgreSQL puts the whole row there, tokens too."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    original = getattr(error, "orig", None) or error
    if isinstance(original, SQLAlchemyError) or not str(original).strip():
        return type(original).__name__
    return str(original).strip().splitlines()[0]
