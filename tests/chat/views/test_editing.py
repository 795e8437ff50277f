"""Editing a message in its place: the editor as a fragment, and what its forms answer."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Message, Reply, User
from chat.services.jobs import collect
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import known, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def page_of(tab: Client, conversation: Conversation) -> Any:
    return tab.get(f"/c/{conversation.pk}/")


def fields(editor: Any, page: Any, text: str) -> dict[str, Any]:
    """What the script posts: the editor's fields with a text, and the poller's."""
    data: dict[str, Any] = {}
    for name, value in known(page):
        data.setdefault(name, []).append(value)
    form = dom(editor).one(".editor")
    data |= {it["name"]: it["value"] for it in form.all("input")}
    return data | {"text": text}


def action(editor: Any) -> str:
    return dom(editor).one(".editor")["hx-post"]


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return long_conversation(owner, 6)


def test_a_sent_message_is_edited_without_a_page_load(
    tab: Client, conversation: Conversation, committed
) -> None:
    message = Message.objects.get(text="prompt 2")
    page = page_of(tab, conversation)
    editor = tab.get(f"/m/{message.pk}/edit/", headers=HTMX)
    assert "prompt 2" in dom(editor).raw_texts("textarea")
    assert "HX-Request" in editor["Vary"]
    with committed():
        answer = tab.post(action(editor), fields(editor, page, "another"), headers=HTMX)
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers
    whole = dom(answer).one("[hx-swap-oob='innerHTML:#messages']")
    assert [it.text for it in whole.all(".message .text")] == ["prompt 0", "another"]
    assert whole.first(".message:nth-of-type(3) .versions").text == "Version 2/2"
    assert Message.objects.filter(text="reply 5").exists()


def test_without_a_script_the_link_leads_to_the_page_that_edits(
    tab: Client, conversation: Conversation
) -> None:
    message = Message.objects.get(text="prompt 2")
    answer = tab.get(f"/m/{message.pk}/edit/")
    assert answer.url.endswith(f"?edit={message.pk}#message-{message.pk}")


def test_only_an_own_message_of_a_user_is_edited(
    tab: Client, conversation: Conversation
) -> None:
    theirs = long_conversation(User.objects.guest(uuid.uuid4()), 2)
    for message in (
        Message.objects.get(text="reply 1", conversation=conversation),
        Message.objects.get(text="prompt 0", conversation=theirs),
    ):
        answer = tab.get(f"/m/{message.pk}/edit/", headers=HTMX)
        assert answer.status_code == 404


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_refusal_stands_in_the_editor(
    is_gone: bool, tab: Client, conversation: Conversation
) -> None:
    message = Message.objects.get(text="prompt 2")
    page = page_of(tab, conversation)
    editor = tab.get(f"/m/{message.pk}/edit/", headers=HTMX)
    pk, text = message.pk, "another" if is_gone else " "
    if is_gone:
        message.delete()
    answer = tab.post(action(editor), fields(editor, page, text), headers=HTMX)
    assert answer.status_code == 422
    place = f"[hx-swap-oob='innerHTML:#edit-refusal-{pk}']"
    said = "That message was deleted." if is_gone else "Write a message first."
    assert said in dom(answer).one(place).text


@pytest.fixture
def held(owner: User, sent) -> Reply:
    first = sent(owner, "one")
    return sent(owner, "two", first.message.conversation)


def test_a_held_message_is_edited_without_a_page_load(tab: Client, held: Reply) -> None:
    page = page_of(tab, held.message.conversation)
    editor = tab.get(f"/r/{held.pk}/edit/", headers=HTMX)
    answer = tab.post(action(editor), fields(editor, page, "2"), headers=HTMX)
    assert answer.status_code == 200
    pk = held.message.parent_id
    assert dom(answer).one(f"#message-{pk} .text").text == "2"
    assert f"#reply-{held.pk}" in dom(answer)


def test_a_change_from_elsewhere_is_told_before_it_is_overwritten(
    tab: Client, held: Reply
) -> None:
    page = page_of(tab, held.message.conversation)
    path = f"/r/{held.pk}/edit/"
    editor = tab.get(path, headers=HTMX)
    tab.post(path, {"text": "from elsewhere"})
    again = tab.post(path, fields(editor, page, "mine"), headers=HTMX)
    assert again.status_code == 422
    assert "edited elsewhere" in dom(again).one(".refusal").text
    assert "mine" in dom(again).raw_texts("textarea")
    message = held.message.parent
    message.refresh_from_db()
    assert message.text == "from elsewhere"
    assert tab.post(path, fields(again, page, "mine"), headers=HTMX).status_code == 200
    message.refresh_from_db()
    assert message.text == "mine"
    # Without a script as well.
    stale = dom(tab.get(path)).one("[name=version]")["value"]
    tab.post(path, {"text": "from elsewhere"})
    plain = tab.post(path, {"text": "mine", "version": stale})
    assert plain.status_code == 409
    assert "mine" in dom(plain).raw_texts("textarea")


def test_an_editor_whose_message_was_sent_makes_another_version(
    tab: Client, held: Reply, worker: Worker, committed
) -> None:
    conversation = held.message.conversation
    page = page_of(tab, conversation)
    editor = tab.get(f"/r/{held.pk}/edit/", headers=HTMX)
    worker.answer("1")
    with committed():
        collect.collect(str(held.message.parent.parent_id))
    again = tab.post(action(editor), fields(editor, page, "late"), headers=HTMX)
    assert again.status_code == 422
    assert "The reply has started." in dom(again).one(".refusal").text
    with committed():
        answer = tab.post(action(again), fields(again, page, "late"), headers=HTMX)
    texts = [it.text for it in dom(answer).all(".message .text")]
    assert texts == ["one", "late"]
    # An editor that is opened only then is that of a sent message at once.
    opened = tab.get(f"/r/{held.pk}/edit/", headers=HTMX)
    assert action(opened) == f"/c/{conversation.pk}/send/"


def test_a_held_message_is_deleted_and_released_without_a_page_load(
    tab: Client, held: Reply, worker: Worker, committed
) -> None:
    page = page_of(tab, held.message.conversation)
    data: dict[str, Any] = {}
    for name, value in known(page):
        data.setdefault(name, []).append(value)
    with committed():
        answer = tab.post(f"/r/{held.pk}/remove/", data, headers=HTMX)
    assert answer.status_code == 200
    whole = dom(answer).one("[hx-swap-oob='innerHTML:#messages']")
    assert [it.text for it in whole.all(".message .text")] == ["one"]
    # Deleted again, from another tab.
    gone = tab.post(f"/r/{held.pk}/remove/", data, headers=HTMX)
    assert gone.status_code == 404
    assert "two" not in text_of(page_of(tab, held.message.conversation))
