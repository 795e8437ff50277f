"""Entries of a catalogue for models on other servers."""

from __future__ import annotations

import json


def remote_entry(
    name: str, url: str, model: str, *, context_tokens: int = 4096, **remote: object
) -> str:
    """The entry of a model that a server calls ``model``; ``remote`` has more of it."""
    of_model = {"label": name, "engine": "remote", "context_tokens": context_tokens}
    of_server = {"url": url, "model": model, **remote}
    return (
        f"[models.{name}]\n{_lines(of_model)}\n"
        f"[models.{name}.remote]\n{_lines(of_server)}\n"
    )


def _lines(values: dict[str, object]) -> str:
    # TOML spells such texts and numbers as JSON does.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
