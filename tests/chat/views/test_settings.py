"""Settings of a person and of a conversation: what is kept, refused, and used."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Reply, User
from chat.services.jobs.request import request_for
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.cookie_names import THEME
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

CHOSEN: dict[str, Any] = {
    "model": "smollm2",
    "instructions": "Answer in rhymes.",
    "temperature": "0",
    "top_p": "0.5",
    "top_k": "0",
    "repetition_penalty": "1.1",
    "max_new_tokens": "50",
    "seed": "7",
    "stop": "END\r\n\r\nStop here",
}


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Bees")


def test_what_was_chosen_holds_from_the_next_reply_on(
    tab: Client, owner: User, conversation: Conversation, sent
) -> None:
    address = f"/c/{conversation.pk}/settings/"
    answer = tab.post(address, CHOSEN)
    assert answer.status_code == 303
    conversation.refresh_from_db()
    reply = sent(owner, "hi", conversation)
    request = request_for(reply)
    assert reply.model == "smollm2"
    assert request.turns[0] == wire.Turn(wire.Role.SYSTEM, "Answer in rhymes.")
    assert request.settings == wire.SamplingParams(
        temperature=0,
        top_p=0.5,
        top_k=0,
        repetition_penalty=1.1,
        max_new_tokens=50,
        seed=7,
        stop=("END", "Stop here"),
    )
    page = dom(tab.get(address))
    assert page.one("[name=model][checked]")["value"] == "smollm2"
    assert page.one("[name=instructions]").text == "Answer in rhymes."
    assert page.one("[name=stop]").raw_text == "END\nStop here"


def test_empty_fields_follow_ones_own_settings_and_those_the_model(
    tab: Client, owner: User, conversation: Conversation, sent
) -> None:
    tab.post("/settings/", {"temperature": "1.5", "top_p": "0.4", "theme": ""})
    tab.post(f"/c/{conversation.pk}/settings/", {"top_p": "0.8"})
    owner.refresh_from_db()
    conversation.refresh_from_db()
    assert owner.settings == {"temperature": 1.5, "top_p": 0.4}
    assert conversation.settings == {"top_p": 0.8}
    used = sent(owner, "hi", conversation).settings
    assert (used["temperature"], used["top_p"]) == (1.5, 0.8)
    assert used["max_new_tokens"] == 4000
    assert '[placeholder="1.5"]' in dom(tab.get(f"/c/{conversation.pk}/settings/"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", "-1"),
        ("temperature", "nan"),
        ("temperature", "hot"),
        ("top_p", "0"),
        ("top_p", "1.1"),
        ("top_k", "1001"),
        ("repetition_penalty", "0"),
        ("max_new_tokens", "0"),
        ("max_new_tokens", "4001"),
        ("seed", str(2**48)),
        ("stop", "a\nb\nc\nd\ne"),
        ("stop", "x" * 101),
        ("model", "no-such"),
        ("model", "/etc/passwd"),
        ("instructions", "x" * 4001),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_kept(
    field: str, value: str, tab: Client, conversation: Conversation
) -> None:
    typed = {"instructions": "Be brief.", field: value}
    answer = tab.post(f"/c/{conversation.pk}/settings/", typed)
    assert answer.status_code == 422
    assert "errorlist" in text_of(answer)
    if field != "model":
        assert value[:50] in text_of(answer)
    conversation.refresh_from_db()
    assert conversation.settings == {}
    assert conversation.instructions == ""


def test_the_models_say_who_serves_them_and_how_long_the_wait_is(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    worker.announce(free=0)
    sent(owner, "hi")
    text = dom(tab.get("/settings/")).text
    assert "ready · 1 waiting" in text
    assert text.count("offline") == 2


def test_without_redis_the_settings_can_still_be_changed(
    tab: Client, owner: User, valkey: Valkey
) -> None:
    valkey.stop()
    try:
        assert "queue offline" in text_of(tab.get("/settings/"))
        assert tab.post("/settings/", {"seed": "3"}).status_code == 303
    finally:
        valkey.start()
    owner.refresh_from_db()
    assert owner.settings == {"seed": 3}


def test_a_visitor_who_saves_becomes_a_guest_with_these_settings(box: Mailbox) -> None:
    visitor = Client()
    visitor.get("/settings/")
    assert not User.objects.exists()
    visitor.post("/settings/", {"instructions": "Be brief."})
    assert User.objects.get().instructions == "Be brief."
    assert "Be brief." in text_of(visitor.get("/settings/"))


@pytest.mark.parametrize(
    ("chosen", "shown"), [("dark", "dark"), ("light", "light"), ("", None)]
)
def test_the_theme_is_on_every_page_from_its_first_byte(
    chosen: str, shown: str, tab: Client, conversation: Conversation
) -> None:
    tab.post("/settings/", {"theme": chosen})
    for page in ("/", "/settings/", f"/c/{conversation.pk}/", "/nothing/"):
        assert dom(tab.get(page)).one("html").get("data-theme") == shown


def test_a_theme_that_does_not_exist_is_not_kept(tab: Client) -> None:
    tab.post("/settings/", {"theme": '"><script>'})
    assert THEME not in tab.cookies


def test_another_persons_conversation_has_no_settings_here(
    conversation: Conversation, client_of: Callable[[User], Client], box: Mailbox
) -> None:
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    address = f"/c/{conversation.pk}/settings/"
    assert stranger.get(address).status_code == 404
    assert stranger.post(address, CHOSEN).status_code == 404


def test_a_model_that_left_the_catalogue_gives_way(
    owner: User, conversation: Conversation, box: Mailbox, sent
) -> None:
    conversation.model = "retired"
    conversation.save()
    assert sent(owner, "hi", conversation).model == "scripted"


def test_the_page_tells_about_the_model_that_was_picked(
    tab: Client, conversation: Conversation, worker: Worker
) -> None:
    worker.announce()
    conversation.model = "smollm2"
    conversation.save()
    page = text_of(tab.get(f"/c/{conversation.pk}/"))
    assert "SmolLM2 135M Instruct is offline." in page
    assert Reply.objects.count() == 0
