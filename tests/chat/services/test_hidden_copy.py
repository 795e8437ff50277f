"""Copies of many messages: stored in parts, and shown only as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chat.accounts.guest_merge import merge_guest
from chat.models import Conversation, Message, Origin, User
from chat.services import conversation_deletion
from chat.services.conversation_deletion import MESSAGES_AT_ONCE
from chat.services.copied_messages import NewMessage
from chat.services.errors import MessageRefused
from chat.services.exports.archive import conversations_archive
from chat.services.hidden_copy import HiddenCopy
from chat.services.search.results import search
from chatsite.mailbox import Mailbox
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db
COUNT = 2 * MESSAGES_AT_ONCE + 10


def messages(count: int = COUNT) -> Iterator[NewMessage]:
    parent = None
    for number in range(count):
        yield (made := NewMessage(f"bees {number}", timezone.now(), parent))
        parent = made.pk


@pytest.fixture
def copy(owner: User) -> HiddenCopy:
    return HiddenCopy(messages(), Origin.COPIED, owner=owner, title="honey")


def test_nothing_shows_a_copy_before_it_is_whole(
    copy: HiddenCopy, owner: User, tab
) -> None:
    for number, _part in enumerate(copy.store_parts(), 1):
        assert Message.objects.count() == number * MESSAGES_AT_ONCE
        (made,) = Conversation.objects.all()
        assert tab.get(f"/c/{made.pk}/").status_code == 404
        assert "honey" not in tab.get("/").content.decode()
        assert not search(owner.pk, "bees").hits
        assert b"bees" not in b"".join(conversations_archive(owner.pk))
    made = copy.show()
    assert [one.text for one in made.path()] == [f"bees {n}" for n in range(COUNT)]
    assert tab.get(f"/c/{made.pk}/").status_code == 200
    assert search(owner.pk, "bees").hits


@pytest.mark.django_db(transaction=True)
def test_others_write_between_its_parts(copy: HiddenCopy, owner: User) -> None:
    def write() -> None:
        with transaction.atomic():
            User.objects.filter(pk=owner.pk).update(instructions="written")
        connection.close()

    for _part in copy.store_parts():
        other = Thread(target=write)
        other.start()
        other.join()
        owner.refresh_from_db()
        assert owner.instructions == "written"
        User.objects.filter(pk=owner.pk).update(instructions="")


def test_what_a_killed_process_leaves_is_removed_an_hour_later(
    copy: HiddenCopy, box: Mailbox, settings
) -> None:
    settings.DELETED_KEEP_HOURS = 24
    next(copy.store_parts())
    assert not conversation_deletion.remove_for_good()
    deleted = Conversation.objects.get().deleted_at
    assert deleted is not None
    Conversation.objects.update(deleted_at=deleted - timedelta(hours=1))
    assert conversation_deletion.remove_for_good()
    assert not Conversation.objects.exists()


def test_a_copy_goes_along_when_its_guest_logs_in(
    copy: HiddenCopy, owner: User, box: Mailbox
) -> None:
    account = User.objects.create_user("bee", None)
    parts = copy.store_parts()
    next(parts)
    merge_guest(owner.pk, account)
    for _part in parts:
        pass
    made = copy.show()
    assert made.owner == account
    assert {one.owner_id for one in made.path()} == {account.pk}
    assert len(search(account.pk, "bees").hits) > 1


def test_a_copy_ends_where_its_owner_was_erased(
    copy: HiddenCopy, owner: User, box: Mailbox
) -> None:
    parts = copy.store_parts()
    next(parts)
    Conversation.objects.all().delete()
    with pytest.raises(MessageRefused):
        next(parts)
    with pytest.raises(MessageRefused), transaction.atomic():
        copy.show()
    assert not Message.objects.exists()


def test_a_long_conversation_is_removed_in_parts_and_is_never_seen_in_part(
    owner: User, box: Mailbox, settings, monkeypatch: pytest.MonkeyPatch, tab
) -> None:
    monkeypatch.setattr(conversation_deletion, "MESSAGES_PER_STEP", MESSAGES_AT_ONCE)
    settings.DELETED_KEEP_HOURS = 0
    long, short = long_conversation(owner, COUNT), long_conversation(owner, 4)
    conversation_deletion.delete_all(owner.pk)
    left = []
    while conversation_deletion.remove_for_good():
        left.append(Message.objects.count())
        tab.post(f"/c/{long.pk}/restore/")
        assert tab.get(f"/c/{long.pk}/").status_code == 404
        Conversation.objects.update(deleted_at=timezone.now())
    assert left == [COUNT - MESSAGES_AT_ONCE, COUNT - 2 * MESSAGES_AT_ONCE, 0]
    assert not Conversation.objects.filter(pk__in=(long.pk, short.pk)).exists()


def test_a_long_tree_with_later_parents_is_removed_whole(
    owner: User, box: Mailbox
) -> None:
    """An import may have messages that are older than what they answer."""
    long = long_conversation(owner, COUNT)
    for number, message in enumerate(long.path()):
        when = timezone.now() - timedelta(hours=number)
        Message.objects.filter(pk=message.pk).update(created_at=when)
    conversation_deletion.remove_messages([long.pk, uuid4()])
    assert Message.objects.count() < MESSAGES_AT_ONCE
