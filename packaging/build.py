"""Builds the executable for people without Python, for the system that it runs on:

    python -m pip install '.[executable]'
    python packaging/build.py

The wheel that is built first takes a Client ID from COLORCHANGER_CLIENT_ID; the executable then has it, too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
SYSTEMS = {"win32": "windows", "darwin": "macos"}
MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Build it, and print its path, size and checksum."""
    parser = argparse.ArgumentParser(description="Build the executable for this system.")
    parser.add_argument("--wheel", type=Path, help="the wheel to build it from; the default is to build that, too")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder to write it to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        package = install(options.wheel or build_wheel(work), work / "package")
        executable = bundle(package, work, options.out.resolve())
    checksum = hashlib.sha256(executable.read_bytes()).hexdigest()
    print(f"{executable}: {executable.stat().st_size / 1e6:.1f} MB, SHA-256 {checksum}")


def build_wheel(work: Path) -> Path:
    """Build the wheel from the source beside this script."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", work / "wheel", ROOT], check=True)
    (wheel,) = (work / "wheel").glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a folder, without what it depends on."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", folder, wheel], check=True)
    return folder


def bundle(package: Path, work: Path, out: Path) -> Path:
    """Run PyInstaller; return the executable."""
    (version,) = (each.version for each in distributions(path=[str(package)]))
    system = SYSTEMS.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    name = f"colorchanger-{system}-{MACHINES.get(machine, machine)}"
    svg = package / "colorchanger_bot" / "web" / "static" / "icon.svg"
    picture = {"windows": work / "icon.ico", "macos": work / "icon.icns"}.get(system)
    if picture is not None:
        import icon

        icon.write_icon(svg, picture)
    if system == "windows":
        (work / "version.txt").write_text(windows_version(version, name), encoding="utf-8")
    build = {
        "package": str(package),
        "name": name,
        "icon": str(picture) if picture is not None else None,
        "version": str(work / "version.txt") if system == "windows" else None,
        "licences": str(work / "licences.txt"),
    }
    options = ["--noconfirm", "--clean", "--log-level", "WARN", "--distpath", out, "--workpath", work / "pyinstaller"]
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", *options, HERE / "colorchanger.spec"],
        # The installed wheel comes before all else on the path, also before the source in the current folder.
        env=os.environ | {"PYTHONPATH": str(package), "COLORCHANGER_BUILD": json.dumps(build)},
        cwd=work,
        check=True,
    )
    return out / (f"{name}.exe" if system == "windows" else name)


def windows_version(version: str, name: str) -> str:
    """Return the version resource, which Windows shows under Properties, Details; in PyInstaller's notation."""
    numbers = ([int(part) for part in re.findall(r"\d+", version)] + [0] * 4)[:4]
    texts = {
        "FileDescription": "ColorChanger",
        "FileVersion": version,
        "InternalName": "colorchanger",
        "LegalCopyright": "The ColorChanger developers, MIT licence",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "ColorChanger",
        "ProductVersion": version,
    }
    strings = ", ".join(f"StringStruct({key!r}, {text!r})" for key, text in texts.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={tuple(numbers)}, prodvers={tuple(numbers)}), kids=["
        f"StringFileInfo([StringTable('040904B0', [{strings}])]),"
        " VarFileInfo([VarStruct('Translation', [0x0409, 1200])])])\n"
    )


if __name__ == "__main__":
    main()
