"""The arguments of the command."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import partial

DEFAULT_URL = "http://127.0.0.1:8000"
EPILOG = """\
environment:
  CHATSITE_URL      the address of the site, http://127.0.0.1:8000 without it
  CHATSITE_API_KEY  the API key, in place of the one that `chatsite login` keeps

exit codes:
  0 done · 1 the reply or the server failed, or the output cannot be written · 2 wrong
  use · 3 the key is missing, wrong or may not do this · 4 a limit is reached or the
  server is busy · 5 the server cannot be reached · 130 Ctrl+C
"""


#: Sampling settings with a number.
NUMBERS = {
    "temperature": float,
    "top-p": float,
    "top-k": int,
    "repetition-penalty": float,
    "max-tokens": int,
    "seed": int,
}
DESTINATIONS = {"max-tokens": "max_new_tokens"}


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
    after = ArgumentParser(add_help=False)  # global options, also after the command
    after.add_argument("--url", default=SUPPRESS, help="the address of the site")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = partial(commands.add_parser, parents=[after])
    _add_ask(add("ask", help="send a message and write the reply"))
    _add_batch(add("batch", help="have a file of requests answered"))
    listed = add("list", help="list the newest conversations")
    listed.add_argument("-n", "--number", type=int, default=20, help="how many: 20")
    shown = add("show", help="write the messages of a conversation")
    shown.add_argument("conversation", metavar="ID")
    for one in (listed, shown):
        one.add_argument("--json", action="store_true", help="as JSON lines")
    stop = add("stop", help="stop a reply")
    stop.add_argument("reply", metavar="ID", help="as `ask --json` writes it")
    add("models", help="list the models")
    add("login", help="keep an API key; asks for it, or reads a line")
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
    add("-m", "--model", help="the model, from now on in this conversation")
    add("-s", "--system", dest="instructions", help="what it is to keep to")
    for name, kind in NUMBERS.items():
        add(f"--{name}", type=kind, metavar="N", dest=DESTINATIONS.get(name))
    add("--when-idle", action="store_true", help="let all other messages go first")
    add("--stop", action="append", metavar="TEXT", help="end before this text")
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
