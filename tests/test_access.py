"""Nobody ever sees another's: every path, asked by everybody.

The paths come from the URL configuration, and whose they are from the table in
``tests/access/access_rules.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import pytest
import redis
from django.contrib.contenttypes.models import ContentType

from chat.models import Conversation, Message, Reply
from chatsite.mailbox import Mailbox
from tests.access import owner_data as worlds
from tests.access.access_rules import (
    ALL,
    NO_TEXT,
    READ,
    TABLE,
    WRITING,
    Entry,
    Kind,
    entry_of,
)
from tests.access.http_call import Answer, ask
from tests.access.owner_data import World
from tests.access.parameter_names import names_read
from tests.access.routes import Route, routes
from tests.access.stored_state import Traces, traces
from tests.access.undone import Undone
from tests.access.visitors import (
    STRANGERS,
    Visitor,
    another_account,
    erase,
    nobody,
    signed_in,
    superuser,
)
from tests.environment import IS_SOAK
from tests.valkey import Valkey

#: Each visitor asks for every path, with every id of another.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

ROUTES = routes()
OWNERS = ("guest", "account")
OWNED = [w for w, e in TABLE.items() if e.kind in (Kind.OWN, Kind.OBJECT)]
of_both = pytest.mark.parametrize("world", OWNERS, indirect=True)
#: Paths that change nothing are looked after together.
AT_ONCE = 8
Look = Callable[[Visitor], Traces]
Fields = dict[str, Any]


@pytest.fixture
def look(valkey: Valkey) -> Iterator[Look]:
    """All that database and Redis hold, but for what a visit notes of the visitor."""
    client = redis.Redis(unix_socket_path=str(valkey.socket))
    yield lambda visitor: traces(client, visitor.user, visitor.session)
    client.close()


@pytest.fixture
def world(box: Mailbox, request: pytest.FixtureRequest, settings) -> World:
    settings.HAS_PUSH, settings.VAPID_PRIVATE_KEY = True, "B" * 42 + "A"
    return worlds.make(box, has_account=request.param == "account")


def test_every_path_stands_in_the_table() -> None:
    unknown = []
    for route in ROUTES:
        try:
            entry_of(route)
        except LookupError as error:
            unknown.append(str(error))
    assert not unknown, "\n".join(unknown)


@of_both
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_gets_nothing_of_it_and_changes_nothing(
    world: World, stranger: str, box: Mailbox, look: Look
) -> None:
    if stranger == "the guest the owner was" and world.owner.is_guest:
        pytest.skip("its cookie is a guest's only way back")
    visitor = STRANGERS[stranger](world)
    # A guest has less that another could get.
    has_more = IS_SOAK or not world.owner.is_guest
    is_thorough = stranger == "another account" and has_more
    undone, before = Undone(box, visitor), look(visitor)
    problems: list[str] = []
    for together in _together():
        with undone():
            for route, entry in together:
                if entry.kind is Kind.STAFF and stranger == "a superuser":
                    continue  # has a test of its own
                requests = _requests(world, route, entry, is_thorough=is_thorough)
                for method, path in requests:
                    problems += _refusal(world, visitor, entry, method, path)
            what = ", ".join(route.written for route, _ in together)
            problems += _left(world, together[0][1], before, look(visitor), what)
    assert not problems, "\n".join(problems)


def _together() -> Iterator[list[tuple[Route, Entry]]]:
    """Paths that make something for whoever asks one by one; the others, which change
    nothing at all, some at a time."""
    quiet = []
    for route in ROUTES:
        entry = entry_of(route)
        if entry.kind is Kind.OWN:
            yield [(route, entry)]
        else:
            quiet.append((route, entry))
    for start in range(0, len(quiet), AT_ONCE):
        yield quiet[start : start + AT_ONCE]


def _requests(
    world: World, route: Route, entry: Entry, *, is_thorough: bool
) -> Iterator[tuple[str, str]]:
    """For a thorough look every method, and every id of the owner's, whatever it is
    the id of."""
    is_staff = entry.kind is Kind.STAFF
    right = world.owner.pk if is_staff else world.ids.get(entry.of, "")
    for method in entry.methods if is_staff or not is_thorough else ALL:
        if method == "HEAD" and not is_thorough:
            continue
        is_wide = is_thorough and route.parameters and method in entry.methods
        for pk in world.ids.values() if is_wide and not is_staff else [right]:
            yield method, route.path(pk=pk)


def _refusal(
    world: World, visitor: Visitor, entry: Entry, method: str, path: str
) -> Iterator[str]:
    """What is wrong with how a stranger was answered."""
    query, form = entry.query(world), entry.form(world)
    answer = ask(visitor.client, method, path, entry, query, form)
    is_staff = visitor.user is not None and visitor.user.is_staff
    yield from _told(world, answer, *(entry.tells_staff if is_staff else ()))
    if entry.kind is Kind.KEY and method == "OPTIONS":
        pass  # any site may ask what it may send
    elif method not in entry.methods:
        # A view may be told apart by its visitor first.
        if not (answer.is_of_methods or answer.is_refused):
            yield f"{answer}, not 405"
    elif entry.kind in (Kind.OBJECT, Kind.KEY) and not answer.is_refused:
        yield f"{answer}, neither 404 nor the log-in page"


def _told(world: World, answer: Answer, *but: str) -> Iterator[str]:
    """What an answer tells of the owner, ``but`` what is no secret from who asks."""
    told = [what for what in answer.tells(world.secrets) if not what.startswith(but)]
    if told:
        yield f"{answer} tells {', '.join(told)}"
    if answer.status >= 500:
        yield str(answer)


def _left(
    world: World, entry: Entry, before: Traces, after: Traces, what: str
) -> list[str]:
    """What changed: nothing at all, or where it makes something for whoever asks,
    nothing of the owner's."""
    if entry.kind is Kind.OWN:
        names = {str(pk) for pk in (*world.ids.values(), world.owner.pk)}
        found = after.lacks_of(before, world.owner.pk, names)
    else:
        found = after.differs_from(before)
    return [f"{what}: {each}" for each in found]


