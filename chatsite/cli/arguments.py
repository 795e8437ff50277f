"""The arguments of the command."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

DEFAULT_URL = "http://127.0.0.1:8000"
EPILOG = """\
environment:
  CHATSITE_URL      the address of the site, http://127.0.0.1:8000 without it
  CHATSITE_API_KEY  the API key, in place of the one that `chatsite login` keeps

exit codes:
  0 done · 1 the reply or the server failed · 2 wrong use · 3 the key is missing, wrong
  or may not do this · 4 a limit is reached or the server is busy · 5 the server cannot
  be reached · 130 Ctrl+C
"""


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Return the options; ``command`` is the name of the command."""
    parser = ArgumentParser(
        prog="chatsite",
        description="Ask a chatsite server from a terminal or a script.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("CHATSITE_URL") or DEFAULT_URL,
        help="the address of the site",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ask(commands.add_parser("ask", help="send a message and write the reply"))
    _add_batch(commands.add_parser("batch", help="have a file of requests answered"))
    stop = commands.add_parser("stop", help="stop a reply")
    stop.add_argument("reply", metavar="ID", help="as `ask --json` writes it")
    commands.add_parser("models", help="list the models")
    commands.add_parser("login", help="keep an API key; asks for it, or reads a line")
    options = parser.parse_args(arguments)
    options.url = options.url.rstrip("/")
    return options


def _add_ask(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("text", nargs="*", metavar="TEXT", help="the message; - or none: from stdin")
    add(
        "-f",
        "--file",
        action="append",
        default=[],
        help="attach a text file; - is stdin",
    )
    where = parser.add_mutually_exclusive_group()
    said = "go on with the last conversation"
    where.add_argument(
        "-c", "--continue", dest="is_continued", action="store_true", help=said
    )
    where.add_argument("--conversation", metavar="ID", help="go on with this one")
    add("--no-stream", action="store_true", help="write the reply once it has ended")
    add("--json", action="store_true", help="write the reply as one JSON object")
    add("--detach", action="store_true", help="write the reply's id; do not wait")


def _add_batch(parser: ArgumentParser) -> None:
    add = parser.add_argument
    parser.usage = (
        "chatsite batch [-o OUT] [--detach] FILE\n"
        "       chatsite batch {status,cancel,results} ID [-o OUT] [--json]"
    )
    add("what", nargs="+", metavar="FILE", help="JSON lines, as OpenAI's batches take")
    add("-o", "--output", metavar="OUT", help="write the results there, not to stdout")
    add("--detach", action="store_true", help="write the id of the batch; do not wait")
    add("--json", action="store_true", help="write the status as JSON")
