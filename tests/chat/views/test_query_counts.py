"""How many queries and trips to Redis each kind of request takes.

A number that rises fails here, and so does one that falls: write it down.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import User
from chatsite.mailbox import open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, poll_url
from tests.chat.views.test_poll import round_trips

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}
#: Not the beginning and end of transactions, nor the locks that only PostgreSQL has.
QUERY = re.compile(r"\s*(SELECT(?! pg_)|WITH|INSERT|UPDATE|DELETE)")


@dataclass
class Scene:
    """A guest's browser with a conversation, and a worker that the test plays."""

    tab: Client
    worker: Worker
    conversation: str

    @property
    def page(self) -> str:
        return f"/c/{self.conversation}/"

    def say(self, client: Client, **body: str) -> HttpResponse:
        """Send a message through the API."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        url, kind = "/api/v1/messages", "application/json"
        return client.post(url, {"text": "more", **body}, kind, headers=headers)

    def pending(self) -> str:
        """The address of a reply that waits."""
        reply = self.say(self.tab, conversation=self.conversation).json()["id"]
        return f"/api/v1/replies/{reply}"

    def ended(self) -> str:
        """The address of a reply that ended, and was not looked at since."""
        reply = self.pending()
        self.worker.answer("An answer")
        return reply

    def collected(self) -> str:
        """The address of a reply whose end is in the database."""
        reply = self.ended()
        self.tab.get(reply)
        return reply


Request = Callable[[], object]


def first_message_on_the_page(scene: Scene) -> Request:
    visitor = Client()
    data = form_data(visitor.get("/"), "first")
    return lambda: visitor.post("/send/", data, headers=HTMX)


def first_message_through_the_api(scene: Scene) -> Request:
    return lambda: scene.say(Client())


def further_message_on_the_page(scene: Scene) -> Request:
    data = form_data(scene.tab.get(scene.page), "more")
    return lambda: scene.tab.post(f"{scene.page}send/", data, headers=HTMX)


def further_message_through_the_api(scene: Scene) -> Request:
    return lambda: scene.say(scene.tab, conversation=scene.conversation)


def look_at_a_waiting_reply(scene: Scene) -> Request:
    reply = scene.pending()
    return lambda: scene.tab.get(reply)


def look_that_collects_a_reply(scene: Scene) -> Request:
    reply = scene.ended()
    return lambda: scene.tab.get(reply)


def look_at_an_ended_reply(scene: Scene) -> Request:
    reply = scene.collected()
    return lambda: scene.tab.get(reply)


def stop_through_the_api(scene: Scene) -> Request:
    reply = scene.pending()
    return lambda: scene.tab.post(f"{reply}/stop")


def idle_poll(scene: Scene) -> Request:
    url = poll_url(scene.tab.get(scene.page))
    return lambda: scene.tab.get(url, headers=HTMX)


def poll_of_a_waiting_page(scene: Scene) -> Request:
    scene.pending()
    return idle_poll(scene)


def poll_that_brings_an_end(scene: Scene) -> Request:
    poll = poll_of_a_waiting_page(scene)
    scene.worker.answer("An answer")
    return poll


def home_of_a_new_visitor(scene: Scene) -> Request:
    return lambda: Client().get("/")


def home(scene: Scene) -> Request:
    return lambda: scene.tab.get("/")


def conversation(scene: Scene) -> Request:
    return lambda: scene.tab.get(scene.page)


def health_check(scene: Scene) -> Request:
    return lambda: scene.tab.get("/healthz")


#: Kind of request, queries, trips to Redis; the bell is one of the trips.
COSTS = [
    (first_message_on_the_page, 13, 2),
    (first_message_through_the_api, 15, 5),
    (further_message_on_the_page, 10, 3),
    (further_message_through_the_api, 10, 3),
    (look_at_a_waiting_reply, 0, 1),
    (look_that_collects_a_reply, 8, 3),
    (look_at_an_ended_reply, 1, 1),
    (stop_through_the_api, 10, 4),
    (idle_poll, 0, 1),
    (poll_of_a_waiting_page, 0, 1),
    (poll_that_brings_an_end, 17, 4),
    (home_of_a_new_visitor, 0, 1),
    (home, 5, 1),
    (conversation, 9, 1),
    (health_check, 0, 0),
]


@pytest.fixture
def scene(owner: User, tab: Client, worker: Worker, sent: Callable[..., Any]) -> Scene:
    worker.announce()
    first = sent(owner)
    made = Scene(tab, worker, str(first.message.conversation_id))
    worker.answer("Hello")
    tab.get(f"/api/v1/replies/{first.pk}")
    # From here on session, network and device are known, and Redis has the scripts.
    tab.post(f"{made.pending()}/stop")
    made.collected()
    tab.get(made.page)
    load_scripts()
    return made


def load_scripts() -> None:
    """Load every script, which the first call of a server would take two trips for."""
    connection = open_mailbox().connection
    for file in (files("chatsite.mailbox") / "scripts").iterdir():
        connection.client.script_load(connection.script(Path(file.name).stem).script)


@pytest.mark.parametrize(("request_of", "queries", "trips"), COSTS)
def test_a_request_costs_so_many_queries_and_trips(
    request_of: Callable[[Scene], Request],
    queries: int,
    trips: int,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = request_of(scene)
    with (
        CaptureQueriesContext(connection) as captured,
        round_trips(monkeypatch) as sent,
    ):
        request()
    asked = [one["sql"] for one in captured if QUERY.match(one["sql"])]
    assert (len(asked), len(sent)) == (queries, trips), "\n".join(asked)
