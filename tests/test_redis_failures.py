"""Redis fails between any two calls that a request makes: every path, every call.

The paths come from the URL configuration, and what is asked there from the table in
``tests/access/access_rules.py``.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import Client, TestCase

from chat.accounts import guest_cookie
from chat.keeper import Keeper
from chat.models import User
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox
from tests.access import owner_data as worlds
from tests.access.access_rules import Entry, Kind, entry_of, own
from tests.access.http_call import Answer, ask
from tests.access.owner_data import World
from tests.access.redis_outage import Copy, Failure, Outage, contents
from tests.access.routes import routes
from tests.chat.conftest import Worker, worker
from tests.environment import IS_SOAK
from tests.fuzzing import invariants

__all__ = ["worker"]
#: There is a request for each path and each of its calls to Redis.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

PASSWORD = "a long enough one"
NEW = "another long one"
#: Forms of account pages as they succeed: path, fields, whether one is signed in.
ACCOUNT_FORMS: tuple[tuple[str, dict[str, str], bool], ...] = (
    ("log-in", {"name": "bee", "password": PASSWORD}, False),
    ("sign-up", {"name": "wasp", "password": NEW}, False),
    ("erase", {}, False),
    ("erase", {"password": PASSWORD}, True),
    ("merge", {"choice": "take"}, True),
    ("password", {"password": PASSWORD, "new": NEW}, True),
    ("email", {"password": PASSWORD, "email": "bee@example.net"}, True),
    ("forgotten", {"email": "bee@example.org"}, False),
)
FORM = own(("POST",))
GUEST_FORMS = ("sign-up", "forgotten")
#: What ended and was not collected is written again where Redis is emptied.
MOMENTS = [
    (("guest", "being written"), Failure.EMPTIED),
    (("account", "ended"), Failure.AWAY),
]
if IS_SOAK:
    MOMENTS += [
        (("account", "being written"), Failure.EMPTIED),
        (("guest", "ended"), Failure.AWAY),
        (("guest", "being written"), Failure.AWAY),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    entry: Entry
    form: dict[str, Any] = field(default_factory=dict)
    is_signed_in: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    answer: Answer
    #: How many calls to Redis it made.
    calls: int
    #: What the database holds once the keeper swept; of a POST that called Redis.
    contents: Counter[tuple[Any, ...]]


class Trial:
    """Asks the same again and again, of a site that is as it was before."""

    def __init__(self, box: Mailbox, world: World, patch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._outage = Outage(box, patch)
        # Made once: a client reads all static files before it asks.
        self._clients = [Client(raise_request_exception=False) for _ in range(2)]
        cookie = guest_cookie.signed_value(world.ids["left"])
        for client in self._clients:
            client.cookies[guest_cookie.cookie_name()] = cookie
        self._clients[True].force_login(world.owner)
        self._cookies = [SimpleCookie(client.cookies) for client in self._clients]
        self._copy = Copy(box)

    def ask(self, asked: Asked, call: int, failure: Failure) -> Result:
        self._copy.bring_back()
        client = self._clients[asked.is_signed_in]
        client.cookies = SimpleCookie(self._cookies[asked.is_signed_in])
        with transaction.atomic():
            entry, world = asked.entry, self._world
            form = asked.form or entry.form(world)
            more = entry.query(world), form
            with self._outage.at(call, failure):
                answer = ask(client, asked.method, asked.path, entry, *more)
                calls = self._outage.calls
            kept = _swept() if asked.method == "POST" and calls else Counter()
            transaction.set_rollback(True)
        return Result(answer, calls, kept)


def _swept() -> Counter[tuple[Any, ...]]:
    """What the database holds once the keeper swept."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        Keeper().sweep()
    invariants.look()
    return contents()


@pytest.fixture(autouse=True)
def _passwords_are_cheap_and_notices_leave(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HAS_MAIL, settings.SITE_URL = True, "https://chat.example.org"
    settings.HAS_PUSH, settings.VAPID_PRIVATE_KEY = True, "B" * 42 + "A"


@pytest.fixture
def world(box: Mailbox, request: pytest.FixtureRequest, worker: Worker) -> World:
    """The owner's reply is being written, or it has ended and no row knows."""
    whose, state = request.param
    world = worlds.make(box, has_account=whose == "account")
    if state == "ended":
        worker.finish(world.claims["growing"], "the whole answer")
    owner, left = world.owner, User.objects.guest(uuid.uuid4())
    owner.is_staff = owner.is_superuser = whose == "account"
    if whose == "account":
        owner.username, owner.email = "bee", "bee@example.org"
        owner.set_password(PASSWORD)
    owner.save()
    with TestCase.captureOnCommitCallbacks(execute=True):
        send_message(left, "left in this browser", "key")
    world.ids["left"] = left.pk
    return world


def requests(world: World) -> Iterator[Asked]:
    has_account = world.owner.username is not None
    for route in routes():
        entry = entry_of(route)
        if entry.kind is Kind.KEY or route.written == "readyz":
            continue  # no browser asks for these, or the answer is that Redis is away
        if entry.of and entry.of_accounts and not has_account:
            continue  # a guest has none of them
        path = route.path(pk=world.ids.get(entry.of) or world.owner.pk)
        for method in ("GET", "POST"):
            if method in entry.methods:
                yield Asked(method, path, entry)
    for name, form, is_signed_in in ACCOUNT_FORMS:
        if has_account or name in GUEST_FORMS:
            yield Asked("POST", f"/account/{name}/", FORM, form, is_signed_in)


@pytest.mark.parametrize(("world", "failure"), MOMENTS, indirect=["world"])
def test_whichever_call_to_redis_fails_nothing_fails_and_the_same_is_saved(
    world: World,
    failure: Failure,
    box: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = Trial(box, world, monkeypatch)
    problems = []
    for asked in requests(world):
        good = trial.ask(asked, 0, failure)
        assert is_as_it_should_be(asked, good.answer.status), str(good.answer)
        for call in range(1, good.calls + 1):
            bad = trial.ask(asked, call, failure)
            if why := difference(bad, good):
                said = f"{bad.answer}, call {call} of {good.calls} {failure}: {why}"
                problems.append(said)
    assert not problems, "\n".join(problems)


def is_as_it_should_be(asked: Asked, status: int) -> bool:
    """Whether it is answered so while Redis is there: what is tried succeeds."""
    entry = asked.entry
    is_refused = entry.kind in (Kind.STAFF, Kind.PUBLIC) and not asked.form
    return status < 400 or status == 405 or status in entry.answers or is_refused


def difference(bad: Result, good: Result) -> str:
    if bad.answer.status // 100 != good.answer.status // 100:
        return f"not {good.answer.status}"
    if bad.contents == good.contents:
        return ""
    return f"{bad.contents - good.contents} for {good.contents - bad.contents}"
