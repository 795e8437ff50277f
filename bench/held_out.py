"""Texts to compare precisions on, which were used to choose none of them.

They come from the archive of v0: the pages and the code of this project on that day.
So they are the same on every machine, and do not change with the project.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.peers.earlier import unpacked

#: Blocks of code, tables, headings and lists of links are no English prose.
NO_PROSE = re.compile(r"(?ms)^```.*?^```$|^\|.*?$|^#.*?$|^- \[.*?$")


def texts(cache: Path) -> dict[str, str]:
    """Return English and code, each long enough for 4,096 tokens of any model."""
    folder = unpacked(cache)
    pages = sorted((folder / "docs").glob("*.md"))
    modules = sorted((folder / "worker" / "engine").glob("*.py"))
    english = "\n\n".join(NO_PROSE.sub("", page.read_text()) for page in pages)
    return {
        "english": re.sub(r"\n{3,}", "\n\n", english).strip(),
        "code": "\n\n".join(module.read_text() for module in modules),
    }
