"""Calling the system's own programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from colorchanger_bot.autostart.tools import environment, run
from colorchanger_bot.errors import AutostartFailed


def test_a_program_answers_with_its_code_its_output_and_its_complaint() -> None:
    result = run(
        [sys.executable, "-c", "import sys; print('out'); print('no way\\nat all', file=sys.stderr); sys.exit(3)"]
    )
    assert (result.code, result.output.strip(), result.complaint) == (3, b"out", "no way")


def test_a_program_that_does_not_end_is_given_up() -> None:
    with pytest.raises(AutostartFailed, match=r"did not answer within 0\.2 seconds"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.2)


def test_a_program_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    assert run([str(tmp_path / "nothing")]).code == 127


@pytest.mark.skipif(sys.platform != "linux", reason="only systemd needs it")
def test_systemctl_finds_the_session_where_a_variable_is_missing(tmp_path: Path) -> None:
    (runtime := tmp_path / str(os.getuid())).mkdir()
    assert environment({"PATH": "/bin"}, tmp_path) == {"PATH": "/bin", "XDG_RUNTIME_DIR": str(runtime)}
    named = {"XDG_RUNTIME_DIR": "/run/user/1"}
    assert environment(named, tmp_path) == named
    assert environment({}, tmp_path / "nothing") == {}
