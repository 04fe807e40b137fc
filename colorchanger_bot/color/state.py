"""What a strategy remembers over a restart: small, and of JSON values only."""

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
State: TypeAlias = dict[str, Json]
