"""A browser without a script: cookies, pages, forms, and the calls of the API."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.processes import PATIENCE

TOKEN = "csrfmiddlewaretoken"
FINISHED = ("done", "stopped", "failed")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for a condition; fails with what it was waiting for."""
    deadline = time.monotonic() + PATIENCE * seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@dataclass
class Form:
    """A form of a page: where it goes, and what it sends as it stands."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def filled(self, **typed: str) -> list[tuple[str, str]]:
        """The fields to post, with some of them typed over."""
        fields = self.fields | {name: [value] for name, value in typed.items()}
        return [(name, value) for name, values in fields.items() for value in values]


class _Reader(HTMLParser):
    """Collects forms, the fields of the poller, and all text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.poller: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._is_in_form = self._is_in_poller = False
        self._area = ""

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        found = {name: value or "" for name, value in attributes}
        name, value = found.get("name", ""), found.get("value", "")
        self._area = name if tag == "textarea" else ""
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
            self._is_in_form = True
        if tag == "div":
            self._is_in_poller = found.get("id") == "poller"
        if tag == "input" and self._is_in_poller:
            self.poller.append((name, value))
        is_choice = found.get("type") in ("radio", "checkbox")
        if tag == "input" and name and (not is_choice or "checked" in found):
            self._keep(name, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in_form = False
        if tag in ("div", "textarea"):
            self._is_in_poller, self._area = False, ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._area:
            self._keep(self._area, data.removeprefix("\n"))

    def _keep(self, name: str, value: str) -> None:
        if self._is_in_form:
            self.forms[-1].fields.setdefault(name, []).append(value)


@dataclass(frozen=True)
class Answer:
    """What a site answered."""

    status: int
    location: str
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The text of a page, without its markup."""
        return " ".join(" ".join(self._read().words).split())

    @property
    def poll_path(self) -> str:
        """What the poller of the page would ask for."""
        return f"/poll/?{urlencode(self._read().poller)}"

    @property
    def token(self) -> str:
        """The token against forged requests, of any form of the page."""
        forms = self._read().forms
        return next(form.fields[TOKEN][0] for form in forms if TOKEN in form.fields)

    def form(self, action: str) -> Form:
        """The form of the page that goes there, else one that goes to the page itself."""
        forms = self._read().forms
        for wanted in (action, ""):
            for form in forms:
                if form.action == wanted:
                    return Form(action, form.fields)
        raise AssertionError(f"no form to {action} in: {self.text[:500]}")

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.body)
        return reader


class Visitor:
    """One browser, known to the site by its cookies alone."""

    def __init__(self, url: str, agent: str = "", **cookies: str) -> None:
        self.cookies = cookies
        self._agent = agent
        self.url = url
        self._host = urlsplit(url).netloc

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields), form)

    def submit(self, path: str, action: str = "", **typed: str) -> Answer:
        """Fill in a form of the page at ``path`` and send it."""
        form = self.get(path).form(action or path)
        return self.post(form.action, form.filled(**typed))

    def press(self, page: str, action: str, **fields: str) -> Answer:
        """Send what a button of a page sends, with the token that its forms have."""
        return self.post(action, [(TOKEN, self.get(page).token), *fields.items()])

    def call(self, path: str, said: Any = None, key: str = "") -> Answer:
        """Call the API: a POST where something is said, else a GET."""
        if said is None:
            return self.get(f"/api/v1/{path}")
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return self._ask("POST", f"/api/v1/{path}", json.dumps(said), headers)

    def send(self, text: str, conversation: str = "", key: str = "") -> dict[str, Any]:
        """Send a message; the reply as the API shows it."""
        said = {"text": text} | ({"conversation": conversation} if conversation else {})
        answer = self.call("messages", said, key)
        assert answer.status == 202, answer.body
        return dict(answer.json)

    def reply(self, pk: str) -> dict[str, Any]:
        answer = self.call(f"replies/{pk}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def wait_for(self, pk: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until a reply has one of these states, or has ended; the reply."""
        wanted = states or FINISHED
        last: dict[str, Any] = {}

        def is_there() -> bool:
            last.update(self.reply(pk))
            return last["state"] in wanted

        wait_until(is_there, f"{pk} {wanted}", seconds)
        return last

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> Answer:
        link = http.client.HTTPConnection(self._host, timeout=30)
        said = {"User-Agent": self._agent, "Cookie": self._cookie(), **headers}
        link.request(method, path, body, {k: v for k, v in said.items() if v})
        answer = link.getresponse()
        text = answer.read().decode()
        for raw in answer.headers.get_all("Set-Cookie") or []:
            for name, cookie in SimpleCookie(raw).items():
                self.cookies.pop(name, None)
                if cookie["max-age"] != "0" and cookie.value:
                    self.cookies[name] = cookie.value
        link.close()
        target = urlsplit(answer.headers.get("Location", ""))
        query = f"?{target.query}" if target.query else ""
        return Answer(answer.status, target.path + query, text)

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())
