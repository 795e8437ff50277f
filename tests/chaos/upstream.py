"""A model's server that writes as the scripted engine does: ``… upstream PORT``."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.remote_catalog import remote_entry
from worker.engine.script import directives, number_of, reply_words


def catalog(port: int, silence_seconds: float) -> str:
    """The catalogue of a site whose model is on this server."""
    entry = remote_entry(
        "remote",
        f"http://127.0.0.1:{port}/v1",
        "scripted",
        context_tokens=8192,
        rows=8,
        connect_seconds=1,
        silence_seconds=silence_seconds,
        first_text_seconds=silence_seconds,
        check_seconds=1,
    )
    most = "[models.remote.settings]\nmax_new_tokens = 4000\n"
    return f'default = "remote"\n{entry}{most}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        body = b'{"data": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for text, reason in written(asked["messages"][-1]["content"]):
                choice = {"delta": {"content": text}, "finish_reason": reason}
                event = json.dumps({"choices": [choice]})
                self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            pass  # The caller has hung up.
        self.close_connection = True


def written(prompt: str) -> Iterator[tuple[str, str | None]]:
    """The words of the reply, each marked as one of this call, and the end."""
    steering = directives(prompt)
    delay_seconds = number_of(steering.get("delay"), 0.01)
    mark = f"·{secrets.token_hex(2)}" if "run" in steering else ""
    for number, word in enumerate(reply_words(prompt)):
        time.sleep(delay_seconds)
        yield f"{' ' if number else ''}{word}{mark}", None
    yield "", "stop"


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
