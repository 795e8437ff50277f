"""Real processes, as talkative as they can be, and nothing of anybody in their logs."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Program, free_port
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(150)
ADDRESS = "203.0.113.99"
#: What the proxy calls the first message.
REQUEST = "req-4711/a"
#: One for each kind of thing that somebody types or is.
CANARIES = {
    kind: f"canary-{kind}-7f3a"
    for kind in (
        *("prompt", "failing", "title", "search", "name", "password", "email"),
        *("path", "query", "referer", "agent", "host", "body", "begun", "key"),
    )
}
NAMED = {"X-Request-ID": REQUEST}
OVER = ("done", "failed", "stopped")


class Visitor:
    """A browser behind a trusted proxy that keeps its cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = CookieJar()
        keep = urllib.request.HTTPCookieProcessor(self.jar)
        self._opener = urllib.request.build_opener(keep)

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> str:
        said = {
            "X-Forwarded-For": ADDRESS,
            "User-Agent": CANARIES["agent"],
            "Referer": f"{self.url}/{CANARIES['referer']}",
            **headers,
        }
        request = urllib.request.Request(self.url + path, body, said)
        try:
            with self._opener.open(request, timeout=20) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())

    def call(
        self, path: str, said: dict[str, Any] | None = None, **named: str
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **named}
        if said is not None:
            headers["Idempotency-Key"] = f"{CANARIES['key']}-{len(json.dumps(said))}"
        body = None if said is None else json.dumps(said).encode()
        return dict(json.loads(self.ask(path, body, **headers)))

    def form(self, path: str, **fields: str) -> str:
        token = next(
            (c.value for c in self.jar if c.name.startswith("csrftoken_")), None
        )
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token})
        return self.ask(path, data.encode())


def test_no_log_holds_what_people_wrote_or_who_they_are(
    valkey: Valkey,
    until: Callable[..., None],
    migrated: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    port = free_port()
    environment = {
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "DATABASE_URL": migrated(tmp_path / "db.sqlite3"),
        "TRUSTED_PROXIES": "127.0.0.1",
        "PORT": str(port),
        "GUNICORN_CMD_ARGS": "--log-level debug",
    }
    serve = ("-m", "gunicorn", "--config", "python:launch.gunicorn_config")
    labour = ("-m", "celery", "-A", "chatsite", "worker", "--loglevel", "debug")
    with (
        Program(*serve, "chatsite.wsgi", **environment) as web,
        Program("manage.py", "keeper", **environment) as keeper,
        Program(*labour, **environment) as worker,
    ):
        until(lambda: "serving" in worker.log, 40)
        visitor = Visitor(f"http://127.0.0.1:{port}")
        until(lambda: is_up(visitor), 40)
        live(visitor, until)
        tell_everything(visitor)
        worker.terminate()
        keeper.terminate()
        web.terminate()
        logs = web.log + keeper.log + worker.log
        said = {
            name: lines_of(program)
            for name, program in (("web", web), ("keeper", keeper), ("worker", worker))
        }
    assert "canary" not in logs
    secrets = [ADDRESS, *(cookie.value for cookie in visitor.jar)]
    assert len(secrets) > 2
    assert not [one for one in secrets if one and len(one) > 6 and one in logs]
    assert_one_id_tells_the_life_of_a_reply(said)


def lines_of(program: Program) -> list[dict[str, Any]]:
    """Every line that a program wrote, each of which must be JSON."""
    lines = [json.loads(line) for line in program.log.splitlines()]
    wanted = {"time", "level", "logger", "message", "process"}
    assert lines
    assert all(wanted <= line.keys() for line in lines)
    return lines


def assert_one_id_tells_the_life_of_a_reply(
    said: dict[str, list[dict[str, Any]]],
) -> None:
    of_request = {
        name: [line for line in lines if line.get("request_id") == REQUEST]
        for name, lines in said.items()
    }
    (reply,) = {line["reply"] for lines in of_request.values() for line in lines}
    told = {name: [one["message"] for one in each] for name, each in of_request.items()}
    assert told["web"][0] == f"reply {reply} published, attempt 1"
    assert told["worker"][0] == f"claimed reply {reply} attempt 1 losses 0"
    assert told["worker"][1].startswith(f"reply {reply}: done, ")
    collected = f"reply {reply} collected: done"
    assert (told["web"] + told["keeper"]).count(collected) == 1


def is_up(visitor: Visitor) -> bool:
    try:
        return visitor.ask("/healthz") == "ok"
    except OSError:
        return False


def live(visitor: Visitor, until: Callable[..., None]) -> None:
    """Prompts that are answered, fail and are stopped; a title; a search."""
    for prompt in ("{prompt}", "{failing} [fail]", "{prompt} [words=900] [delay=0.1]"):
        said = {"text": prompt.format(**CANARIES)}
        first = {} if "{failing" in prompt or "words" in prompt else NAMED
        sent = visitor.call("/api/v1/messages", said, **first)
        path = sent["url"].removeprefix(visitor.url)
        if "words" in prompt:
            until(lambda path=path: visitor.call(path)["state"] == "running", 20)
            visitor.call(f"{path}/stop", {})
        until(lambda path=path: visitor.call(path)["state"] in OVER, 20)
    conversation = sent["conversation"]
    title = {"title": CANARIES["title"]}
    visitor.call(f"/api/v1/conversations/{conversation}/rename", title)
    visitor.ask(f"/search/?q={CANARIES['search']}")
    visitor.ask(f"/c/{conversation}/?q={CANARIES['query']}")


def tell_everything(visitor: Visitor) -> None:
    """Whatever else can be typed, much of it where it does not belong."""
    visitor.ask("/admin/login/")
    for name in ("name", "email", "password"):
        visitor.form(
            "/admin/login/", username=CANARIES[name], password=CANARIES["password"]
        )
    visitor.form("/send/", text=CANARIES["begun"])
    visitor.ask(f"/{CANARIES['path']}/?{CANARIES['query']}")
    visitor.ask("/send/", CANARIES["body"].encode())
    visitor.ask("/", Host=CANARIES["host"])
    visitor.ask(f"/?text={CANARIES['begun']}")
    broken = f'{{"text": "{CANARIES["body"]}'.encode()
    visitor.ask("/api/v1/messages", broken, **{"Content-Type": "application/json"})
