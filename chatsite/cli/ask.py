"""``chatsite ask``: send a message and write the reply."""

from __future__ import annotations

import json
import sys
import uuid
from argparse import Namespace
from typing import Any

from chatsite.cli.attachments import decode, with_files
from chatsite.cli.client import Client
from chatsite.cli.conversations import conversation_with
from chatsite.cli.errors import CliError, Exit
from chatsite.cli.follow import Follower
from chatsite.cli.kept import keep_last_conversation, last_conversation
from chatsite.cli.terminal import Terminal


def ask(client: Client, terminal: Terminal, options: Namespace) -> Exit:
    """Send the message, wait for its reply and write it."""
    typed = _typed(options)
    body: dict[str, Any] = {"text": with_files(options.file, typed)}
    earlier = _conversation(client.url, options)
    if conversation := conversation_with(client, options, earlier, typed):
        body["conversation"] = conversation
    if options.when_idle:
        body["when_idle"] = True  # which older sites do not know
    sent = _send(client, terminal, body)
    _remember(client, terminal, sent["conversation"])
    if options.detach:
        terminal.line(json.dumps(sent) if options.json else sent["id"])
        return Exit.DONE
    is_streamed = not (options.no_stream or options.json)
    follower = Follower(client, terminal, sent, is_streamed=is_streamed)
    reply = follower.follow()
    _write_whole(terminal, options, {**reply, "conversation": sent["conversation"]})
    return _end(terminal, follower, reply)


def _send(client: Client, terminal: Terminal, body: dict[str, Any]) -> dict[str, Any]:
    try:
        sent: dict[str, Any] = client.post(
            "/api/v1/messages", body, once=uuid.uuid4().hex
        )
    except KeyboardInterrupt:
        terminal.say("\nIt was being sent: the server may have it and answer it.")
        raise
    return sent


def _remember(client: Client, terminal: Terminal, conversation: str) -> None:
    """Keep it for ``--continue``; the reply is worth more than that."""
    try:
        keep_last_conversation(client.url, conversation)
    except CliError as error:
        terminal.say(f"{error}\nSo --continue will not find this conversation.")


def _typed(options: Namespace) -> str:
    """The text of the arguments, or of standard input."""
    text = " ".join(options.text)
    has_input = "-" in options.file
    if text == "-" or (not text and not options.file and not sys.stdin.isatty()):
        if has_input:
            raise CliError(
                "Standard input is the text or a file, not both.", Exit.USAGE
            )
        text = _read_input().strip("\n")
    if not text.strip() and not options.file:
        raise CliError("What do you want to ask? Give a text.", Exit.USAGE)
    return text


def _read_input() -> str:
    """Return standard input. Raises ``CliError``."""
    try:
        text = decode(sys.stdin.buffer.read())
    except OSError as error:
        said = f"Standard input cannot be read: {error.strerror}."
        raise CliError(said, Exit.USAGE) from None
    if text is None:
        raise CliError("Standard input is not a text.", Exit.USAGE)
    return text


def _conversation(url: str, options: Namespace) -> str:
    """The conversation to go on with; empty for a new one."""
    if not options.is_continued:
        return options.conversation or ""
    if found := last_conversation(url):
        return found
    raise CliError("There is no conversation yet to go on with.", Exit.USAGE)


def _write_whole(terminal: Terminal, options: Namespace, reply: dict[str, Any]) -> None:
    if options.json:
        terminal.line(json.dumps(reply, ensure_ascii=False))
    elif options.no_stream:
        terminal.text(reply["text"])
    if not options.json and reply["text"] and not reply["text"].endswith("\n"):
        terminal.text("\n")


def _end(terminal: Terminal, follower: Follower, reply: dict[str, Any]) -> Exit:
    if reply["state"] == "failed":
        terminal.say((reply["error"] or {}).get("message", "The reply failed."))
        return Exit.FAILED
    if follower.was_stopped:
        terminal.say("The reply was stopped; its text so far is kept.")
        return Exit.INTERRUPTED
    if reply["state"] == "stopped":
        terminal.say("The reply was stopped elsewhere.")
        return Exit.FAILED
    if reply["is_length_limited"]:
        terminal.say("(It ended at its maximum length.)")
    return Exit.DONE
