"""The site as gunicorn serves it behind a proxy that speaks HTTPS, seen from outside."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatsite.security_headers import HEADERS
from tests.http_observatory import A_PLUS, score
from tests.processes import Program, free_port

HOST = "chat.example.org"
START_SECONDS = 90
#: Text that stands in what is sent, and may stand in no log.
CANARY = "canary-of-what-somebody-typed"


@dataclass
class Served:
    port: int
    program: Program

    def ask(
        self, method: str, path: str, scheme: str = "https", **headers: str
    ) -> http.client.HTTPResponse:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        link.request(
            method, path, headers={"Host": HOST, "X-Forwarded-Proto": scheme} | headers
        )
        answer = link.getresponse()
        answer.read()
        link.close()
        return answer

    def say(self, raw: bytes) -> bytes:
        """Anything at all, and what comes back until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as link:
            link.sendall(raw)
            answer = b""
            while got := link.recv(65536):
                answer += got
        return answer


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, migrated: Callable[[Path], str]
) -> Iterator[Served]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("served")
    environment = {
        "DATABASE_URL": migrated(folder / "db.sqlite3"),
        "HTTPS_ONLY": "on",
        "ALLOWED_HOSTS": HOST,
        "PORT": str(port),
        "LOG_LEVEL": "debug",
    }
    command = ("--config", "python:launch.gunicorn_config", "chatsite.wsgi")
    with Program("-m", "gunicorn", *command, **environment) as web:
        site = Served(port, web)
        _wait(site)
        yield site
        assert CANARY not in web.log


def _wait(site: Served) -> None:
    import time

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            site.ask("GET", "/healthz")
            return  # noqa: TRY300
        except OSError:
            assert site.program.is_alive, site.program.log
            assert time.monotonic() < deadline, site.program.log
            time.sleep(0.05)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/settings/",
        "/c/00000000-0000-0000-0000-000000000007/",
        "/admin/login/",
        "/api/v1/search?q=x",
        "/static/chat.css",
        "/static/chat/page.js",
        "/no/such/page",
        "/healthz",
    ],
)
def test_the_observatory_grades_every_kind_of_answer_a_plus(
    served: Served, path: str
) -> None:
    plain = served.ask("GET", path, scheme="http")
    if path == "/healthz":  # asked from inside, where no proxy is
        target = "https://"
    else:
        assert plain.status == 301
        target = plain.headers["Location"]
        assert target == f"https://{HOST}{path}"
    answer = served.ask("GET", path)
    headers = {name.lower(): value for name, value in answer.getheaders()}
    cookies = answer.headers.get_all("Set-Cookie") or []
    assert score(headers, cookies, target) >= A_PLUS
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_an_answer_without_content_is_no_matter_for_the_log(served: Served) -> None:
    for path in ("/", "/healthz", "/static/chat.css", "/no/such/page"):
        for accepted in ("identity", "gzip"):
            served.ask("HEAD", path, **{"Accept-Encoding": accepted})
    given = served.ask("GET", "/static/chat.css", **{"Accept-Encoding": "gzip"})
    known = {"Accept-Encoding": "gzip", "If-None-Match": given.headers["ETag"]}
    assert served.ask("GET", "/static/chat.css", **known).status == 304
    size = served.ask("GET", "/healthz").headers["Content-Length"]
    assert served.ask("HEAD", "/healthz").headers["Content-Length"] == size == "2"
    assert "body bytes" not in served.program.log


def test_every_cookie_belongs_to_this_host_alone(served: Served) -> None:
    cookies = [
        *(served.ask("GET", "/").headers.get_all("Set-Cookie") or []),
        *(served.ask("GET", "/admin/login/").headers.get_all("Set-Cookie") or []),
    ]
    assert len(cookies) >= 2
    for cookie in cookies:
        assert cookie.startswith("__Host-"), cookie
        assert "Secure" in cookie and "Path=/" in cookie and "SameSite=Lax" in cookie
        assert "HttpOnly" in cookie or "csrftoken" in cookie


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (f"{CANARY}\r\n\r\n", 400),
        (f"GET /{CANARY} HTTP/9.9\r\nHost: {HOST}\r\n\r\n", 400),
        (f"GET /?q={CANARY} HTTP/1.1\r\nHost: {HOST}\r\n{CANARY}\r\n\r\n", 400),
        (f"GET /?q={CANARY * 900} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {CANARY * 9000}\r\n\r\n", 431),
        (
            f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: {CANARY}\r\n\r\n",
            501,
        ),
    ],
)
def test_what_is_no_request_is_refused_with_headers_and_without_its_text(
    served: Served, raw: str, status: int
) -> None:
    answer = served.say(raw.encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert CANARY.encode() not in answer
    for name in (*HEADERS, "Content-Security-Policy"):
        assert f"\r\n{name}: ".encode() in answer


def test_cookies_of_other_applications_on_the_host_are_no_matter(
    served: Served,
) -> None:
    cookies = "; ".join(f"app_{number}={'x' * 3_000}" for number in range(20))
    assert served.ask("GET", "/", Cookie=cookies).status == 200


def test_a_foreign_name_is_refused_with_headers(served: Served) -> None:
    answer = served.ask("GET", f"/?q={CANARY}", Host="evil.example")
    assert answer.status == 400
    assert not HEADERS.keys() - answer.headers.keys()


def test_what_is_searched_for_stands_in_no_log(served: Served) -> None:
    for path in (f"/search/?q={CANARY}", f"/?text={CANARY}", f"/no/such?{CANARY}"):
        served.ask("GET", path)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    served.ask("POST", f"/send/?{CANARY}", **form)
    assert CANARY not in served.program.log
