from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, Message, Reply, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, known, text_of
from tests.cookie_names import TOKEN
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def conversation(owner: User, worker: Worker, sent) -> Conversation:
    """A conversation with one prompt answered."""
    reply = sent(owner, "one")
    worker.answer("1")
    found: Conversation = reply.message.conversation
    return found


@pytest.mark.parametrize("is_signed_out", [True, False])
def test_without_javascript_what_was_typed_outlives_its_conversation(
    is_signed_out: bool, tab: Client, conversation: Conversation, owner: User
) -> None:
    if is_signed_out:
        owner.sessions.all().delete()
    else:
        Conversation.objects.update(deleted_at=timezone.now())
    typed = {"text": "Tell me\nall", "key": "two"}
    answer = tab.post(f"/c/{conversation.pk}/send/", typed)
    assert answer.status_code == 404
    assert "Tell me\nall" in dom(answer).raw_texts("textarea")
    assert '[action="/send/"]' in dom(answer)
    assert not Message.objects.filter(text=typed["text"]).exists()


def test_without_javascript_a_prompt_leads_to_its_conversation(
    db: None, box: Mailbox
) -> None:
    visitor = Client()
    data = form_data(visitor.get("/"), "Hello there")
    answer = visitor.post("/send/", {"text": data["text"], "key": data["key"]})
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"])
    assert page.status_code == 200
    text = dom(page).one(".message .text")
    assert (text["dir"], text.raw_text) == ("auto", "Hello there")
    assert "iframe" in dom(page)
    assert Reply.objects.get().state == "queued"


def test_the_first_prompt_makes_a_guest_and_looking_makes_none(
    db: None, box: Mailbox
) -> None:
    visitor = Client()
    visitor.get("/")
    visitor.get("/")
    assert not User.objects.exists()
    visitor.post("/send/", {"text": "hi", "key": "k"})
    assert User.objects.get().is_guest


def test_with_htmx_the_browser_goes_to_the_new_conversation(
    db: None, box: Mailbox
) -> None:
    visitor = Client()
    data = form_data(visitor.get("/"), "Hello")
    answer = visitor.post("/send/", data, headers=HTMX)
    conversation = Conversation.objects.get()
    assert answer.headers["HX-Redirect"] == f"/c/{conversation.pk}/"


