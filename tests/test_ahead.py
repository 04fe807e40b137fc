"""A package that is loaded ahead is loaded beside the rest, and its mistakes are told where it is imported for use."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from colorchanger_bot.ahead import WORTH_IT, load_ahead

SECONDS = 10
GATE = "import threading\nreached, opened = threading.Event(), threading.Event()\n"
WORK = f"from slow import gate\ngate.reached.set()\ndone = gate.opened.wait({SECONDS})\n"
WHO_READS_CERTIFICATES = """
import ssl, sys
def seen(context, read=ssl.SSLContext.set_default_verify_paths):
    frame = sys._getframe()
    while frame.f_code.co_name != "<module>":
        frame = frame.f_back
    print(frame.f_globals["__name__"])
    read(context)
ssl.SSLContext.set_default_verify_paths = seen
import aiohttp
"""
WHAT_IS_LOADED = """
import sys, colorchanger_bot.ahead, colorchanger_bot.__main__
colorchanger_bot.ahead.load_ahead = lambda package, *, until: print(package, "until", until)
sys.argv = sys.argv[1:]
colorchanger_bot.__main__.main()
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A package whose module `slow.work` ends loading when `slow.gate.opened` is set."""
    monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType]
    package = tmp_path / "slow"
    package.mkdir()
    for name, text in {"gate": GATE, "work": WORK, "__init__": "from slow import gate, work\n"}.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "slow"]:
        del sys.modules[name]


@pytest.mark.usefixtures("slow")
def test_the_program_goes_on_while_the_module_that_takes_long_is_loaded() -> None:
    loader = load_ahead("slow", until="slow.work")
    gate = sys.modules["slow.gate"]
    assert gate.reached.wait(SECONDS)
    assert loader.is_alive()
    gate.opened.set()
    assert importlib.import_module("slow").work.done
    loader.join(SECONDS)
    assert not loader.is_alive()


def test_without_such_a_module_it_is_loaded_to_its_end(slow: Path) -> None:
    (slow / "__init__.py").write_text("complete = True\n", encoding="utf-8")
    loader = load_ahead("slow", until="slow.work")
    assert not loader.is_alive()
    assert sys.modules["slow"].complete


def test_what_cannot_be_loaded_is_told_where_it_is_imported_for_use(
    slow: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (slow / "__init__.py").write_text("raise OSError('no certificates')\n", encoding="utf-8")
    load_ahead("slow", until="slow.work").join(SECONDS)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="no certificates"):
        importlib.import_module("slow")


def test_the_module_of_aiohttp_that_takes_long_is_its_connector() -> None:
    found = subprocess.run([sys.executable, "-c", WHO_READS_CERTIFICATES], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) == {WORTH_IT}


@pytest.mark.parametrize(
    ("command", "loaded"),
    [("run --config nowhere", f"aiohttp until {WORTH_IT}\n"), ("run --help", ""), ("preview --config nowhere", "")],
)
def test_only_a_run_loads_it_ahead(command: str, loaded: str) -> None:
    call = ["colorchanger", *command.split()]
    found = subprocess.run([sys.executable, "-c", WHAT_IS_LOADED, *call], capture_output=True, text=True, check=False)
    assert found.stdout.partition("usage")[0] == loaded