@pytest.mark.parametrize("world", ["account"], indirect=True)
def test_ids_of_another_in_a_query_or_a_form_open_nothing(
    world: World, box: Mailbox, look: Look
) -> None:
    """Asked for one's own, with another's in every name that the view reads."""
    asker = worlds.make(box, has_account=False)
    visitor = signed_in(asker.owner)
    for what in [*world.secrets.found]:  # the asker writes these into their own texts
        if any(world.secrets.found[what] in value for value in _foreign(world)):
            del world.secrets.found[what]
    undone, before = Undone(box, visitor), look(visitor)
    problems: list[str] = []
    for route in ROUTES:
        entry = entry_of(route)
        if entry.kind not in (Kind.OWN, Kind.OBJECT):
            continue
        for method in (each for each in entry.methods if each != "HEAD"):
            with undone():
                for answer in _with_foreign(world, asker, visitor, route, method):
                    problems += _told(world, answer)
                what = f"{method} {route.written}"
                problems += _left(world, Entry(Kind.OWN), before, look(visitor), what)
    assert not problems, "\n".join(problems)


def _with_foreign(
    world: World,
    asker: World,
    visitor: Visitor,
    route: Route,
    method: str,
) -> Iterator[Answer]:
    entry = entry_of(route)
    path = route.path(pk=asker.ids.get(entry.of, ""))
    query, form = entry.query(asker), entry.form(asker)
    send = partial(ask, visitor.client, method, path, entry)
    with names_read() as names:
        own = send(query, form)
        assert own.status in (*entry.reads, *entry.answers) or entry.of_accounts, own
    names.discard("csrfmiddlewaretoken")
    said = partial(_said, method, query, form)
    #: Names for which a request is refused, whatever else it says.
    refused: set[str] = set()
    for value in _foreign(world):
        with names_read() as read:
            together = send(*said(names - refused, value))
        yield together
        # A refusal, or a name that was not looked up, leaves open what each does alone.
        is_open = IS_SOAK or together.status != own.status
        for name in sorted(names if is_open else refused | (names - read)):
            alone = send(*said({name}, value))
            yield alone
            if alone.status != own.status:
                refused.add(name)


def _said(
    method: str, query: Fields, form: Fields, names: Collection[str], value: str
) -> tuple[Fields, Fields]:
    """Query and form, with the value for each of the names."""
    foreign = dict.fromkeys(names, value)
    if method in WRITING:
        return query, {**form, **foreign}
    return {**query, **foreign}, form


def _foreign(world: World) -> list[str]:
    """Ids of another's as the pages write them: bare, as a reply that grows, as a
    place in the list."""
    ids = world.ids
    return [
        str(ids["busy"]),
        str(ids["held_prompt"]),
        str(ids["held"]),
        str(ids["deleted"]),
        f"{ids['growing']}:0:0",
        f"9999999999999999-{ids['waiting'].hex}",
    ]


@of_both
def test_an_idempotency_key_of_another_is_no_way_to_their_reply(
    world: World, look: Look
) -> None:
    visitor = another_account(world)
    before = look(visitor)
    form, entry = {"text": world.text}, TABLE["api/v1/messages"]
    said = {"HTTP_IDEMPOTENCY_KEY": world.key}
    answer = ask(visitor.client, "POST", "/api/v1/messages", entry, {}, form, **said)
    assert answer.status == 202
    assert not [*_told(world, answer)]
    assert not _left(world, entry, before, look(visitor), "")


