"""Fixtures for the tests of the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from colorchanger_bot.errors import ConfigError
from colorchanger_bot.settings.load import Settings, load

Loader = Callable[..., Settings]
Problems = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Loader:
    """Load settings from the text of a `config.toml` and from variables, and from nothing else."""

    def read(text: str | None = None, /, **environ: str) -> Settings:
        if text is not None:
            (tmp_path / "config.toml").write_text(text, "utf-8")
        return load(environ=environ, cwd=tmp_path, config_dir=tmp_path / "home")

    return read


@pytest.fixture
def problems(read: Loader) -> Problems:
    """Load invalid settings, and return the problems."""

    def problems(text: str | None = None, /, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text, **environ)
        return caught.value.problems

    return problems
