"""Nobody ever sees another's: every path, asked by everybody.

The paths come from the URL configuration and the table in ``tests/access/table.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from chatsite.mailbox import Mailbox
from tests.access import world as worlds
from tests.access.asking import ask, carried, is_refused, told
from tests.access.people import STRANGERS, Visitor, signed_in
from tests.access.routes import Route, routes
from tests.access.table import ALL, BOTH, TABLE, Entry, Kind, entry_of
from tests.access.traces import traces
from tests.access.world import World
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

ROUTES = routes()
OWNERS = ("guest", "account")
OPTIONS_TOO = ("OPTIONS",)


@pytest.fixture
def raw(valkey: Valkey) -> Iterator[redis.Redis]:
    """Redis as it is, whatever it holds."""
    client = redis.Redis(unix_socket_path=str(valkey.socket))
    yield client
    client.close()


@pytest.fixture
def world(box: Mailbox, request: pytest.FixtureRequest) -> World:
    return worlds.make(box, has_account=request.param == "account")


def test_every_path_stands_in_the_table() -> None:
    unknown = []
    for route in ROUTES:
        try:
            entry_of(route)
        except LookupError as error:
            unknown.append(str(error))
    assert not unknown, "\n".join(unknown)


def leaked(world: World, response: Any, said: str, *, may: tuple[str, ...] = ()) -> str:
    """Which secrets of the owner's an answer tells, that the request did not carry."""
    answer = told(response)
    return ", ".join(
        what
        for what, token in world.secrets.found.items()
        if token in answer and token not in said and not what.startswith(may or ("-",))
    )


class Asked:
    """One path asked in one way by one visitor: what is wrong with what came back."""

    def __init__(
        self, world: World, visitor: Visitor, route: Route, entry: Entry
    ) -> None:
        self.world, self.visitor = world, visitor
        self.route, self.entry = route, entry

    def problems(self, method: str, path: str, *, is_taken: bool) -> Iterator[str]:
        query, form = self.entry.query(self.world), self.entry.form(self.world)
        response = ask(self.visitor.client, method, path, self.entry, query, form)
        what = f"{method} {path}: {response.status_code}"
        if tell := leaked(self.world, response, carried(method, path, query, form)):
            yield f"{what} tells {tell}"
        if response.status_code >= 500:
            yield what
        if not is_taken and not self._says_which_it_takes(response, method):
            yield f"{what}, not 405"
        if is_taken and self.entry.kind is Kind.OBJECT:
            is_api = path.startswith("/api/")
            if not is_refused(response, is_api=is_api):
                yield f"{what}, neither 404 nor the log-in page"

    def _says_which_it_takes(self, response: Any, method: str) -> bool:
        """A view that refuses its visitor first is as good."""
        is_told = method == "OPTIONS" and response.status_code == 200
        if is_told and "Allow" in response.headers:
            return not response.content
        return response.status_code == 405 or is_refused(response)


def ids_for(
    world: World, route: Route, entry: Entry, *, is_thorough: bool
) -> list[Any]:
    if not route.takes_id:
        return [None]
    if entry.kind is Kind.STAFF:
        return [world.ids["conversation"], world.owner.pk]
    return list(world.ids.values()) if is_thorough else [world.ids[entry.of]]


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize("world", OWNERS, indirect=True)
def test_a_stranger_gets_nothing_of_it_and_changes_nothing(
    world: World, stranger: str, raw: redis.Redis
) -> None:
    if stranger == "the guest the owner was" and world.owner.is_guest:
        pytest.skip("its cookie is a guest's only way back")
    visitor = STRANGERS[stranger](world)
    names = {str(pk) for pk in (*world.ids.values(), world.owner.pk)}
    problems = []
    for route in ROUTES:
        entry = entry_of(route)
        if entry.kind is Kind.STAFF and stranger == "a superuser":
            continue
        visitor.come_back()
        session = visitor.session
        before = traces(raw, visitor.user, session)
        for method in ALL:
            is_taken = method in entry.methods
            is_thorough = is_taken and stranger == "another account"
            for pk in ids_for(world, route, entry, is_thorough=is_thorough):
                asked = Asked(world, visitor, route, entry)
                path = route.path(pk=pk)
                problems += asked.problems(method, path, is_taken=is_taken)
        after = traces(raw, visitor.user, session)
        if entry.kind is Kind.OWN:
            left = after.lacks_of(before, world.owner.pk, names)
        else:
            left = after.differs_from(before)
        problems += [f"{route.written}: {what}" for what in left]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("written", [w for w, e in TABLE.items() if e.kind != "public"])
@pytest.mark.parametrize("world", OWNERS, indirect=True)
def test_the_owner_gets_what_belongs_to_them(
    world: World, written: str, raw: redis.Redis
) -> None:
    entry = TABLE[written]
    found = [route for route in ROUTES if route.written == written]
    assert found, f"no path is written {written!r} any more: take it out of the table"
    route = found[0]
    client = signed_in(world.owner).client
    path = route.path(pk=world.ids.get(entry.of))
    query, form = entry.query(world), entry.form(world)
    for method in BOTH:
        if method not in entry.methods:
            continue
        before = traces(raw, world.owner)
        response = ask(client, method, path, entry, query, form)
        if method == "POST":
            assert response.status_code in entry.answers, told(response)
            assert not entry.changes or traces(raw, world.owner) != before
            continue
        assert response.status_code in entry.reads
        missing = [
            w for w in entry.shows if world.secrets.found[w] not in told(response)
        ]
        assert method == "HEAD" or not missing
