"""The scripts that build the executable: its start, licences and version. And what the container image is made of."""

from __future__ import annotations

import ast
import importlib.util
import re
import ssl
import sys
from importlib.metadata import distribution, requires
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build, entry, notices = script("build"), script("entry"), script("notices")


# What it starts with


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/unpacked", "HOME": "/root"}, {"HOME": "/root"}),
        ({"LD_LIBRARY_PATH": "/unpacked", "LD_LIBRARY_PATH_ORIG": "/opt"}, {"LD_LIBRARY_PATH": "/opt"}),
        ({"DYLD_LIBRARY_PATH": "/unpacked"}, {}),
        ({}, {}),
    ],
)
def test_programs_that_it_starts_do_not_get_its_libraries(before: dict[str, str], after: dict[str, str]) -> None:
    entry.restore_library_path(before)
    assert before == after


def paths(*, file: Path | None = None, folder: Path | None = None) -> ssl.DefaultVerifyPaths:
    """What OpenSSL finds where it was built to look."""
    found = {"cafile": str(file) if file else None, "capath": str(folder) if folder else None}
    return ssl.get_default_verify_paths()._replace(**found)


@pytest.fixture
def authorities(tmp_path: Path) -> Path:
    (file := tmp_path / "ca-bundle.crt").touch()
    return file


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps its certificates elsewhere")
def test_certificates_are_named_where_openssl_finds_none(authorities: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    environment: dict[str, str] = {}
    candidates = [str(tmp_path / "absent.crt"), str(authorities)]
    entry.find_certificates(environment, paths(folder=tmp_path / "empty"), candidates)
    assert environment == {"SSL_CERT_FILE": str(authorities)}


def test_certificates_that_openssl_finds_are_left_to_it(authorities: Path, tmp_path: Path) -> None:
    (tmp_path / "5ed36f99.0").touch()
    for found in (paths(file=authorities), paths(folder=tmp_path)):
        environment: dict[str, str] = {}
        entry.find_certificates(environment, found, [str(authorities)])
        assert environment == {}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_the_user_names_stay(name: str, authorities: Path) -> None:
    environment = {name: "/of/my/company"}
    entry.find_certificates(environment, paths(), [str(authorities)])
    assert environment == {name: "/of/my/company"}


# Licences


def dependencies() -> set[str]:
    """What `pip install colorchanger-bot` installs."""
    found: set[str] = set()
    missing = {"colorchanger-bot"}
    while missing:
        found |= missing
        wanted = {Requirement(each) for name in missing for each in requires(name) or ()}
        missing = {each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})} - found
    return found - {"colorchanger-bot"}


@pytest.mark.parametrize("name", sorted(dependencies()))
def test_every_dependency_has_a_licence_that_can_be_met(name: str) -> None:
    part = notices.of_distribution(distribution(name))
    assert part.name.startswith(distribution(name).name)
    assert len(part.text) > 400


def test_what_is_under_the_lgpl_stops_the_build() -> None:
    files = [Path(str(file.locate())) for file in distribution("psycopg").files or () if file.suffix == ".py"]
    with pytest.raises(SystemExit, match=r"psycopg is under .*LGPL"):
        notices.collect(files, [])


@pytest.mark.parametrize("library", ["libreadline.so.8", "libgdbm.so.6", "libpq.so.5"])
def test_a_library_without_a_known_licence_stops_the_build(library: str) -> None:
    with pytest.raises(SystemExit, match="add its licence"):
        notices.collect([], [Path("/usr/lib", library)])


@pytest.mark.parametrize(
    ("library", "named"),
    [
        ("libz.so.1", "zlib"),
        ("libstdc++.so.6", "libgcc and libstdc++"),
        ("libffi-8.dll", "libffi"),
        ("VCRUNTIME140_1.dll", "Microsoft"),
        ("libssl.3.dylib", "OpenSSL"),
    ],
)
def test_the_libraries_of_each_system_are_named_with_their_licence(library: str, named: str) -> None:
    assert f"\n  {named}" in notices.collect([], [Path("/usr/lib", library)])


def test_each_licence_text_is_used() -> None:
    texts = {path.stem for path in notices.TEXTS.glob("*.txt")} - {"python-incorporated", "loguru"}
    assert texts == set(notices.LIBRARIES.values())


# The version resource


@pytest.mark.parametrize(
    ("version", "numbers"), [("0.1.0", (0, 1, 0, 0)), ("1.2", (1, 2, 0, 0)), ("1.0.0rc2", (1, 0, 0, 2))]
)
def test_the_version_resource_of_windows(version: str, numbers: tuple[int, ...]) -> None:
    tree = ast.parse(build.windows_version(version, "colorchanger-windows-x86_64"), mode="eval")
    values = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "filevers"]
    assert [ast.literal_eval(node.value) for node in values] == [numbers]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "StringStruct"]
    texts = [ast.literal_eval(call.args[1]) for call in calls]
    assert texts.count(version) == 2
    assert "colorchanger-windows-x86_64.exe" in texts


# The container


def test_everything_that_the_image_copies_exists_and_is_not_ignored() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    assert len(copied) > 5
    assert [name for name in copied if not (ROOT / name).exists()] == []
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(sent)


def test_everything_that_builds_the_package_is_copied_into_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    build = [name for name in ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in") if (ROOT / name).exists()]
    assert [name for name in build if name not in dockerfile] == []
