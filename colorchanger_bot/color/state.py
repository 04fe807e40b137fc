"""What a strategy remembers after a restart: a few JSON values."""

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
State: TypeAlias = dict[str, Json]
