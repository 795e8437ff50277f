"""A model's server with one oddity for each name of a model.

Each was seen in a server that people use: vLLM, SGLang, llama.cpp, transformers serve,
a hosted API, or a proxy before one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

TEXT = "Süß: bees 👩‍🚀 like honey and wax."
USAGE = {"prompt_tokens": 11, "completion_tokens": 9, "total_tokens": 20}
DONE = b"data: [DONE]\n\n"


class Answer(NamedTuple):
    """A whole answer; without a length its connection is cut after the body."""

    status: int
    body: object
    headers: dict[str, str] = {}  # noqa: RUF012


#: What must come of each: the text, and whether it is done, cut at its length, failed
#: for good, or goes back into its line.
EXPECTED: dict[str, tuple[str | None, str]] = {
    **dict.fromkeys(
        (
            *("plain", "no-done", "no-usage", "usage-in-last", "usage-everywhere"),
            *("crlf", "comments", "event-lines", "split-bytes", "null-delta"),
            *("empty-choices-first", "null-choices", "reasoning", "bare-data"),
            *("not-a-stream", "eos-token", "extra-fields", "split-surrogates"),
            *("no-reason", "silent-after-end", "absurd-usage", "no-tokens"),
        ),
        (TEXT, "done"),
    ),
    "length": (TEXT, "length"),
    "stop-in-text": ("Süß: bees ", "done"),
    "endless": (None, "length"),
    **dict.fromkeys(
        (
            *("error-in-stream", "error-string-in-stream", "ok-but-error", "garbage"),
            *("bad-key", "gone-model", "unprocessable", "too-long", "page-of-a-proxy"),
            *("redirected", "reason-error", "giant-event", "key-as-code"),
            *("key-as-type", "only-tools", "only-tools-at-once"),
        ),
        (None, "failed"),
    ),
    **dict.fromkeys(
        (
            *("cut", "ended-early", "stall", "loading", "busy", "html", "abort"),
            *("hang-up", "only-done", "odd-retry-after", "no-choices"),
        ),
        (None, "retry"),
    ),
}


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> dict:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"object": "chat.completion.chunk", "choices": [choice], **more}


def begun(*more: Any) -> list[Any]:
    return [chunk(""), chunk("Süß"), *more]


def whole_reply(name: str) -> list[Any]:
    """The chunks of a reply that ends, with the oddities of the one named."""
    reasons = {"length": "length", "eos-token": "eos_token", "no-reason": None}
    pieces = [TEXT[i : i + 4] for i in range(0, len(TEXT), 4)]
    chunks: list[Any] = [*map(chunk, pieces), chunk(reason=reasons.get(name, "stop"))]
    empty = {"id": "", "choices": [], "prompt_filter_results": []}
    match name:
        case "empty-choices-first":
            chunks.insert(0, empty)
        case "null-choices":
            chunks.insert(0, {**empty, "choices": None})
        case "null-delta":
            chunks[1]["choices"][0]["delta"] |= {"role": None}
            chunks.insert(1, {"choices": [{"index": 0, "delta": None}]})
        case "reasoning":
            for field in ("reasoning_content", "reasoning"):
                thought = {"content": None, field: "Hm."}
                chunks.insert(0, {"choices": [{"index": 0, "delta": thought}]})
        case "extra-fields":
            chunks[-1]["choices"][0] |= {"stop_reason": 2, "matched_stop": 2}
            chunks[-1]["timings"] = {"predicted_n": 9}
    return with_counts(name, chunks)


def with_counts(name: str, chunks: list[Any]) -> list[Any]:
    """Add the numbers of tokens as a server tells them."""
    match name:
        case "usage-everywhere":
            for count, one in enumerate(chunks):
                one["usage"] = {"prompt_tokens": 11, "completion_tokens": count}
        case "usage-in-last":
            chunks[-1]["usage"] = USAGE
        case "no-usage" | "silent-after-end":
            pass
        case "absurd-usage" | "no-tokens":
            absurd = 10**30 if name == "absurd-usage" else 0
            usage = {"prompt_tokens": absurd, "completion_tokens": absurd}
            chunks.append({**chunk(), "choices": [], "usage": usage})
        case _:
            chunks.append({**chunk(), "choices": [], "usage": USAGE})
    return chunks


def events(name: str, chunks: Iterable[Any]) -> bytes:
    """The bytes of a stream, without its end mark."""
    before = {"comments": b": ping\n\n", "event-lines": b"event: message\n"}
    field = b"data:" if name == "bare-data" else b"data: "
    is_ascii = name == "split-surrogates"
    written = b"".join(
        before.get(name, b"")
        + field
        + json.dumps(one, ensure_ascii=is_ascii).encode()
        + b"\n\n"
        for one in chunks
    )
    return written.replace(b"\n", b"\r\n") if name == "crlf" else written


def split_surrogates() -> list[Any]:
    head, tail = TEXT.split("👩")
    return [chunk(head), chunk("\ud83d"), chunk("\udc69" + tail), chunk(reason="stop")]


WHOLE: dict[str, Answer] = {
    "not-a-stream": Answer(
        200,
        {
            "choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}],
            "usage": USAGE,
        },
    ),
    "loading": Answer(503, {"error": {"message": "Loading model", "code": 503}}),
    "busy": Answer(429, {"error": {"type": "rate_limit"}}, {"Retry-After": "2"}),
    "unprocessable": Answer(422, {"detail": "Unexpected fields: top_k"}),
    "too-long": Answer(
        400, {"error": {"message": "maximum context length is 64", "code": 400}}
    ),
    "html": Answer(502, "<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
    "page-of-a-proxy": Answer(200, "<html>Hi</html>", {"Content-Type": "text/html"}),
    "ok-but-error": Answer(200, {"error": {"message": "crashed", "code": 500}}),
    "key-as-code": Answer(401, {"error": {"code": "sk-canary-4711"}}),
    "only-tools-at-once": Answer(
        200, {"choices": [{"message": {"tool_calls": [{"id": "1"}]}}]}
    ),
    "no-choices": Answer(200, {"choices": [], "usage": USAGE}),
    "odd-retry-after": Answer(
        429, "", {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}
    ),
    "bad-key": Answer(401, {"error": "Unauthorized"}),
    "gone-model": Answer(404, {"error": {"type": "NotFoundError", "code": 404}}),
    "redirected": Answer(307, "", {"Location": "/v1/elsewhere"}),
}

BROKEN: dict[str, bytes] = {
    "error-in-stream": events("", begun({"error": {"code": 500}})) + DONE,
    "error-string-in-stream": events("", begun({"error": "out of memory"})),
    "key-as-type": events("", [{"error": {"type": "sk-canary-4711"}}]),
    "only-done": DONE,
    "only-tools": events(
        "",
        [
            {"choices": [{"delta": {"content": None, "tool_calls": [{"index": 0}]}}]},
            chunk(reason="tool_calls"),
        ],
    )
    + DONE,
    "garbage": b"data: {broken\n\n",
    "ended-early": events("", begun()),
    "abort": events("", begun(chunk(reason="abort"))) + DONE,
    "reason-error": events("", begun(chunk(reason="error"))) + DONE,
    "giant-event": b"data: " + b"x" * (2 * 2**20) + b"\n\n",
    "split-surrogates": events("split-surrogates", split_surrogates()) + DONE,
}


class QuirkyServer(ThreadingHTTPServer):
    """Listens on a free port of this machine until it is closed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        #: The bodies of the calls, and their headers.
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        #: Calls that the other side hung up.
        self.gone = threading.Semaphore(0)
        #: What ``GET /v1/models`` answers.
        self.health = 200
        self.checks = 0
        #: How many replies it says that it writes at once.
        self.slots: Any = 3
        #: The answers to come, or names of oddities, before that of the model's name.
        self.next_answers: list[Answer | str] = []
        self.is_closing = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of callers that hung up."""

    def close(self) -> None:
        self.is_closing.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: QuirkyServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/props":
            return self._answer(Answer(200, {"total_slots": self.server.slots}))
        self._answer(Answer(self.server.health, {"data": []}))
        self.server.checks += 1
        return None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append({**body, "path": self.path})
        self.server.headers.append(dict(self.headers))
        coming = self.server.next_answers
        answer = coming.pop(0) if coming else body["model"]
        try:
            if not isinstance(answer, str):
                self._answer(answer)
            elif answer in WHOLE:
                self._answer(WHOLE[answer])
            elif answer == "hang-up":
                self.close_connection = True
            else:
                self._stream(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.server.gone.release()
            self.close_connection = True

    def _answer(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        data = str(answer.body) if is_text else json.dumps(answer.body)
        self.send_response(answer.status)
        kind = {"Content-Type": "application/json", **answer.headers}
        for name, value in {**kind, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data.encode())

    def _stream(self, name: str) -> None:
        self.send_response(200)
        # What a proxy claims: events are in UTF-8 whatever is said.
        charset = "; charset=latin-1" if name == "plain" else ""
        self.send_header("Content-Type", f"text/event-stream{charset}")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in self._parts(name):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        if name == "cut":
            self.close_connection = True
            self.connection.close()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _parts(self, name: str) -> Iterator[bytes]:
        if name in BROKEN:
            yield BROKEN[name]
        elif name in ("cut", "stall", "endless"):
            yield events("", begun())
            yield from self._without_end(name)
        else:
            text = events(name, whole_reply(name))
            text += b"" if name in ("no-done", "silent-after-end") else DONE
            size = 3 if name == "split-bytes" else 100
            for start in range(0, len(text), size):
                yield text[start : start + size]
            if name == "silent-after-end":
                yield from self._without_end("stall")

    def _without_end(self, name: str) -> Iterator[bytes]:
        """Nothing but comments, or more and more text, until the caller hangs up."""
        while name != "cut" and not self.server.is_closing.wait(0.01):
            yield b": \n\n" if name == "stall" else events("", [chunk("x" * 500)])
