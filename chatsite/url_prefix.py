"""The path under which a proxy serves the site."""

from __future__ import annotations

import re

PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
#: The first words of the site's own paths. A proxy removes the prefix or passes it on,
#: and the path must show which. So no prefix begins with one of these words.
OWN_WORDS = frozenset(
    (
        *("account", "admin", "api", "archive", "batches", "c", "delete-all"),
        *("healthz", "history", "imports", "livez", "m", "manifest.webmanifest"),
        *("metrics", "model", "model-notice", "operator", "poll", "presets", "r"),
        *("readyz", "s", "search", "send", "service-worker.js", "settings", "shared"),
        *("static", "status", "v1"),
    )
)


def parse(raw: str) -> str:
    """Return ``/chat`` for ``/chat/``; empty for the root. Raises ``ValueError``."""
    path = raw.removesuffix("/")
    if not PATH.fullmatch(path):
        raise ValueError("a path of plain letters and digits like /chat")
    if path[1:].split("/", maxsplit=1)[0] in OWN_WORDS:
        raise ValueError("a path like /chat that does not begin as the site's own do")
    return path