def test_with_htmx_the_page_gets_the_pieces_it_lacks(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/"
    data = form_data(tab.get(path), "two & three")
    answer = tab.post(f"{path}send/", data, headers=HTMX)
    page = dom(answer)
    reply = Reply.objects.get(message__parent__text="two & three")
    assert answer.status_code == 200
    appended = page.one('[hx-swap-oob="beforeend:#messages"]')
    assert appended.one(".message .text").raw_text == "two & three"
    assert f"#text-{reply.pk}" in page
    assert ("r", f"{reply.pk}:0:0") in known(answer)
    assert page.one("#key")["value"] != data["key"]
    assert "#conversations[hx-swap-oob=true]" in page
    assert "Your message is waiting for its turn." in page.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "Write a message first."), (" \n ", "Write a message first.")],
)
@pytest.mark.parametrize("is_begun", [False, True])
def test_a_blank_prompt_is_refused_beside_the_form(
    typed: str, words: str, is_begun: bool, tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/send/" if is_begun else "/send/"
    answer = tab.post(path, {"text": typed, "key": "k"})
    assert answer.status_code == 422
    assert words in text_of(answer)
    field = dom(answer).one("#composer textarea")
    assert field["aria-describedby"] == "refusal little-left"
    assert field["aria-invalid"] == "true"
    assert Message.objects.count() == 2


def test_a_prompt_too_long_is_refused_and_not_one_character_is_lost(
    tab: Client, conversation: Conversation
) -> None:
    typed = "<x>" + "é" * 8000 + "end"
    answer = tab.post(f"/c/{conversation.pk}/send/", {"text": typed, "key": "k"})
    assert answer.status_code == 422
    assert "8,006 of 8,000 characters" in text_of(answer)
    assert dom(answer).one("textarea").raw_text == typed
    assert dom(answer).one("#key")["value"] == "k"


def test_with_htmx_only_the_message_is_sent_back(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/"
    data = form_data(tab.get(path), " ")
    answer = tab.post(f"{path}send/", data, headers=HTMX)
    assert answer.status_code == 422
    (only,) = dom(answer).all("body > *")
    assert only["hx-swap-oob"] == "innerHTML:#refusal"
    assert only.text == dom(answer).text == "Write a message first."


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_same_form_sent_twice_is_one_message(
    headers: dict[str, str], tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/"
    data = form_data(tab.get(path), "two\r\nlines")
    tab.post(f"{path}send/", data, headers=headers)
    again = tab.post(f"{path}send/", data | {"text": "two\nlines"}, headers=headers)
    assert again.status_code == 200 if headers else 303
    assert Message.objects.count() == 4


def test_the_same_key_with_an_edited_text_is_another_message(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/send/"
    tab.post(path, {"text": "two", "key": "k"})
    tab.post(path, {"text": "two, edited", "key": "k"})
    assert Message.objects.count() == 6


def test_a_form_without_a_key_is_accepted(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/send/"
    assert tab.post(path, {"text": "two"}).status_code == 303
    assert tab.post(path, {"text": "two"}).status_code == 303
    assert Message.objects.count() == 6


def test_a_key_that_is_no_key_is_refused_beside_the_form(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/send/"
    answer = tab.post(path, {"text": "two", "key": "k" * 500})
    assert answer.status_code == 422
    assert "two" in dom(answer).raw_texts("textarea")


def test_nobody_sends_into_another_persons_conversation(
    conversation: Conversation, client_of, box: Mailbox
) -> None:
    stranger = client_of(User.objects.create_user("stranger"))
    path = f"/c/{conversation.pk}/send/"
    assert stranger.post(path, {"text": "hi", "key": "k"}).status_code == 404
    assert Client().post(path, {"text": "hi", "key": "k"}).status_code == 404
    assert Message.objects.count() == 2


def test_a_second_prompt_is_held_until_the_first_is_answered(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner, "one")
    path = f"/c/{reply.message.conversation_id}/"
    answer = tab.post(f"{path}send/", form_data(tab.get(path), "two"), headers=HTMX)
    assert "Sends after this reply" in text_of(answer)
    assert Reply.objects.held().count() == 1


def test_garbage_beside_the_text_saves_nothing(
    tab: Client, conversation: Conversation
) -> None:
    path = f"/c/{conversation.pk}/send/"
    answer = tab.post(path, {"text": "two", "key": "k", "r": "x"}, headers=HTMX)
    assert answer.status_code == 400
    assert Message.objects.count() == 2


def test_only_post_sends(tab: Client, box: Mailbox) -> None:
    assert tab.get("/send/").status_code == 405


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_without_redis_the_prompt_is_kept_and_the_page_says_so(
    headers: dict[str, str],
    tab: Client,
    conversation: Conversation,
    valkey: Valkey,
    django_capture_on_commit_callbacks,
) -> None:
    path = f"/c/{conversation.pk}/"
    data = form_data(tab.get(path), "two")
    valkey.stop()
    try:
        with django_capture_on_commit_callbacks(execute=True):
            answer = tab.post(f"{path}send/", data, headers=headers)
        if not headers:
            answer = tab.get(answer.headers["Location"])
        assert answer.status_code == 200
        assert "Saved. Reconnecting…" in text_of(answer)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert Reply.objects.queued().count() == 1


def test_a_page_opened_before_signing_in_keeps_its_text(db: None, box: Mailbox) -> None:
    visitor = Client(enforce_csrf_checks=True)
    answer = visitor.post("/send/", {"text": "Typed <with> care", "key": "k1"})
    assert answer.status_code == 403
    form = dom(answer).one('form[action="/send/"]')
    assert form.one("textarea").raw_text == "Typed <with> care"
    token = visitor.cookies[TOKEN].value
    data = {"text": "Typed <with> care", "key": "k1", "csrfmiddlewaretoken": token}
    assert visitor.post("/send/", data).status_code == 303


@pytest.mark.django_db(transaction=True)
def test_two_first_prompts_at_once_make_one_guest_and_one_message(
    box: Mailbox,
) -> None:
    visitor = Client()
    data = form_data(visitor.get("/"), "Hello")
    form = {"text": data["text"], "key": data["key"]}
    start = threading.Barrier(2)
    answers: list[int] = []

    def press_enter() -> None:
        browser = Client()
        browser.cookies = visitor.cookies.copy()
        start.wait()
        answers.append(browser.post("/send/", form).status_code)
        connection.close()

    threads = [threading.Thread(target=press_enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]
    assert (User.objects.count(), Conversation.objects.count()) == (1, 1)
    assert Message.objects.count() == 2
