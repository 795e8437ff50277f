"""``chatsite login``, ``models`` and ``stop``."""

from __future__ import annotations

import sys
from argparse import Namespace
from getpass import getpass

from chatsite.cli.client import Client, quoted
from chatsite.cli.errors import Exit
from chatsite.cli.kept import checked_key, keep_key
from chatsite.cli.terminal import Terminal


def typed_key() -> str:
    """Ask for an API key, or read it from standard input. Raises ``CliError``."""
    is_typed = sys.stdin.isatty()
    key = (getpass("API key: ") if is_typed else sys.stdin.readline()).strip()
    return checked_key(key, "That is no API key.", Exit.USAGE)


def login(client: Client, terminal: Terminal, key: str) -> Exit:
    """Keep a key that the site accepts."""
    client.get("/api/v1/allowances")
    terminal.say(f"The key works. It is kept in {keep_key(client.url, key)}")
    return Exit.DONE


def models(client: Client, terminal: Terminal, _options: Namespace) -> Exit:
    """List the models, the site's own first."""
    for model in client.get("/v1/models").data["data"]:
        terminal.line(f"{model['id']}\t{model.get('name', '')}".rstrip("\t"))
    return Exit.DONE


def stop(client: Client, terminal: Terminal, options: Namespace) -> Exit:
    """Stop a reply; harmless if it has ended."""
    reply = client.post(f"/api/v1/replies/{quoted(options.reply)}/stop", {})
    is_over = reply["state"] in ("done", "failed", "stopped")
    terminal.say(f"It is {reply['state']}." if is_over else "It is being stopped.")
    return Exit.DONE
