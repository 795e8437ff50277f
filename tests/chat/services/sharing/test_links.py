"""Shared links: what they freeze, how long they open, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.accounts import account_deletion
from chat.accounts.guest_merge import merge_guest
from chat.accounts.retention import Retention
from chat.models import Conversation, SharedLink, SharedMessage, User
from chat.services import conversation_deletion
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.sharing import links
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db


def texts(link: SharedLink) -> list[str]:
    return list(link.messages.values_list("text", flat=True))


@pytest.fixture
def talk(owner: User) -> Conversation:
    return long_conversation(owner, 4)


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.guest(uuid4())


def test_a_copy_stays_as_it_was_frozen_until_it_is_renewed(talk: Conversation) -> None:
    link = links.make_link(talk)
    talk.messages.filter(role="user").update(text="changed")
    Conversation.objects.filter(pk=talk.pk).update(title="Another title")
    assert texts(link) == ["prompt 0", "reply 1", "prompt 2", "reply 3"]
    assert links.find_link(link.secret) == link
    renewed = links.renew(link)
    assert texts(renewed) == ["changed", "reply 1", "changed", "reply 3"]
    assert (renewed.secret, renewed.title) == (link.secret, "Another title")


def test_renewed_at_a_new_address_it_leaves_the_old_one(talk: Conversation) -> None:
    link = links.make_link(talk)
    moved = links.renew(link, has_new_address=True)
    assert links.find_link(link.secret) is None
    assert links.find_link(moved.secret) == link
    assert SharedMessage.objects.count() == 4


def test_addresses_are_long_random_and_looked_up_by_their_digest(
    talk: Conversation,
) -> None:
    made = [links.make_link(talk) for _ in range(3)]
    assert len({link.secret for link in made}) == 3
    assert all(len(link.secret) == 32 for link in made)  # 192 bits in base64
    assert links.find_link(made[0].digest) is None
    assert links.find_link(str(made[0].pk)) is None


def test_only_what_is_asked_for_is_kept_of_how_a_reply_was_made(
    owner: User, sent: Any, worker: Worker, box: Mailbox
) -> None:
    owner.instructions = "Answer in rhymes."
    owner.save()
    reply = sent(owner, "hello")
    worker.answer("Hi")
    collect(str(reply.pk))
    talk = reply.message.conversation
    bare = links.make_link(talk)
    assert [row.details for row in bare.messages.all()] == [None, None]
    assert [row.model for row in bare.messages.all()] == ["", "scripted"]
    told = links.make_link(talk, has_details=True).messages.get(role="assistant")
    assert told.details["instructions"] == "Answer in rhymes."
    assert told.details["new_tokens"] == 2
    assert "worker" not in told.details
    assert told.reply is not None
    reply.refresh_from_db()
    assert told.reply.seconds == pytest.approx(reply.seconds, abs=0.01)


def test_what_is_not_finished_is_left_out(
    owner: User, sent: Any, worker: Worker, box: Mailbox
) -> None:
    reply = sent(owner, "one")
    talk = reply.message.conversation
    with pytest.raises(MessageRefused) as refused:
        links.make_link(talk)
    assert refused.value.code == "nothing_to_share"
    assert not SharedLink.objects.exists()
    worker.answer("First")
    collect(str(reply.pk))
    sent(owner, "two", talk)
    sent(owner, "three", talk)
    assert texts(links.make_link(talk)) == ["one", "First"]


def test_a_failed_renewal_keeps_the_copy(talk: Conversation, settings: Any) -> None:
    link = links.make_link(talk)
    settings.SHARED_MAX_CHARACTERS = 29
    with pytest.raises(MessageRefused) as refused:
        links.renew(link, has_new_address=True)
    assert refused.value.code == "shared_too_long"
    found = links.find_link(link.secret)
    assert found is not None
    assert len(texts(found)) == 4
    settings.SHARED_MAX_CHARACTERS = 30
    links.renew(link)


def test_a_link_that_was_just_revoked_is_not_renewed(talk: Conversation) -> None:
    link = links.make_link(talk)
    links.revoke(link)
    with pytest.raises(MessageRefused) as refused:
        links.renew(link)
    assert refused.value.code == "deleted"
    assert not SharedLink.objects.exists()


def test_a_person_has_so_many_links_at_most(
    talk: Conversation, settings: Any, stranger: User
) -> None:
    settings.SHARED_LINKS_MAX = 2
    links.make_link(talk)
    second = links.make_link(talk)
    links.make_link(long_conversation(stranger, 2))
    with pytest.raises(MessageRefused) as refused:
        links.make_link(talk)
    assert refused.value.code == "too_many_shared"
    links.revoke(second)
    links.make_link(talk)


def test_an_expired_link_does_not_open_and_is_erased(
    talk: Conversation, box: Mailbox
) -> None:
    now = timezone.now()
    late = links.make_link(talk, expires_at=now)
    open_one = links.make_link(talk, expires_at=now + timedelta(days=1))
    kept = links.make_link(talk)
    assert links.find_link(late.secret) is None
    assert set(links.links_of(talk.owner_id)) == {open_one, kept}
    Retention(lambda: 100.0).run()
    assert set(SharedLink.objects.all()) == {open_one, kept}
    assert SharedMessage.objects.count() == 8


def test_a_deleted_conversation_has_no_links_until_it_is_restored(
    talk: Conversation, box: Mailbox, settings: Any
) -> None:
    link = links.make_link(talk)
    conversation_deletion.delete(talk)
    assert links.find_link(link.secret) is None
    assert not links.links_of(talk.owner_id)
    with pytest.raises(MessageRefused):
        links.renew(link)
    talk.refresh_from_db()
    conversation_deletion.restore(talk)
    assert links.find_link(link.secret) == link
    talk.refresh_from_db()
    conversation_deletion.delete(talk)
    settings.DELETED_KEEP_HOURS = 0
    assert conversation_deletion.remove_for_good()
    assert not SharedMessage.objects.exists()


def test_the_end_of_an_account_ends_its_links(talk: Conversation, box: Mailbox) -> None:
    link = links.make_link(talk)
    account_deletion.close_account(talk.owner)
    assert links.find_link(link.secret) is None
    account_deletion.erase_account(talk.owner)
    assert not SharedLink.objects.exists()


def test_an_inactive_owner_shares_nothing(talk: Conversation) -> None:
    link = links.make_link(talk)
    User.objects.filter(pk=talk.owner_id).update(is_active=False)
    assert links.find_link(link.secret) is None


def test_a_guest_takes_the_links_into_the_account(
    talk: Conversation, stranger: User, box: Mailbox
) -> None:
    link = links.make_link(talk)
    stranger.username = "bee"
    stranger.save()
    merge_guest(talk.owner_id, stranger)
    assert list(links.links_of(stranger.pk)) == [link]
    assert links.find_link(link.secret) == link


def test_an_operator_switches_sharing_off(talk: Conversation, settings: Any) -> None:
    link = links.make_link(talk)
    settings.SHARING = "off"
    assert links.find_link(link.secret) is None
    settings.SHARING = "visitors"
    assert links.find_link(link.secret) == link


def test_a_path_longer_than_one_read_is_frozen_whole(owner: User) -> None:
    link = links.make_link(long_conversation(owner, 450))
    assert link.message_count == 450
    assert texts(link)[::449] == ["prompt 0", "reply 449"]
    assert link.messages.all()[448].role == wire.Role.USER
