"""What the documentation site needs beside MkDocs, so that the same pages can be read on GitHub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parents[1]
_ABOVE = re.compile(r"\[([^\]]*)\]\(\.\./([^)#\s]+)([^)\s]*)\)")
_API = re.compile(r"<!-- api: ([\w.]+) -->")
_LOADED = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
_NOT_LOADED = re.compile(r"""<link\b[^>]*\brel=["']?(?:canonical|next|prev|alternate)""")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Point links out of docs/ at the repository, and put the reference where a page names it."""

    def link(found: re.Match[str]) -> str:
        text, file, anchor = found.groups()
        if not (ROOT / file).exists():
            raise PluginError(f"{page.file.src_uri}: there is no {file}")
        kind = "tree" if (ROOT / file).is_dir() else "blob"
        return f"[{text}]({config.repo_url.rstrip('/')}/{kind}/main/{file}{anchor})" if config.repo_url else text

    return _API.sub(r"::: \1", _ABOVE.sub(link, markdown))


def on_post_build(*, config: Any, **_: Any) -> None:
    """Refuse a site whose pages load something from another site: that tells it who reads them."""
    foreign = {
        f"{page.relative_to(config.site_dir)}: {found[1]}"
        for page in Path(config.site_dir).rglob("*.html")
        for found in _LOADED.finditer(page.read_text("utf-8"))
        if not _NOT_LOADED.match(found[0])
    }
    if foreign:
        raise PluginError("the site loads from other sites:\n" + "\n".join(sorted(foreign)))
