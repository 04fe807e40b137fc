"""The documentation site: it builds, and a broken link does not get into it. Needs the extra `docs`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the extra docs is not installed")

ROOT = Path(__file__).parent.parent
LINKED = ("mkdocs.yml", "colorchanger_bot", "cogs", "examples", "docker-compose.yml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The repository, with pages that may be changed."""
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("docs", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def build(project: Path) -> tuple[bool, str]:
    """Build the site; return whether it was accepted, and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=project,
        env={**os.environ, "NO_COLOR": "1", "COLORCHANGER_REPOSITORY_URL": "https://example.org/colors"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode == 0, done.stderr + done.stdout


def test_the_site_has_the_reference_and_links_to_the_repository(project: Path) -> None:
    accepted, said = build(project)
    assert accepted, said
    api = (project / "site" / "api" / "index.html").read_text("utf-8")
    assert 'id="colorchanger_bot.wiring.attach"' in api
    embedding = (project / "site" / "embedding" / "index.html").read_text("utf-8")
    assert 'href="https://example.org/colors/tree/main/examples/"' in embedding


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[x](nothing.md)", "nothing.md"),
        ("[x](settings.md#nothing)", "does not contain an anchor"),
        ("[x](../nothing)", "there is no nothing"),
        ("[x](/settings.md)", "absolute link"),
        ("![x](pictures/nothing.png)", "nothing.png"),
        ("![x](https://example.org/x.png)", "loads from other sites"),
        ("<!-- api: colorchanger_bot.nothing -->", "colorchanger_bot.nothing"),
    ],
)
def test_a_broken_link_is_an_error(line: str, complaint: str, project: Path) -> None:
    with (project / "docs" / "colors.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{line}\n")
    accepted, said = build(project)
    assert not accepted
    assert complaint in said


def test_a_page_that_no_part_lists_is_an_error(project: Path) -> None:
    (project / "docs" / "lost.md").write_text("# Lost\n", "utf-8")
    accepted, said = build(project)
    assert not accepted
    assert "lost.md" in said
