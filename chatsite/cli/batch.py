"""``chatsite batch``: answer a file of requests behind all messages of people."""

from __future__ import annotations

import json
import sys
import time
import uuid
from argparse import Namespace
from pathlib import Path
from typing import Any

from chatsite.cli.attachments import clean_name
from chatsite.cli.client import Client, quoted
from chatsite.cli.errors import CliError, Exit
from chatsite.cli.terminal import Terminal

ENDPOINTS = ("/v1/chat/completions", "/v1/completions")
OVER = ("completed", "failed", "expired", "cancelled")
#: How long to wait between two looks, in seconds: first and longest.
PAUSES_SECONDS = (0.5, 5.0)
ACTIONS = ("status", "cancel", "results")


def batch(client: Client, terminal: Terminal, options: Namespace) -> Exit:
    """Run a file, or look after a batch that was sent before."""
    what, *rest = options.what
    if what in ACTIONS and rest:
        return _look_after(client, terminal, options, what, rest[0])
    if rest:
        raise CliError("Give one file, or an action and the id of a batch.", Exit.USAGE)
    begun = _begin(client, what)
    if options.detach:
        terminal.line(begun["id"])
        return Exit.DONE
    try:
        return _finish(client, terminal, options, begun)
    except KeyboardInterrupt:
        terminal.say(
            f"\nThe batch goes on. Look at it: chatsite batch status {begun['id']}"
            f" · end it: chatsite batch cancel {begun['id']}"
        )
        raise


def _look_after(
    client: Client, terminal: Terminal, options: Namespace, action: str, pk: str
) -> Exit:
    path = f"/v1/batches/{quoted(pk)}"
    if action == "cancel":
        terminal.line(_progress(client.post(f"{path}/cancel", {})))
        return Exit.DONE
    found = client.get(path).data
    if action == "results":
        return _finish(client, terminal, options, found)
    if options.json:
        terminal.line(json.dumps(found))
    else:
        terminal.line(_progress(found))
    return Exit.DONE


def _begin(client: Client, path: str) -> dict[str, Any]:
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        said = f"{path} cannot be read: {error.strerror}"
        raise CliError(said, Exit.USAGE) from None
    endpoint = _endpoint(path, content)
    name = "batch.jsonl" if path == "-" else Path(path).name
    form, once = _form(name, content), uuid.uuid4().hex
    uploaded = client.upload("/v1/files", *form, once=once)
    body = {
        "input_file_id": uploaded["id"],
        "endpoint": endpoint,
        "completion_window": "24h",
    }
    found: dict[str, Any] = client.post("/v1/batches", body, once=uuid.uuid4().hex)
    return found


def _endpoint(path: str, content: bytes) -> str:
    """The address that the first line asks for; all lines have the same."""
    try:
        first = json.loads(content.lstrip().split(b"\n", 1)[0])
        url = first["url"]
    except (ValueError, LookupError, TypeError, RecursionError):
        url = None
    if url not in ENDPOINTS:
        raise CliError(
            f'{path}: each line is a JSON object with "custom_id", "method", "url" and '
            f'"body"; "url" is one of {", ".join(ENDPOINTS)}.',
            Exit.USAGE,
        )
    return str(url)


def _form(name: str, content: bytes) -> tuple[bytes, str]:
    """A form with the file, and its content type (RFC 7578)."""
    boundary = uuid.uuid4().hex
    safe_name = clean_name(name).replace("\\", "_")
    head = (
        f"--{boundary}",
        'Content-Disposition: form-data; name="purpose"',
        "",
        "batch",
        f"--{boundary}",
        f'Content-Disposition: form-data; name="file"; filename="{safe_name}"',
        "Content-Type: application/jsonl",
        "\r\n",
    )
    body = "\r\n".join(head).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _finish(
    client: Client, terminal: Terminal, options: Namespace, found: dict[str, Any]
) -> Exit:
    """Wait for the end of a batch and write its results."""
    pause = PAUSES_SECONDS[0]
    while found["status"] not in OVER:
        terminal.progress(_progress(found))
        time.sleep(pause)
        pause = min(pause * 1.5, PAUSES_SECONDS[1])
        found = client.get(f"/v1/batches/{quoted(found['id'])}").data
    _write_results(client, terminal, options, found)
    for error in (found.get("errors") or {}).get("data", [])[:10]:
        line = f"line {error['line']}: " if error.get("line") else ""
        terminal.say(f"{line}{error['message']}")
    terminal.say(_progress(found))
    failed = (found.get("request_counts") or {}).get("failed", 0)
    is_whole = found["status"] == "completed" and not failed
    return Exit.DONE if is_whole else Exit.FAILED


def _write_results(
    client: Client, terminal: Terminal, options: Namespace, found: dict[str, Any]
) -> None:
    """Write the lines that were answered, then those that failed."""
    files = (found.get("output_file_id"), found.get("error_file_id"))
    content = b"".join(
        client.download(f"/v1/files/{quoted(file)}/content") for file in files if file
    )
    if options.output is None:
        terminal.text(content.decode(errors="replace"))
        return
    try:
        Path(options.output).write_bytes(content)
    except OSError as error:
        said = f"{options.output} cannot be written: {error.strerror}"
        raise CliError(said, Exit.USAGE) from None


def _progress(found: dict[str, Any]) -> str:
    counts = found.get("request_counts") or {}
    done, all_of_them = counts.get("completed", 0), counts.get("total", 0)
    failed = f", {counts['failed']} failed" if counts.get("failed") else ""
    status = str(found["status"]).replace("_", " ")
    return f"{found['id']}: {status}, {done} of {all_of_them} answered{failed}"
