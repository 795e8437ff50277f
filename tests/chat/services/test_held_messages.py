"""Prompts sent ahead: in order, changed, removed, and paused where one went wrong."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.keeper import Keeper
from chat.models import Message, Reply, User
from chat.services import held_messages
from chat.services.jobs import collect, stop
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import known, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def three(owner: User, box: Mailbox, sent) -> list[Reply]:
    """One in line and two sent ahead."""
    first = sent(owner, "one")
    conversation = first.message.conversation
    return [first, *(sent(owner, text, conversation) for text in ("two", "three"))]


def state(reply: Reply) -> str:
    reply.refresh_from_db()
    return reply.state


def page_of(tab: Client, reply: Reply):
    return tab.get(f"/c/{reply.message.conversation_id}/")


def fail(worker: Worker, reply: Reply) -> None:
    worker.finish(worker.claim(), "half", wire.Outcome.FAILED)
    collect.collect(str(reply.pk))


def test_a_held_prompt_can_be_changed_and_is_sent_as_changed(
    tab: Client, three: list[Reply], worker: Worker
) -> None:
    second = three[1]
    page = dom(tab.get(f"/r/{second.pk}/edit/"))
    assert "two" in page.raw_texts("textarea")
    answer = tab.post(f"/r/{second.pk}/edit/", {"text": "2, please"})
    assert answer.status_code == 303
    worker.answer("1")
    collect.collect(str(three[0].pk))
    request = wire.Request.from_json(worker.claim().request)
    assert [turn.text for turn in request.turns] == ["one", "1", "2, please"]


def test_one_whose_turn_has_come_is_not_changed_and_the_text_is_kept(
    tab: Client, three: list[Reply]
) -> None:
    first = three[0]
    assert tab.get(f"/r/{first.pk}/edit/").status_code == 303
    answer = tab.post(f"/r/{first.pk}/edit/", {"text": "too late <now>"})
    assert answer.status_code == 409
    assert "too late <now>" in dom(answer).raw_texts("textarea")
    assert Message.objects.get(reply__isnull=True, children=first.message).text == "one"


def test_a_blank_change_is_refused(tab: Client, three: list[Reply]) -> None:
    answer = tab.post(f"/r/{three[1].pk}/edit/", {"text": "  "})
    assert answer.status_code == 422
    assert "Write a message first." in text_of(answer)


def test_removing_one_in_the_middle_keeps_the_order_of_the_rest(
    tab: Client, three: list[Reply], worker: Worker
) -> None:
    assert tab.post(f"/r/{three[1].pk}/remove/").status_code == 303
    assert Message.objects.count() == 4
    assert "two" not in text_of(page_of(tab, three[0]))
    worker.answer("1")
    collect.collect(str(three[0].pk))
    request = wire.Request.from_json(worker.claim().request)
    assert [turn.text for turn in request.turns] == ["one", "1", "three"]


def test_removing_the_last_one_lets_the_conversation_end_before_it(
    tab: Client, owner: User, three: list[Reply], sent
) -> None:
    tab.post(f"/r/{three[2].pk}/remove/")
    conversation = three[0].message.conversation
    conversation.refresh_from_db()
    assert conversation.active_leaf_id == three[1].pk
    fourth = sent(owner, "four", conversation)
    assert fourth.message.parent.parent_id == three[1].pk


def test_one_that_started_is_not_removed(tab: Client, three: list[Reply]) -> None:
    assert tab.post(f"/r/{three[0].pk}/remove/").status_code == 303
    assert state(three[0]) == "queued"


@pytest.mark.parametrize("end", ["failed", "stopped"])
def test_a_reply_that_went_wrong_pauses_what_was_sent_ahead_and_asks(
    tab: Client, three: list[Reply], worker: Worker, end: str
) -> None:
    first, second, third = three
    worker.announce()
    page = page_of(tab, first)
    if end == "failed":
        fail(worker, first)
    else:
        stop.stop_reply(first)
    Keeper().sweep()
    assert [state(reply) for reply in three] == [end, "held", "held"]
    told = tab.get(poll_url(page), headers=HTMX)
    assert f"The last reply {'was ' * (end == 'stopped')}{end}." in text_of(told)
    assert "Send this anyway?" in text_of(told)
    assert text_of(told).count("Sends after this reply") == 0
    assert "needs your decision" in text_of(told)
    # Told once, and remembered by the page.
    assert ("hp", str(second.pk)) in known(told)
    assert ("h", str(third.pk)) in known(told)
    assert "Send this anyway?" not in text_of(tab.get(poll_url(told), headers=HTMX))
    assert "Send this anyway?" in text_of(page_of(tab, first))


def test_going_on_sends_the_next_and_only_that(
    tab: Client, three: list[Reply], worker: Worker, committed
) -> None:
    first, second, third = three
    fail(worker, first)
    with committed():
        assert tab.post(f"/r/{second.pk}/proceed/").status_code == 303
    assert [state(reply) for reply in three] == ["failed", "queued", "held"]
    # Pressing it again, or from elsewhere, changes nothing.
    tab.post(f"/r/{second.pk}/proceed/")
    tab.post(f"/r/{third.pk}/proceed/")
    assert [state(reply) for reply in three] == ["failed", "queued", "held"]
    worker.answer("2")
    collect.collect(str(second.pk))
    assert state(third) == "queued"


def test_trying_again_puts_a_new_reply_in_place_and_the_rest_behind_it(
    tab: Client, three: list[Reply], worker: Worker, django_capture_on_commit_callbacks
) -> None:
    first = three[0]
    page = page_of(tab, first)
    fail(worker, first)
    assert "Try again" in text_of(page_of(tab, first))
    for _ in range(2):  # a double click makes one
        with django_capture_on_commit_callbacks(execute=True):
            assert tab.post(f"/r/{first.pk}/retry/").status_code == 303
    fresh = Reply.objects.queued().get()
    assert fresh.message.parent_id == first.message.parent_id
    # A page from before cannot show this piece by piece: it shows all anew.
    answer = text_of(tab.get(poll_url(page), headers=HTMX))
    assert '[hx-swap-oob="innerHTML:#messages"]' in dom(answer)
    assert f"#reply-{first.pk}" not in dom(answer)
    assert "Send this anyway?" not in text_of(page_of(tab, first))
    worker.answer("1")
    collect.collect(str(fresh.pk))
    assert [state(reply) for reply in three] == ["failed", "queued", "held"]
    request = wire.Request.from_json(worker.claim().request)
    assert [turn.text for turn in request.turns] == ["one", "1", "two"]


def test_trying_again_without_anything_behind_it(
    tab: Client,
    owner: User,
    worker: Worker,
    sent,
    django_capture_on_commit_callbacks,
) -> None:
    reply = sent(owner, "one")
    fail(worker, reply)
    with django_capture_on_commit_callbacks(execute=True):
        tab.post(f"/r/{reply.pk}/retry/")
    fresh = Reply.objects.queued().get()
    conversation = reply.message.conversation
    conversation.refresh_from_db()
    assert conversation.active_leaf_id == fresh.pk
    assert "half" not in text_of(page_of(tab, reply))


def test_a_reply_that_went_well_is_not_tried_again(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner, "one")
    worker.answer("fine")
    collect.collect(str(reply.pk))
    assert tab.post(f"/r/{reply.pk}/retry/").status_code == 303
    assert Reply.objects.count() == 1


def test_nobody_touches_another_persons_prompts(
    owner: User, client_of, three: list[Reply]
) -> None:
    for visitor in (client_of(User.objects.guest(uuid.uuid4())), Client()):
        for what in ("retry", "proceed", "remove", "edit"):
            answer = visitor.post(f"/r/{three[1].pk}/{what}/", {"text": "mine"})
            assert answer.status_code == 404
    assert visitor.get(f"/r/{three[1].pk}/edit/").status_code == 404
    assert Message.objects.count() == 6


def test_an_edit_that_meets_the_release_does_one_or_the_other(
    three: list[Reply], worker: Worker
) -> None:
    second = Reply.objects.with_path().get(pk=three[1].pk)
    worker.answer("1")
    collect.collect(str(three[0].pk))
    with pytest.raises(held_messages.NotHeld):
        held_messages.edit(second, "too late")
    with pytest.raises(held_messages.NotHeld):
        held_messages.remove(second)
    request = wire.Request.from_json(worker.claim().request)
    assert request.turns[-1].text == "two"
