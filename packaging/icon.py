"""Makes the icon of the executable from the icon of the page."""

from __future__ import annotations

import io
from pathlib import Path

import resvg_py
from PIL import Image

SIZES = [16, 24, 32, 48, 64, 128, 256]
LARGEST = 1024


def write_icon(svg: Path, icon: Path) -> None:
    """Draw `svg` as `icon`, whose suffix names the format: .ico for Windows, .icns for macOS."""
    image = draw(svg, LARGEST)
    if icon.suffix == ".icns":
        image.save(icon)
        return
    drawn = [draw(svg, size) for size in SIZES]  # each size by itself is sharper than a smaller copy
    drawn[-1].save(icon, sizes=[(size, size) for size in SIZES], append_images=drawn[:-1])


def draw(svg: Path, size: int) -> Image.Image:
    """Draw a square picture with sides of `size` pixels."""
    png = resvg_py.svg_to_bytes(svg_path=str(svg), width=size, height=size)
    return Image.open(io.BytesIO(bytes(png)))
