"""Malformed requests to every address: no 500, nothing saved half.

``FUZZ_SEED=7 FUZZ_REQUESTS=900 pytest tests/test_fuzzing.py`` makes other ones, or as
many as it takes to come to one that failed: the same seed makes the same requests.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, path
from django.views.decorators.csrf import csrf_exempt
from pytest_django import Settings

import chatsite.urls
from chat.keeper import Keeper
from chat.models import Conversation, Message
from chatsite.mailbox import Mailbox
from chatsite.wsgi import without_charset
from tests.access.routes import Route, routes
from tests.environment import IS_SOAK
from tests.fuzzing import invariants, values
from tests.fuzzing.callers import Person, people, rows_elsewhere
from tests.fuzzing.form_fields import field_names

SEED = int(os.environ.get("FUZZ_SEED", "6"))
#: The second database meets the same code with fewer.
USUAL = 100 if os.environ.get("TEST_DATABASE") == "postgres" else 600
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", 20_000 if IS_SOAK else USUAL))
#: All invariants are looked at after so many requests.
BATCH = 50
#: What was used up (deleted, stopped, answered) is there again after so many.
REFURNISH = 400
#: What there is to ask for is looked up after so many.
LOOK_AGAIN = 10
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
TRICKS = (
    "//",
    "/./",
    "/../",
    "/%2e%2e/",
    "/%00",
    "/;a",
    "/%ff%fe",
    "/%c0%ae/",
    "\\",
    "/" * 50,
    "?",
)


TOKEN = "csrfmiddlewaretoken"


@dataclass
class Ask:
    """One request, as a server hands it to Django."""

    person: str
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote_to_bytes(_utf8(self.path)).decode("latin-1"),
            "QUERY_STRING": _utf8(self.query).decode("latin-1"),
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.input": BytesIO(self.body),
            **self.headers,
            "CONTENT_TYPE": without_charset(self.headers.get("CONTENT_TYPE", "")),
        }

    def __str__(self) -> str:
        return (
            f"{self.person}: {self.method} {self.path[:300]!r}?{self.query[:300]!r}\n"
            f"  {self.headers!r:.1500}\n  {self.body[:1500]!r} ({len(self.body)} bytes)"
        )


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Fuzzer:
    """Makes requests, most of them almost right, so that they get deep."""

    def __init__(self, seed: int, everybody: list[Person], found: list[Route]) -> None:
        self._random = random.Random(seed)
        self._everybody = everybody
        self._routes = found
        self._names = field_names()
        self._asked = 0
        self._ids: dict[str, list[str]] = {}
        self._rows: list[str] = []

    def ask(self) -> tuple[Person, Ask]:
        r = self._random
        person = r.choice(self._everybody)
        if self._asked % LOOK_AGAIN == 0:
            self._ids = {other.name: other.ids() for other in self._everybody}
            self._rows = rows_elsewhere()
        self._asked += 1
        ids = self._ids[person.name] + self._rows
        others = [pk for theirs in self._ids.values() for pk in theirs]
        if person.forms and r.random() < 0.4:
            form = r.choice(person.forms)
            method, address = form.method, form.action
            pairs = [
                (name, person.token if name == TOKEN else said)
                for name, said in form.fields
            ]
        else:
            route = r.choice(self._routes)
            named = {
                name: values.path_value(r, ids, others) for name in route.parameters
            }
            address = route.path(**{"pk": "", **named})
            method = r.choice(METHODS[:2]) if r.random() < 0.7 else r.choice(METHODS)
            pairs = [
                (name, values.value(r, ids, name))
                for name in r.choices(self._names, k=r.randrange(6))
            ]
        if r.random() < 0.05:
            method = r.choice((*METHODS, "PROPFIND", "get", ""))
        if r.random() < 0.04:
            place = r.randrange(len(address) + 1)
            address = address[:place] + r.choice(TRICKS) + address[place:]
        return person, self._filled(
            person, method, address, self._changed(pairs, ids), ids
        )

    def _changed(
        self, pairs: list[tuple[str, str]], ids: list[str]
    ) -> list[tuple[str, str]]:
        """The same with something else in it, without something, or twice."""
        r = self._random
        pairs = [(name, text or values.value(r, ids, name)) for name, text in pairs]
        for _ in range(r.choice((0, 0, 1, 1, 2, 5))):
            place = r.randrange(len(pairs) + 1)
            name = pairs[place - 1][0] if pairs else r.choice(self._names)
            odd = (name, values.value(r, ids, name))
            pairs[place : place + r.randrange(2)] = [odd] * r.choice((0, 1, 1, 2))
        return pairs

    def _filled(
        self, person: Person, method: str, address: str, pairs: Any, ids: list[str]
    ) -> Ask:
        r = self._random
        headers: dict[str, str] = {}
        query, body = "", b""
        if method in ("GET", "HEAD") or r.random() < 0.05:
            query = values.urlencoded(r, pairs).decode()
        if method not in ("GET", "HEAD") or r.random() < 0.05:
            is_json = "/api/" in address or r.random() < 0.03
            body, headers["CONTENT_TYPE"] = values.body(r, pairs, ids, is_json=is_json)
        if r.random() < 0.03:
            query += r.choice(
                ("&%", "&%ff=%fe", "&a[]=1", "&=&;", "&" * 1200, "\0", "&\ud800")
            )
        if r.random() < 0.4:
            headers["HTTP_HX_REQUEST"] = "true"
        for name in r.choices(list(values.HEADERS), k=r.choice((0, 0, 1, 1, 2, 4))):
            headers[name] = r.choice(values.HEADERS[name])
        if r.random() < 0.9:
            headers.setdefault("HTTP_X_CSRFTOKEN", person.token)
        if r.random() < 0.1:
            headers["HTTP_COOKIE"] = self._cookies(person)
        return Ask(person.name, method, address, query, body, headers)

    def _cookies(self, person: Person) -> str:
        r = self._random
        kept = [f"{name}={said.value}" for name, said in person.client.cookies.items()]
        odd = [
            f"{r.choice(values.COOKIES)}={r.choice(values.COOKIE_VALUES)}"
            for _ in range(2)
        ]
        return r.choice(("; ", ";", ",", "; ;")).join(
            r.sample([*kept, *odd], r.randint(1, len(kept) + 2))
        )


class Errors(logging.Handler):
    """What was logged as an error, and exceptions that became an answer of 500."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # A host that is not ours, and the like, are refused with 400 and noted.
        if not record.name.startswith("django.security."):
            self.found.append(self.format(record)[-2500:])

    def raised(self, **_: object) -> None:
        self.found.append(f"an exception left a view\n{traceback.format_exc()[-2500:]}")


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> None:
    """Nothing is refused for its number: all that is asked comes to where it goes.
    Passwords are hashed quickly."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for whose in ("GUEST", "ACCOUNT", "NETWORK"):
        for kind in ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "TOKENS_PER_DAY"):
            setattr(settings, f"{whose}_{kind}", None)
    settings.NETWORK_GUESTS_PER_HOUR = settings.NETWORK_SIGNUPS_PER_HOUR = None
    settings.NETWORK_MAILS_PER_HOUR = None


@pytest.fixture
def errors() -> Iterator[Errors]:
    handler = Errors()
    logging.getLogger().addHandler(handler)
    got_request_exception.connect(handler.raised)
    yield handler
    got_request_exception.disconnect(handler.raised)
    logging.getLogger().removeHandler(handler)


@dataclass
class Trial:
    """Asks, and judges each answer by the database before and after it."""

    box: Mailbox
    errors: Errors
    everybody: list[Person]
    statuses: Counter[int] = field(default_factory=Counter)
    kept: dict[str, str] = field(default_factory=invariants.fingerprints)

    def ask(self, person: Person, ask: Ask) -> None:
        response = person.client.request(**ask.environ())
        html = b"".join(response) if response.streaming else response.content
        self.statuses[response.status_code] += 1
        if self.errors.found:
            raise AssertionError("\n".join(self.errors.found))
        assert response.status_code < 500
        now = invariants.fingerprints()
        if response.status_code >= 400:
            changed = [name for name in now if now[name] != self.kept.get(name)]
            assert not changed, (
                f"refused with {response.status_code}, yet changed {changed}"
            )
        self.kept = now
        is_page = response.status_code == 200 and ask.method == "GET"
        if is_page and "html" in response.headers.get("Content-Type", ""):
            person.learn(ask.path, html.decode("utf-8", "replace"))

    def refurnish(self) -> None:
        """Everybody is there, signed in, and has something to lose again."""
        self.box.connection.client.flushall()
        self.box.announce_keeper(3600)
        Conversation.objects.all().delete()
        for person in self.everybody:
            person.refurnish(self.box)
        self.errors.found.clear()
        self.kept = invariants.fingerprints()

    def sweep(self) -> None:
        """The keeper finds nothing that it cannot deal with."""
        Keeper().sweep()
        invariants.look()
        self.kept = invariants.fingerprints()


def fuzz(
    box: Mailbox,
    errors: Errors,
    requests: int = REQUESTS,
    found: list[Route] | None = None,
) -> Trial:
    trial = Trial(box, errors, people())
    fuzzer = Fuzzer(SEED, trial.everybody, found or routes())
    for number in range(requests):
        if number % REFURNISH == 0:
            trial.refurnish()
        person, ask = fuzzer.ask()
        try:
            trial.ask(person, ask)
            if number % BATCH == BATCH - 1:
                invariants.look()
                trial.sweep()
        except AssertionError as error:
            replay = f"FUZZ_SEED={SEED} FUZZ_REQUESTS={number + 1}"
            raise AssertionError(f"{error}\n{replay}\n{ask}") from None
    return trial


@pytest.mark.timeout(3600 if IS_SOAK else 600)
@pytest.mark.django_db(transaction=True)
def test_no_request_fails_the_server_or_saves_half(
    box: Mailbox, errors: Errors
) -> None:
    trial = fuzz(box, errors)
    shares = {status // 100 for status in trial.statuses}
    assert shares >= {2, 3, 4}, trial.statuses
    done = sum(count for status, count in trial.statuses.items() if status < 400)
    assert done > REQUESTS / 10, f"hardly any request got deep: {trial.statuses}"


def fails(request: HttpRequest) -> HttpResponse:
    return HttpResponse(int(request.GET.get("q") or request.POST.get("q") or 1))


def saves_half(request: HttpRequest) -> HttpResponse:
    Conversation.objects.update(title="another")
    return HttpResponse(status=400)


def forgets_the_reply(_request: HttpRequest) -> HttpResponse:
    talk = Conversation.objects.order_by("pk").first()
    if talk is not None:
        Message.objects.create(
            conversation=talk, owner_id=talk.owner_id, role="user", text="x"
        )
    return HttpResponse("saved")


@pytest.fixture
def _abandoned_uploads_are_collected() -> Iterator[None]:
    """Files of views that failed in the middle of an upload, which else warn later."""
    yield
    gc.collect()


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (fails, "an exception left a view"),
        (saves_half, "refused with 400, yet changed"),
        (forgets_the_reply, "has no reply"),
    ],
)
@pytest.mark.usefixtures("_abandoned_uploads_are_collected")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.django_db(transaction=True)
def test_a_view_that_does_harm_is_found(
    view: Any, said: str, box: Mailbox, errors: Errors, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = [*chatsite.urls.urlpatterns[:-1], path("harm/", csrf_exempt(view))]
    monkeypatch.setattr(
        chatsite.urls, "urlpatterns", [*patterns, *chatsite.urls.urlpatterns[-1:]]
    )
    clear_url_caches()
    found = routes()
    harmful = [route for route in found if route.written == "harm/"]
    # As many requests go to the view as to all others.
    found += harmful * len(found)
    try:
        with pytest.raises(AssertionError, match=said):
            fuzz(box, errors, 2000, found)
    finally:
        monkeypatch.undo()
        clear_url_caches()
