"""Runs the command: ``python -m chatsite.cli``, installed as ``chatsite``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from chatsite.cli.arguments import parse
from chatsite.cli.ask import ask
from chatsite.cli.batch import batch
from chatsite.cli.client import Client
from chatsite.cli.conversations import list_conversations, show
from chatsite.cli.errors import CliError, Exit
from chatsite.cli.kept import find_key
from chatsite.cli.site import login, models, stop, typed_key
from chatsite.cli.terminal import Terminal, prepare_streams

COMMANDS = {
    "ask": ask,
    "batch": batch,
    "list": list_conversations,
    "models": models,
    "show": show,
    "stop": stop,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    try:
        prepare_streams()
    except CliError as error:
        Terminal().say(str(error))
        return error.code
    options = parse(arguments)
    terminal = Terminal()
    try:
        return _run(options, terminal)
    except CliError as error:
        terminal.say(str(error))
        return error.code
    except KeyboardInterrupt:
        terminal.progress("")
        return Exit.INTERRUPTED
    except BrokenPipeError:  # who reads the output has enough, as `head`
        return Exit.FAILED


def _run(options: Namespace, terminal: Terminal) -> Exit:
    def say_away() -> None:
        terminal.say("The connection was lost. Trying again …")

    is_login = options.command == "login"
    key = typed_key() if is_login else find_key(options.url)
    client = Client(options.url, key, say_away)
    try:
        if is_login:
            return login(client, terminal, key)
        return COMMANDS[options.command](client, terminal, options)
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
