"""The example, docs/settings.md and the schema have the keys and defaults of the code."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from colorchanger_bot.color import STRATEGIES
from colorchanger_bot.settings import reference
from colorchanger_bot.settings.environment import CONF_FILE, CONFIG, NUMBERED, SECRETS_DIR, SHORT
from colorchanger_bot.settings.keys import leaf_keys
from colorchanger_bot.settings.load import Settings, load
from colorchanger_bot.settings.raw import ENVIRONMENT_ONLY
from colorchanger_bot.settings.reference import example, schema, write
from colorchanger_bot.settings.show import masked

ROOT = Path(__file__).parents[2]
KEYS = {".".join(map(str, key)) for key, _ in leaf_keys(Settings)} - {f"accounts.{key}" for key in ENVIRONMENT_ONLY}
OF_COLOR = {key for key in KEYS if key.startswith("accounts.color.")}


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return flat


def _uncommented() -> dict[str, Any]:
    """Return the example with every setting uncommented."""
    tree = tomllib.loads(re.sub(r"^#(?=[\w[])", "", example(), flags=re.MULTILINE))
    (tree["accounts"],) = tree["accounts"]
    return _flat(tree)


def _documented() -> dict[str, str]:
    """Return the keys in the tables of docs/settings.md, with their defaults."""
    documented: dict[str, str] = {}
    section = ""
    for line in (ROOT / "docs/settings.md").read_text("utf-8").splitlines():
        if heading := re.match(r"## (.*)", line):
            found = re.match(r"`\[+(\w+)\]+`", heading[1])
            section = found[1] if found else ""
        elif section and (row := re.match(r"\| `(\w+)` \| (.+?) \|", line)):
            documented[f"{section}.{row[1]}"] = row[2]
    return documented


@pytest.mark.skipif(sys.platform == "win32", reason="git may write a link as a file with the way to it there")
def test_the_example_of_the_repository_is_the_one_of_the_package() -> None:
    assert (ROOT / "config.toml.example").read_text("utf-8") == example()


def test_the_example_tells_editors_where_its_schema_is() -> None:
    assert example().splitlines()[0] == "#:schema config.schema.json"


def test_the_documentation_and_the_schema_match_the_models(tmp_path: Path) -> None:
    for name in ("settings.md", "config.schema.json"):
        (tmp_path / name).write_text((ROOT / "docs" / name).read_text("utf-8"), "utf-8")
    write(tmp_path)
    for name in ("settings.md", "config.schema.json"):
        made = (tmp_path / name).read_text("utf-8")
        assert made == (ROOT / "docs" / name).read_text("utf-8"), f"run: {sys.executable} -m {reference.__name__}"


def test_the_schema_has_every_key_of_the_file_and_no_other() -> None:
    made = json.loads(schema())
    keys: set[str] = set()
    for section, declared in made["properties"].items():
        table = declared.get("items", declared)["$ref"].removeprefix("#/$defs/")
        for key, each in made["$defs"][table]["properties"].items():
            inner = made["$defs"][each["$ref"].removeprefix("#/$defs/")]["properties"] if "$ref" in each else {}
            keys |= {f"{section}.{key}.{name}" for name in inner} or {f"{section}.{key}"}
        assert made["$defs"][table]["additionalProperties"] is False
    assert keys == KEYS


def test_the_schema_states_ranges_choices_and_defaults() -> None:
    tables = json.loads(schema())["$defs"]
    color, web = (tables[name]["properties"] for name in ("ColorSettings", "WebSettings"))
    assert color["cooldown"]["maximum"] == 3600
    assert color["theme"]["enum"] == ["both", "dark", "light", "any"]
    assert color["strategy"]["enum"] == [*STRATEGIES]
    assert (web["port"]["default"], web["port"]["maximum"]) == (4344, 65535)
    assert web["password"]["default"] == ""
    assert all(each.get("description") for table in tables.values() for each in table["properties"].values())


def test_the_example_is_exactly_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(example(), "utf-8")
    settings = load(environ={}, cwd=tmp_path)
    assert settings == Settings()
    tree = tomllib.loads(example())
    for key, value in _flat(tree).items():
        section, name = key.split(".")
        assert masked(Settings())[section][name] == value


def test_the_example_has_exactly_the_keys_that_exist() -> None:
    ours = _uncommented().keys()
    assert ours - OF_COLOR == KEYS - OF_COLOR
    assert ours & OF_COLOR


def test_the_example_is_valid_with_every_setting_uncommented(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[\w[])", "", example(), flags=re.MULTILINE).replace("yourname", "somebody")
    (tmp_path / "config.toml").write_text(text, "utf-8")
    settings = load(environ={}, cwd=tmp_path)
    assert settings.accounts[0].channels == ("somebody", "afriend")
    assert settings.color_for("somebody").strategy == "rainbow"


def test_the_documentation_has_exactly_the_keys_that_exist() -> None:
    assert set(_documented()) == KEYS - OF_COLOR


def test_the_documentation_has_exactly_the_other_variables_that_exist() -> None:
    _, _, part = (ROOT / "docs/settings.md").read_text("utf-8").partition("## Environment variables")
    expected = {CONFIG, CONF_FILE, SECRETS_DIR, *SHORT, *(f"{name}_N" for name in NUMBERED)}
    assert set(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)) == expected


def test_the_examples_in_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    environ = dict(re.findall(r"`(COLORCHANGER_\w+)=([^`]+)`", text))
    assert len(environ) > 2
    load(environ=environ, cwd=tmp_path, config_dir=tmp_path)
