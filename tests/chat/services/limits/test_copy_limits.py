"""Limits on what is stored without a model: forks, copies of shared links, imports."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.models import Conversation, Message, User
from chat.services.errors import MessageRefused
from chat.services.fork import fork
from chat.services.imports.imports import begin_import, delete_import
from chat.services.sharing.continuing import continue_as_copy
from chat.services.sharing.links import make_link
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock
from tests.chat.conversation_data import long_conversation
from tests.chat.services.limits.limit_actions import NETWORK, account, guest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def code_of(act: Callable[[], object]) -> MessageRefused:
    with pytest.raises(MessageRefused) as refused:
        act()
    return refused.value


def forked(talk: Conversation) -> Conversation:
    assert talk.active_leaf is not None
    return fork(talk.active_leaf, talk.owner)


def test_a_loop_of_forks_ends_before_the_disk_does(
    box: Mailbox, settings, clock: Clock
) -> None:
    settings.ACCOUNT_COPIED_MESSAGES_PER_DAY = 20
    talk = long_conversation(account(), 8)
    forked(talk)
    twice = forked(talk)
    refused = code_of(lambda: forked(twice))
    assert refused.code == "copied_per_day"
    assert "20 copied messages a day" in refused.message
    assert "4 left; this needs 8" in refused.message
    assert refused.retry_seconds
    assert (Conversation.objects.count(), Message.objects.count()) == (3, 24)
    clock.turn(refused.retry_seconds)
    forked(twice)


def test_a_fork_counts_as_a_message_as_a_copy_of_a_link_does(
    box: Mailbox, settings
) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = 2
    talk = long_conversation(account(), 2)
    forked(talk)
    continue_as_copy(talk.owner, make_link(talk))
    assert code_of(lambda: forked(talk)).code == "prompts_per_day"


def test_copies_of_a_link_count_for_the_network_of_a_guest(
    box: Mailbox, settings
) -> None:
    settings.NETWORK_COPIED_MESSAGES_PER_DAY = 6
    talk = long_conversation(account(), 4)
    continue_as_copy(guest(NETWORK), make_link(talk))
    again = code_of(lambda: continue_as_copy(guest(NETWORK), make_link(talk)))
    assert again.code == "network_copied_per_day"
    assert "With an account" in again.message


def test_the_same_fork_with_the_same_key_counts_once(box: Mailbox, settings) -> None:
    settings.ACCOUNT_COPIED_MESSAGES_PER_DAY = 4
    talk = long_conversation(account(), 4)
    assert talk.active_leaf is not None
    made = [fork(talk.active_leaf, talk.owner, "a key") for _ in range(3)]
    assert len({*made}) == 1
    other = long_conversation(talk.owner, 2).active_leaf
    assert other is not None
    assert code_of(lambda: fork(other, talk.owner, "a key")).code == "key_reused"


def test_deleted_imports_count_as_well(settings) -> None:
    settings.ACCOUNT_IMPORTS_PER_DAY = 2
    owner: User = account()
    for _ in range(2):
        delete_import(begin_import(owner, "bees.json", 2, [b"[]"]))
    refused = code_of(lambda: begin_import(owner, "bees.json", 2, [b"[]"]))
    assert refused.code == "imports_per_day"
    assert "2 imports a day" in refused.message
    settings.ACCOUNT_IMPORTS_PER_DAY = None
    begin_import(owner, "bees.json", 2, [b"[]"])