@of_both
def test_what_was_deleted_is_gone_for_its_owner_too_but_for_the_way_back(
    world: World, look: Look
) -> None:
    visitor = signed_in(world.owner)
    gone = [world.ids[what] for what in ("deleted", "deleted_prompt", "deleted_reply")]
    problems: list[str] = []
    for route in ROUTES:
        entry = entry_of(route)
        if entry.kind is not Kind.OBJECT or not route.parameters:
            continue
        if entry.is_of_deleted:
            continue
        before = look(visitor)
        for method in entry.methods:
            for pk in gone:
                path, form = route.path(pk=pk), entry.form(world)
                answer = ask(visitor.client, method, path, entry, {}, form)
                told = [
                    what for what in answer.tells(world.secrets) if "deleted" in what
                ]
                if told or not answer.is_refused:
                    problems.append(f"{answer} tells {told}")
        left = look(visitor).differs_from(before)
        # That a reply was collected may be told again.
        problems += [what for what in left if not what.startswith("changes:")]
    assert not problems, "\n".join(problems)


@of_both
def test_the_owner_gets_what_belongs_to_them(
    world: World, box: Mailbox, look: Look
) -> None:
    visitor = signed_in(world.owner)
    undone, before = Undone(box, visitor), look(visitor)
    problems: list[str] = []
    for written in OWNED:
        entry = TABLE[written]
        for method in (each for each in (*READ, *WRITING) if each in entry.methods):
            with undone():
                problems += _withheld(world, visitor, written, method)
                is_to_change = method in WRITING and entry.changes
                is_open = not (entry.of_accounts and world.owner.is_guest)
                if is_to_change and is_open and look(visitor) == before:
                    problems.append(f"{method} {written} changed nothing")
    assert not problems, "\n".join(problems)


def _withheld(
    world: World, visitor: Visitor, written: str, method: str
) -> Iterator[str]:
    """What is wrong with how the owner was answered."""
    entry = TABLE[written]
    found = [route for route in ROUTES if route.written == written]
    assert found, f"no path is written {written!r} any more: take it out of the table"
    path = found[0].path(pk=world.ids.get(entry.of, ""))
    query, form = entry.query(world), entry.form(world)
    answer = ask(visitor.client, method, path, entry, query, form)
    if entry.of_accounts and world.owner.is_guest:
        if not answer.is_refused:
            yield f"{answer}, though a guest has no account"
    elif answer.status not in (entry.reads if method in READ else entry.answers):
        yield f"{answer}: {answer.text}"
    elif method == "GET":
        more = () if world.owner.is_guest else entry.shows_accounts
        told = answer.tells(world.secrets, all_of=True)
        if missing := {*entry.shows, *more} - {*told}:
            yield f"{answer} does not show {', '.join(sorted(missing))}"


@pytest.mark.parametrize("world", OWNERS if IS_SOAK else ["account"], indirect=True)
def test_the_admin_shows_a_superuser_no_text(world: World) -> None:
    """Who somebody is, and how much they have; nothing that anybody wrote."""
    visitor = superuser(world)
    asked, problems = 0, []
    for route in ROUTES:
        if entry_of(route).kind is not Kind.STAFF:
            continue
        for path in _admin_paths(world, route):
            answer = ask(visitor.client, "GET", path, entry_of(route), {}, {})
            problems += _told(world, answer, *NO_TEXT)
            asked += answer.status == 200
    assert asked > 20
    assert not problems, "\n".join(problems)


def _admin_paths(world: World, route: Route) -> list[str]:
    if not route.parameters:
        return [route.path(pk="")]
    pks = [*world.ids.values(), world.owner.pk]
    kinds = ContentType.objects.get_for_models(Conversation, Message, Reply).values()
    return [
        route.path(pk=pk, content_type_id=kind.pk, app_label="chat")
        for pk in pks
        for kind in kinds
        if "content_type_id" in route.parameters or kind is next(iter(kinds))
    ]


def test_where_guests_are_not_allowed_only_the_log_in_page_is_there(
    box: Mailbox, settings
) -> None:
    settings.GUESTS = False
    world = worlds.make(box, has_account=False)
    answers = []
    for visitor in (nobody(world), signed_in(world.owner)):
        for route in ROUTES:
            entry = entry_of(route)
            if entry.kind not in (Kind.OWN, Kind.OBJECT) or _is_open(route):
                continue
            path = route.path(pk=world.ids.get(entry.of, ""))
            query, form = entry.query(world), entry.form(world)
            for method in entry.methods:
                answers.append(ask(visitor.client, method, path, entry, query, form))
    assert answers
    assert [str(answer) for answer in answers if not answer.is_refused] == []


def _is_open(route: Route) -> bool:
    """Where one logs in; and what tells the owner of a reply how it stands, lest every
    poll cost a query."""
    is_of_account = route.written.startswith(("account/", "admin/"))
    return is_of_account or route.name in ("poll", "api:reply")


@of_both
def test_nothing_of_an_owner_who_was_erased_is_left(world: World, look: Look) -> None:
    before = look(nobody(world))
    erase(world.owner)
    left = look(nobody(world))
    secrets = world.secrets.found.items()
    # Who invited somebody is gone; whom it was meant for, and how much a network took
    # of its limits, is nothing of theirs.
    kept = {what for what, token in secrets if token in str(left)}
    assert kept <= {"note", "network"}
    assert len([what for what, token in secrets if token in str(before)]) > 40
