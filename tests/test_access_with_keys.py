"""Every call of a program, with every key that must not do it, and with one that may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from chat.accounts import api_keys
from chat.models import ApiKey, User
from chatsite.mailbox import Mailbox
from tests.access import owner_data as worlds
from tests.access.access_rules import TABLE, Entry, Kind
from tests.access.http_call import Answer, ask
from tests.access.owner_data import World
from tests.access.routes import Route, routes
from tests.access.undone import Undone
from tests.access.visitors import Visitor, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

CALLS = [
    (route, TABLE[route.written])
    for route in routes()
    if route.written.startswith(("api/v1/", "v1/"))
    and TABLE[route.written].kind is not Kind.PUBLIC
]
ALL_SCOPES = {"can_chat": True, "can_read_history": True, "can_batch": True}
#: What any key is told.
OPEN = ("api/v1/allowances", "api/v1/status")
#: What shows or changes more than any key has made.
OF_ACCOUNT = {
    ("GET", "api/v1/search"),
    ("GET", "api/v1/conversations"),
    ("GET", "api/v1/export"),
    ("GET", "api/v1/imports"),
    ("POST", "api/v1/imports"),
    ("GET", "api/v1/settings"),
    ("PUT", "api/v1/settings"),
    ("GET", "api/v1/settings/ready-mail"),
    ("PUT", "api/v1/settings/ready-mail"),
    ("GET", "api/v1/presets"),
    ("POST", "api/v1/presets"),
    ("GET", "api/v1/shared-links"),
    ("GET", "api/v1/webhooks"),
    ("POST", "api/v1/webhooks"),
}


@pytest.fixture
def world(box: Mailbox) -> World:
    return worlds.make(box, has_account=True)


def _key(owner: User, **fields: Any) -> str:
    return api_keys.make_key(owner, "a program", **{**ALL_SCOPES, **fields})[1]


def _revoked(world: World) -> str:
    secret = _key(world.owner)
    api_keys.revoke(ApiKey.objects.get(owner=world.owner, can_batch=True))
    return secret


def _expired(world: World) -> str:
    return _key(world.owner, expires_at=timezone.now() - timedelta(seconds=1))


def _of_inactive(world: World) -> str:
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    return _key(world.owner)


UNUSABLE = {
    "none": lambda _world: "",
    "a wrong one": lambda _world: "csk_" + "x" * 43,
    "a revoked one": _revoked,
    "an expired one": _expired,
    "that of an account made inactive": _of_inactive,
}


def _answers(
    world: World, secret: str, client: Client, box: Mailbox
) -> Iterator[tuple[Route, Entry, Answer]]:
    """What every call answers; what it did is undone."""
    undone = Undone(box, Visitor(client))
    for route, entry in CALLS:
        path = route.path(pk=world.ids.get(entry.of, ""), name="scripted")
        for method in (one for one in entry.methods if one != "HEAD"):
            with undone():
                fields = entry.query(world), entry.form(world)
                said = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
                yield route, entry, ask(client, method, path, entry, *fields, **said)


@pytest.mark.parametrize("which", UNUSABLE)
def test_without_a_usable_key_no_cookie_helps(
    which: str, world: World, box: Mailbox
) -> None:
    """The browser of the owner sends along its own cookies."""
    client = signed_in(world.owner).client
    secret = UNUSABLE[which](world)
    answers = [answer for _, _, answer in _answers(world, secret, client, box)]
    methods = [one for _, entry in CALLS for one in entry.methods if one != "HEAD"]
    assert len(answers) == len(methods) > 30
    assert [str(answer) for answer in answers if answer.status != 401] == []
    assert [str(one) for one in answers if one.tells(world.secrets)] == []
    assert [str(one) for one in answers if "Set-Cookie" in one.text] == []


def test_a_foreign_key_opens_nothing(world: World, box: Mailbox) -> None:
    stranger = User.objects.create_user("somebody", None)
    secret, problems = _key(stranger), []
    client = Client(raise_request_exception=False)
    for _, entry, answer in _answers(world, secret, client, box):
        if told := answer.tells(world.secrets):
            problems.append(f"{answer} tells {told}")
        is_of_owner = entry.kind is Kind.OBJECT or entry.of
        if is_of_owner and answer.status != 404:
            problems.append(f"{answer}, not 404")
    assert problems == []


def test_a_key_without_a_scope_may_do_nothing_with_it(
    world: World, box: Mailbox
) -> None:
    secret = _key(world.owner, **dict.fromkeys(ALL_SCOPES, False))
    client, problems = Client(raise_request_exception=False), []
    for route, _, answer in _answers(world, secret, client, box):
        if answer.status != (200 if route.written in OPEN else 403):
            problems.append(str(answer))
    assert problems == []


def test_a_key_that_only_sends_reads_and_changes_only_its_own(
    world: World, box: Mailbox
) -> None:
    secret = _key(world.owner, can_read_history=False, can_batch=False)
    client, problems = Client(raise_request_exception=False), []
    for route, entry, answer in _answers(world, secret, client, box):
        is_of_owner = entry.kind is Kind.OBJECT or entry.of
        is_refused = (answer.method, route.written) in OF_ACCOUNT
        if (is_of_owner or is_refused) and answer.status != 403:
            problems.append(f"{answer}, not 403")
        if told := answer.tells(world.secrets):
            problems.append(f"{answer} tells {told}")
    into = {"text": "hello", "conversation": str(world.ids["conversation"])}
    said = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    path, entry = "/api/v1/messages", TABLE["api/v1/messages"]
    assert ask(client, "POST", path, entry, {}, into, **said).status == 403
    assert problems == []


@pytest.mark.parametrize("guests", [True, False])
def test_a_key_with_all_scopes_does_what_its_owner_may(
    guests: bool, world: World, box: Mailbox, settings: Any
) -> None:
    settings.GUESTS = guests
    secret, problems = _key(world.owner), []
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    for route, entry, answer in _answers(world, secret, client, box):
        if entry.kind is Kind.KEY and not entry.of:
            continue  # their answers have tests of their own
        expected = entry.reads if answer.method == "GET" else entry.answers
        if answer.status not in expected:
            problems.append(f"{answer}: {answer.text}")
        told = answer.tells(world.secrets, all_of=True)
        if answer.method == "GET" and (missing := {*entry.shows} - {*told}):
            problems.append(f"{route.written} does not show {missing}")
        if "Set-Cookie" in answer.text:
            problems.append(f"{answer} sets a cookie")
    assert problems == []
