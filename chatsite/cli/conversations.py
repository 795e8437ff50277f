"""``chatsite list`` and ``show``, and the settings of a conversation."""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from typing import Any
from urllib.parse import urlsplit

from chatsite.cli.client import Client, quoted
from chatsite.cli.errors import Exit, ServerRefused
from chatsite.cli.terminal import Terminal

#: The options of ``ask`` that are settings of its conversation.
SETTINGS = (
    "model",
    "instructions",
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "max_new_tokens",
    "seed",
    "stop",
)
#: A title is at most so long on every site.
TITLE_CHARACTERS = 60


def list_conversations(client: Client, terminal: Terminal, options: Namespace) -> Exit:
    """List the newest conversations, a line for each."""
    path: str | None = "/api/v1/conversations"
    left: int = options.number
    while path and left > 0:
        page = client.get(path).data
        for one in page["conversations"][:left]:
            if options.json:
                terminal.line(json.dumps(one, ensure_ascii=False))
            else:
                terminal.line(f"{one['id']}\t{one['updated'][:16]}\t{one['title']}")
        left -= len(page["conversations"])
        path = _path(client, page["next"])
    return Exit.DONE


def show(client: Client, terminal: Terminal, options: Namespace) -> Exit:
    """Write the messages of a conversation, oldest first."""
    path: str | None = f"/api/v1/conversations/{quoted(options.conversation)}/messages"
    messages: list[dict[str, Any]] = []
    while path:
        page = client.get(path).data
        messages += page["messages"]
        path = _path(client, page["next"])
    for message in reversed(messages):
        if options.json:
            terminal.line(json.dumps(message, ensure_ascii=False))
        else:
            terminal.line(f"{_heading(message)}\n\n{message['text'].rstrip()}\n")
    return Exit.DONE


def conversation_with(client: Client, options: Namespace, pk: str, text: str) -> str:
    """Return the conversation, with the settings of the options; a new one if need be.

    ``pk`` is empty for a new one. The settings apply from the next reply.
    """
    given = {name: getattr(options, name) for name in SETTINGS}
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return pk
    if pk:
        _choose(client, pk, chosen)
        return pk
    title = text.strip().partition("\n")[0][:TITLE_CHARACTERS] or "…"
    once = uuid.uuid4().hex
    made: str = client.post("/api/v1/conversations", {"title": title}, once=once)["id"]
    try:
        _choose(client, made, chosen)
    except ServerRefused:
        client.post(f"/api/v1/conversations/{made}/delete", {}, once=uuid.uuid4().hex)
        raise
    return made


def _choose(client: Client, pk: str, chosen: dict[str, Any]) -> None:
    path = f"/api/v1/conversations/{quoted(pk)}/settings"
    client.put(path, {**client.get(path).data["chosen"], **chosen})


def _heading(message: dict[str, Any]) -> str:
    reply = message["reply"]
    state = reply["state"] if reply and reply["state"] != "done" else ""
    return f"── {message['role']}{f' ({state})' if state else ''} ──"


def _path(client: Client, url: str | None) -> str | None:
    """The path of the next page, whose URL the server has made."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.path.removeprefix(client.prefix)}?{parts.query}"
