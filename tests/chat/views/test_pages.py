"""The other pages: home, a conversation, the frame, errors and health."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Reply, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.cookie_names import GUEST
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def test_home_greets_and_sets_the_guest_cookie_once(box: Mailbox) -> None:
    visitor = Client()
    page = visitor.get("/")
    assert page.status_code == 200
    assert "What’s on your mind?" in text_of(page)
    assert GUEST in page.cookies
    assert GUEST not in visitor.get("/").cookies


def test_home_begins_a_prompt_that_a_link_suggests(box: Mailbox) -> None:
    page = Client().get("/", {"text": "<b>Hi</b>"})
    assert dom(page).one("#composer textarea").raw_text == "<b>Hi</b>"


@pytest.mark.parametrize(("most", "buttons"), [(3, ["3"]), (0, [])])
def test_files_can_be_attached_unless_the_setting_says_none(
    most: int, buttons: list[str], box: Mailbox, settings
) -> None:
    settings.ATTACHED_FILES_MAX = most
    page = dom(Client().get("/"))
    assert [button["data-max"] for button in page.all("#attach")] == buttons


def test_home_lists_the_conversations_of_its_owner_only(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    sent(owner, "Mine and <waiting>")
    sent(User.objects.guest(uuid.uuid4()), "Another's")
    page = dom(tab.get("/"))
    assert page.texts(".entry .title") == ["Mine and <waiting>"]
    assert '[aria-label="reply on its way"]' in page
    assert "Another" not in page.text


@pytest.fixture
def stand_in(box: Mailbox, settings, tmp_path) -> Callable[[str], None]:
    """Has a model answer in place of another one."""
    settings.DATA_DIR, settings.CHAT_MODEL = tmp_path, ""

    def choose(wanted: str) -> None:
        chosen = {"model": "scripted", "wanted": wanted, "reason": "the hub is away."}
        (tmp_path / "model.json").write_text(json.dumps(chosen))

    choose("gpt2")
    return choose


TOLD = "Using Scripted replies because GPT-2 is not available."


def test_a_visitor_learns_once_which_model_stands_in(
    stand_in: Callable[[str], None],
) -> None:
    visitor = Client()
    text = dom(visitor.get("/")).text
    assert TOLD in text
    assert "CHAT_MODEL" not in text
    assert TOLD not in dom(visitor.get("/settings/")).text
    assert TOLD not in dom(visitor.get("/")).text
    answer = visitor.post("/model-notice/dismiss/")
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert TOLD in dom(Client().get("/")).text
    stand_in("smollm2")
    assert "because SmolLM2 135M Instruct is not" in dom(visitor.get("/")).text


def test_staff_is_told_on_every_page_why_and_what_to_do(
    tab: Client, owner: User, stand_in: Callable[[str], None]
) -> None:
    User.objects.filter(pk=owner.pk).update(username="bee", is_staff=True)
    tab.post("/model-notice/dismiss/")
    for path in ("/", "/settings/"):
        text = dom(tab.get(path)).text
        assert (
            "Scripted replies is answering instead of GPT-2: the hub is away." in text
        )
        assert "The setting CHAT_MODEL chooses the model." in text


def test_a_new_account_is_welcomed_and_no_guest(tab: Client, owner: User, sent) -> None:
    said = "Welcome, bee. Your conversation is now in your account."
    sent(owner, "Hello")
    assert "Welcome" not in dom(tab.get("/?welcome")).text
    User.objects.filter(pk=owner.pk).update(username="bee")
    assert said in dom(tab.get("/?welcome")).text
    assert "Welcome" not in dom(tab.get("/")).text


def test_a_conversation_shows_its_messages_in_order(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner, "What <is> it?")
    worker.answer("It <is>\n  so.")
    open_mailbox().connection.client.flushall()
    from chat.services.jobs.collect import collect

    collect(str(reply.pk))
    page = dom(tab.get(f"/c/{reply.message.conversation_id}/"))
    assert page.texts("#messages .turn .text") == ["What <is> it?", ""]
    assert page.texts("#messages .reply h3") == ["Scripted replies"]
    assert page.one("title").text == "What <is> it? · chatsite"


def test_a_reply_that_ended_unseen_is_shown_finished(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.answer("It <is>\n  so.")
    page = dom(tab.get(f"/c/{reply.message.conversation_id}/"))
    text = page.one(".reply .text.markdown")
    assert (text["dir"], text.text) == ("auto", "It <is> so.")
    assert "p > br" in text
    assert "iframe" not in page
    assert Reply.objects.get().state == "done"


def test_a_page_costs_few_queries_however_long_the_conversation(
    tab: Client,
    owner: User,
    worker: Worker,
    sent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    reply = sent(owner)
    for turn in range(12):
        worker.answer("yes")
        path = f"/c/{reply.message.conversation_id}/"
        tab.get(path)
        sent(owner, f"turn {turn}", conversation=reply.message.conversation)
    with django_assert_max_num_queries(11):
        tab.get(path)


def test_nobody_sees_another_persons_conversation_or_frame(
    owner: User, client_of, worker: Worker, sent
) -> None:
    reply = sent(owner, "secret")
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for who in (stranger, Client()):
        for path in (f"/c/{reply.message.conversation_id}/", f"/r/{reply.pk}/frame/"):
            answer = who.get(path)
            assert answer.status_code == 404
            assert "secret" not in text_of(answer)


def test_the_frame_refreshes_itself_until_the_reply_ended(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.announce(free=0)
    frame = f"/r/{reply.pk}/frame/"
    waiting = tab.get(frame)
    assert "Waiting for " in text_of(waiting)
    assert dom(waiting).one("meta[http-equiv=refresh]")["content"] == "1"
    assert waiting.headers["X-Frame-Options"] == "SAMEORIGIN"
    claim = worker.claim()
    worker.write(claim, "Some <text>")
    assert "Some <text>" in dom(tab.get(frame)).text
    worker.finish(claim, "Some <text> and an end")
    ended = dom(tab.get(frame))
    assert "Some <text> and an end" in ended.text
    assert "meta[http-equiv=refresh]" not in ended
    assert "[target=_top]" in ended


def test_the_frame_of_a_held_reply_says_so(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    assert "Sends after this reply" in text_of(tab.get(f"/r/{second.pk}/frame/"))


def test_without_redis_the_pages_open_and_say_so(
    tab: Client, owner: User, valkey: Valkey, sent
) -> None:
    reply = sent(owner)
    valkey.stop()
    try:
        home = tab.get("/")
        stranger = Client().get("/")
        conversation = tab.get(f"/c/{reply.message.conversation_id}/")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert "Connection to the queue lost" in text_of(home)
    assert "Connection to the queue lost" in text_of(stranger)
    assert "Saved. Reconnecting…" in text_of(conversation)


@pytest.mark.parametrize(
    ("path", "is_of_conversation"),
    [
        ("/nowhere", False),
        ("/account/invitations/", False),
        (f"/c/{uuid.UUID(int=7)}/", True),
        (f"/r/{uuid.UUID(int=7)}/details/", True),
    ],
)
def test_what_is_not_there_is_said_kindly_and_as_what_it_would_be(
    box: Mailbox, db: None, path: str, is_of_conversation: bool
) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    said = text_of(answer)
    assert ("Conversation not found" in said) is is_of_conversation
    assert ("Your own conversations are in the list" in said) is is_of_conversation
    assert ("you don’t have access" in said) is not is_of_conversation


def test_a_failure_of_ours_is_said_kindly(box: Mailbox, settings) -> None:
    settings.CHAT_CATALOG = settings.DATA_DIR / "nothing.toml"
    browser = Client(raise_request_exception=False)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Nothing you saved is lost." in text_of(answer)


def test_a_body_too_large_is_said_kindly(tab: Client, box: Mailbox) -> None:
    large = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    answer = tab.post(
        "/send/", f"text={large}", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 413
    said = text_of(answer)
    assert "your text is still there" in said
    assert "8,000 characters" in said
    assert "x" * 100 not in said


def test_no_page_has_anything_inline(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    for path in ("/", f"/c/{reply.message.conversation_id}/", f"/r/{reply.pk}/frame/"):
        answer = tab.get(path)
        assert "[style], style, script:not([src], [type])" not in dom(answer)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
