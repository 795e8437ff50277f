"""Whom the end of a reply is to be told, noted in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.accounts.api_keys import make_key
from chat.models import Conversation, Notice, PushSubscription, Reply, Session, User
from chat.services.jobs.collect import collect
from chat.services.notifications.record import record_notices
from chatsite import wire

pytestmark = pytest.mark.django_db
End = Callable[..., Reply]
Subscribe = Callable[..., PushSubscription]


def test_each_browser_of_the_owner_is_told_once(
    owner: User, subscribed: Subscribe, ended: End
) -> None:
    mine = {subscribed(owner, path).pk for path in ("/one", "/two")}
    subscribed(User.objects.create_user("wasp", None), "/three")
    reply = ended(owner)
    collect(str(reply.pk))
    record_notices(reply)
    notices = Notice.objects.filter(reply=reply)
    assert sorted(one.subscription_id for one in notices) == sorted(mine)


def test_failed_replies_are_told_and_stopped_ones_are_not(
    owner: User, subscribed: Subscribe, ended: End
) -> None:
    subscribed(owner)
    ended(owner, outcome=wire.Outcome.FAILED)
    assert Notice.objects.count() == 1
    ended(owner, outcome=wire.Outcome.STOPPED)
    assert Notice.objects.count() == 1


def test_programs_temporary_chats_and_calls_are_not_told(
    subscribed: Subscribe, ended: End
) -> None:
    bee = User.objects.create_user("bee", None)
    subscribed(bee)
    reply = ended(bee)
    Notice.objects.all().delete()
    reply.message.conversation.is_hidden = True
    record_notices(reply)
    reply.message.conversation.is_hidden = False
    bee.used_key = make_key(bee, "A bot")[0]
    record_notices(ended(bee))
    assert not Notice.objects.exists()


def test_a_browser_whose_session_is_over_is_not_told(
    owner: User, subscribed: Subscribe, ended: End
) -> None:
    subscribed(owner)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    ended(owner)
    assert not Notice.objects.exists()


def test_an_end_that_is_rolled_back_leaves_no_notice(
    owner: User, subscribed: Subscribe, ended: End
) -> None:
    subscribed(owner)
    reply = ended(owner)
    Notice.objects.all().delete()
    with transaction.atomic():
        record_notices(reply)
        assert Notice.objects.exists()
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_it_costs_one_statement_with_keys_and_none_without(
    owner: User, ended: End, settings: LazySettings
) -> None:
    reply = ended(owner)
    for has_push, count in ((True, 1), (False, 0)):
        settings.HAS_PUSH = has_push
        with CaptureQueriesContext(connection) as queries:
            record_notices(reply)
        assert len(queries) == count


def test_what_is_erased_takes_its_notices_along(
    owner: User, subscribed: Subscribe, ended: End
) -> None:
    subscribed(owner)
    ended(owner)
    Conversation.objects.all().delete()
    assert not Notice.objects.exists()
