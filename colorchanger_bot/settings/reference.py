"""The JSON Schema of the settings file, and the tables of docs/settings.md, both generated from the models.

Run this after you change a key, its default or its description:

    python -m colorchanger_bot.settings.reference
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from colorchanger_bot.redaction import Secret
from colorchanger_bot.settings.keys import entries
from colorchanger_bot.settings.raw import ENVIRONMENT_ONLY
from colorchanger_bot.settings.settings import Settings

EXAMPLE = Path(__file__).with_name("config.toml.example")
DOCS = Path(__file__).parents[2] / "docs"
BEGIN = "<!-- Generated from the code from here on: python -m colorchanger_bot.settings.reference -->"
END = "<!-- End of the generated part -->"


def example() -> str:
    """Return the text of `config.toml.example`: every key of the file, explained, with its default."""
    return EXAMPLE.read_text("utf-8")


class _Schema(GenerateJsonSchema):
    """Without titles, which repeat the names, and without the defaults of whole tables."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        made = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if isinstance(default, BaseModel) or default is None:
            return made
        return {**made, "default": "" if isinstance(default, Secret) else self.encode_default(default)}


def schema() -> str:
    """Return the JSON Schema of the settings file: editors complete and check `config.toml` with it."""
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(schema_generator=_Schema),
        "title": "config.toml of ColorChanger",
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def tables() -> str:
    """Return the reference of all keys in Markdown, a table for each section."""
    return "\n".join(_tables())


def _tables() -> Iterator[str]:
    for name, entry in entries(Settings).items():
        if entry.section is None:
            continue
        heading = f"[[{name}]]" if entry.is_many else f"[{name}]"
        yield f"## `{heading}`: {_about(entry.section)}\n"
        yield "| Key | Default | What it does |\n| --- | --- | --- |"
        yield from _rows(entry.section)
        yield f"\n{REMARKS[name]}\n" if name in REMARKS else ""


REMARKS = {
    "accounts": (
        "Accounts that you logged in with `colorchanger login` don't have to be listed: each is managed in its own "
        "channel.\nPut `[accounts.color]` straight after an account to override `[color]` for it. Tokens are not read "
        "from the file."
    ),
    "web": "See [operating](operating.md) for what it shows and how it is protected.",
}


def _rows(section: type[BaseModel]) -> Iterator[str]:
    defaults = section.model_construct().model_dump(mode="json")
    for name, entry in entries(section).items():
        if entry.section is None and not (section.__name__ == "Account" and name in ENVIRONMENT_ONLY):
            default = defaults[name]
            shown = "none" if default is None or name == "login" else f"`{json.dumps(default)}`"
            yield f"| `{name}` | {shown} | {entry.field.description} |"


def _about(section: type[BaseModel]) -> str:
    about = (section.__doc__ or "").partition(".")[0].partition(";")[0]
    return about[:1].lower() + about[1:]


def write(docs: Path = DOCS) -> None:
    """Rewrite the schema and the tables of the documentation."""
    docs.joinpath("config.schema.json").write_text(schema(), "utf-8", newline="\n")
    page = docs / "settings.md"
    made = f"{BEGIN}\n\n{tables()}\n{END}"
    text = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: made, page.read_text("utf-8"), flags=re.DOTALL)
    page.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    write()
