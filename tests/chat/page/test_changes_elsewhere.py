"""Pages hear of what happened elsewhere, and nothing that was typed gets lost there."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings as site
from django.test import Client

from chat.models import Message, Reply, User
from chat.services import held_messages, reply_versions
from chat.services.effective_settings import effective_settings
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import form_data, known, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def talk(owner: User, worker: Worker, sent) -> Reply:
    """The reply to the first of three prompts, the others sent ahead."""
    first: Reply = sent(owner, "one")
    for text in ("two", "three"):
        sent(owner, text, first.message.conversation)
    worker.announce()
    return first


def held(text: str) -> Reply:
    return Reply.objects.with_path().get(message__parent__text=text)


def page_of(reply: Reply, **query: object) -> str:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/c/{reply.message.conversation_id}/?{words}"


def test_a_page_of_another_part_hears_that_a_held_prompt_had_its_turn(
    tab: Client, talk: Reply, worker: Worker, settings, committed
) -> None:
    settings.MESSAGES_SHOWN = 4
    page = tab.get(page_of(talk, at=talk.message_id))
    assert dict(known(page))["leaf"] == ""
    worker.answer("eins")
    with committed():
        collect(str(talk.pk))
    answer = tab.get(poll_url(page))
    assert f'[id="reply-{held("two").pk}"]' in dom(answer)
    assert ("r", f"{held('two').pk}:0:0") in known(answer)


def test_a_prompt_that_was_changed_elsewhere_is_changed_here(
    tab: Client, talk: Reply, committed
) -> None:
    page = tab.get(page_of(talk))
    with committed():
        held_messages.edit(held("two"), "two, in other words")
    answer = tab.get(poll_url(page))
    assert "two, in other words" in text_of(answer)
    again = tab.get(poll_url(answer))
    assert "two, in other words" not in text_of(again)


def test_a_reply_to_come_among_earlier_messages_is_asked_after(
    tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, 120)
    early = Message.objects.get(text="reply 61")
    Reply.objects.filter(pk=early.pk).update(state="queued")
    first = Message.objects.get(text="prompt 70")
    found = dom(tab.get(f"/c/{conversation.pk}/earlier/?before={first.pk}"))
    added = found.one('[hx-swap-oob="beforeend:#poller"]')
    assert added.values("[name=r]", "value") == [f"{early.pk}:0:0"]


def test_a_prompt_that_passes_for_a_held_reply_is_passed_over(
    tab: Client, talk: Reply
) -> None:
    page = tab.get(page_of(talk))
    url = f"{poll_url(page)}&h={talk.message.parent_id}&n=0"
    assert tab.get(url).status_code == 200


def test_while_a_person_is_asked_there_is_nothing_to_stop(
    tab: Client, talk: Reply, worker: Worker
) -> None:
    assert "#stop" in dom(tab.get(page_of(talk)))
    worker.finish(worker.claim(), "Half", "stopped")
    collect(str(talk.pk))
    page = dom(tab.get(page_of(talk)))
    assert "Send this anyway?" in page.text
    assert "#stop" not in page
    assert '[aria-label="needs your decision"]' in page


def test_a_lowered_limit_of_tokens_holds_for_what_was_chosen_before(
    owner: User, tab: Client, settings, sent, worker: Worker
) -> None:
    owner.settings = {"max_new_tokens": 600}
    owner.save()
    reply = sent(owner, "one")
    worker.answer("eins")
    collect(str(reply.pk))
    settings.REPLY_MAX_TOKENS = 10
    assert effective_settings(owner).settings.max_new_tokens == 10
    done = Reply.objects.with_path().get(pk=reply.pk)
    assert reply_versions.repeat(done).settings["max_new_tokens"] == 10
    assert '[value="10"]' in dom(tab.get("/settings/"))


@pytest.mark.parametrize("text", ["\u200b", " \u3164\n", "\u2800\u200e", "\ufeff"])
def test_what_cannot_be_seen_is_no_message_and_no_title(
    text: str, owner: User, tab: Client, talk: Reply
) -> None:
    with pytest.raises(MessageRefused, match="Write a message first"):
        send_message(owner, text, "a key")
    url = f"/c/{talk.message.conversation_id}/rename/"
    assert tab.post(url, {"title": text}).status_code == 422


def test_a_prompt_removed_meanwhile_can_be_sent_as_a_new_one(
    owner: User, talk: Reply
) -> None:
    prompt = held("two").message.parent
    held_messages.remove(held("two"))
    with pytest.raises(MessageRefused, match="was deleted"):
        send_message(
            owner, "other", "a key", talk.message.conversation, instead_of=prompt
        )


def test_what_was_typed_for_a_removed_prompt_is_shown(tab: Client, talk: Reply) -> None:
    url = f"/r/{held('two').pk}/edit/"
    held_messages.remove(held("two"))
    page = tab.post(url, {"text": "typed for a while"})
    assert page.status_code == 404
    assert "typed for a while" in text_of(page)
    assert tab.get(url).status_code == 404


@pytest.mark.parametrize("cookie", ["\x00abcdefghij", "short", "ünïcödë-long-enough"])
def test_a_session_cookie_that_cannot_be_ours_is_nobodys(
    cookie: str, client: Client, box: Mailbox
) -> None:
    client.cookies[site.SESSION_COOKIE_NAME] = cookie
    assert client.get("/").status_code == 200


def test_choosing_a_version_far_up_leads_there(
    tab: Client, owner: User, committed
) -> None:
    conversation = long_conversation(owner, 120)
    first = Message.objects.get(text="prompt 2")
    with committed():
        send_message(owner, "instead", uuid.uuid4().hex, conversation, instead_of=first)
    page = tab.get(f"/c/{conversation.pk}/")
    data = form_data(page, "")
    answer = tab.post(f"/m/{first.pk}/choose/", data, headers=HTMX)
    place = f"/c/{conversation.pk}/?at={first.pk}#message-{first.pk}"
    assert answer.headers["HX-Redirect"] == place


def test_trying_one_of_several_again_waits_for_none_of_the_others(
    owner: User, talk: Reply, worker: Worker, committed
) -> None:
    worker.answer("eins")
    collect(str(talk.pk))
    done = Reply.objects.with_path().get(pk=talk.pk)
    with committed():
        first = reply_versions.vary(done, 3)
    Reply.objects.filter(pk=first.pk).update(state="failed")
    failed = Reply.objects.with_path().get(pk=first.pk)
    fresh = reply_versions.retry(failed)
    assert fresh.batch is None
    assert reply_versions.retry(failed).pk == fresh.pk
