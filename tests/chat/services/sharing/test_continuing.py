"""A reader of a shared link continues it in a conversation of their own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat.models import Conversation, Message, Origin, Reply, SharedLink, User
from chat.services import conversation_deletion
from chat.services.errors import MessageRefused
from chat.services.messages import send_message
from chat.services.operation.overview import site_overview
from chat.services.sharing import links
from chat.services.sharing.continuing import continue_as_copy
from chatsite.mailbox import Mailbox
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(owner: User) -> SharedLink:
    return links.make_link(long_conversation(owner, 4))


@pytest.fixture
def reader(db: None) -> User:
    return User.objects.guest(uuid4())


def test_a_new_guest_goes_on_from_the_copy_by_its_button(
    link: SharedLink, box: Mailbox
) -> None:
    visitor = Client(enforce_csrf_checks=True)
    page = dom(visitor.get(f"/s/{link.secret}/"))
    action = f"/s/{link.secret}/continue/"
    [token] = page.values(f'form[action="{action}"] input[type=hidden]', "value")
    typed = {"csrfmiddlewaretoken": token}
    answers = [visitor.post(action, typed) for _ in range(2)]
    copy = Conversation.objects.exclude(owner=link.owner).get()
    assert [one["Location"] for one in answers] == [f"/c/{copy.pk}/"] * 2
    shown = dom(visitor.get(f"/c/{copy.pk}/"))
    assert len(shown.values("#messages .turn", "id")) == 4
    assert copy.owner.is_guest
    assert Client(enforce_csrf_checks=True).post(action).status_code == 403


def test_the_copy_is_a_whole_conversation_without_a_tie_to_the_original(
    link: SharedLink, reader: User, box: Mailbox
) -> None:
    made = continue_as_copy(reader, link)
    path = made.path()
    assert [one.text for one in path] == ["prompt 0", "reply 1", "prompt 2", "reply 3"]
    assert [one.reply.origin for one in path[1::2]] == [Origin.COPIED] * 2
    assert {one.owner_id for one in path} == {reader.pk}
    sent = send_message(reader, "and now?", None, made)
    assert sent.message.parent is not None
    assert sent.message.parent.parent_id == path[-1].pk
    assert Message.objects.filter(owner=link.owner).count() == 4


@pytest.mark.parametrize("has_details", [True, False])
def test_what_a_person_edited_stays_marked_as_edited(
    owner: User, reader: User, box: Mailbox, *, has_details: bool
) -> None:
    talk = long_conversation(owner, 2)
    Reply.objects.filter(message__conversation=talk).update(origin=Origin.EDITED)
    link = links.make_link(talk, has_details=has_details)
    details = dom(Client().get(f"/s/{link.secret}/")).texts(".panel dt")
    assert details == (["Written by", "Saved"] if has_details else [])
    copied = continue_as_copy(reader, link).path()[-1].reply
    assert copied.origin == Origin.EDITED


def test_nothing_of_it_waits_or_counts_as_written_here(
    link: SharedLink, reader: User, box: Mailbox
) -> None:
    before = site_overview()
    made = continue_as_copy(reader, link)
    after = site_overview()
    assert (before.ended, before.unfinished) == (after.ended, after.unfinished)
    replies = Reply.objects.filter(message__conversation=made)
    assert not replies.unfinished().exists()
    assert not replies.generated().exists()


def test_settings_come_along_only_where_they_were_shown(
    owner: User, reader: User, box: Mailbox
) -> None:
    talk = long_conversation(owner, 2)
    Reply.objects.filter(message__conversation=talk).update(
        instructions="Answer in rhymes.", seed=7
    )
    bare = continue_as_copy(reader, links.make_link(talk)).path()[-1].reply
    told = links.make_link(talk, has_details=True)
    whole = continue_as_copy(reader, told).path()[-1].reply
    assert (bare.instructions, whole.instructions) == ("", "Answer in rhymes.")
    assert whole.seed == 7 != bare.seed


def test_asked_again_it_leads_to_the_same_copy_until_that_is_gone(
    link: SharedLink, reader: User, box: Mailbox
) -> None:
    first = continue_as_copy(reader, link)
    assert continue_as_copy(reader, link) == first
    conversation_deletion.delete(first)
    second = continue_as_copy(reader, link)
    assert second != first
    renewed = links.renew(link)
    assert continue_as_copy(reader, renewed) not in (first, second)


def test_a_stopped_reply_without_text_keeps_its_place(
    owner: User, reader: User, box: Mailbox
) -> None:
    talk = long_conversation(owner, 2)
    Message.objects.filter(conversation=talk, role="assistant").update(text="")
    Reply.objects.filter(message__conversation=talk).update(state="stopped")
    copy = continue_as_copy(reader, links.make_link(talk))
    sent = send_message(reader, "again", None, copy)
    assert sent.message.parent is not None
    assert sent.message.parent.parent_id == copy.path()[1].pk


def test_each_copy_counts_as_one_message(
    owner: User, reader: User, box: Mailbox, settings: Any, client_of: Any
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    talk = long_conversation(owner, 2)
    first, second = links.make_link(talk), links.make_link(talk)
    made = continue_as_copy(reader, first)
    assert continue_as_copy(reader, first) == made
    with pytest.raises(MessageRefused) as refused:
        continue_as_copy(reader, second)
    assert refused.value.code == "prompts_per_day"
    answer = client_of(reader).post(f"/s/{second.secret}/continue/")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "reached your limit" in text_of(answer)


def test_without_guests_readers_log_in_first(
    link: SharedLink, settings: Any, client_of: Any, box: Mailbox
) -> None:
    settings.GUESTS = False
    settings.SHARING = "everyone"
    visitor = Client()
    page = dom(visitor.get(f"/s/{link.secret}/"))
    assert ".continue form" not in page
    [way] = page.values(".continue a", "href")
    assert way == f"/account/log-in/?next=%2Fs%2F{link.secret}%2F"
    assert not visitor.cookies
    assert visitor.post(f"/s/{link.secret}/continue/").status_code == 303
    assert Conversation.objects.count() == 1
    account = client_of(User.objects.create_user("reader", None))
    assert account.post(f"/s/{link.secret}/continue/")["Location"].startswith("/c/")


def test_a_link_that_ended_is_continued_by_no_one(
    link: SharedLink, box: Mailbox
) -> None:
    links.revoke(link)
    assert Client().post(f"/s/{link.secret}/continue/").status_code == 404
    assert Conversation.objects.count() == 1
