"""The documents of the repository, read as text and as tables."""

from __future__ import annotations

import subprocess

from tests.processes import ROOT

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()


#: By path from the root. The changelog also names what is gone.
DOCUMENTS = {
    path: (ROOT / path).read_text()
    for path in TRACKED
    if path.endswith(".md") and path != "CHANGELOG.md" and (ROOT / path).exists()
}


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its own heading."""
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]
    ]
