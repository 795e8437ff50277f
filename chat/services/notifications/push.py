"""Sends a notice to the push service of a browser (RFC 8030)."""

from __future__ import annotations

import json
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import override

from chat.models import Notice, PushSubscription, Reply
from chat.services.notifications import vapid
from chat.services.notifications.needed import expires_at
from chat.services.notifications.tried import Tried
from chat.services.outgoing.addresses import push_reach
from chat.services.outgoing.http_post import Failure, Outcome, post
from chatsite import wire

#: The browser has unsubscribed, or its subscription has expired.
GONE = (404, 410)
#: Statuses after which a further try may succeed.
PASSING = (408, 425, 429)
#: Addresses that no push service has.
NEVER = (Failure.PRIVATE_ADDRESS, Failure.PORT, Failure.NEEDS_HTTPS)
#: Push services take 32 characters.
TOPIC_CHARACTERS = 32


def send(notice: Notice, now: datetime) -> Tried:
    """Send one notice, encrypted; remove a subscription that is no more."""
    subscription = notice.subscription
    if subscription is None:
        return Tried("no subscription")
    try:
        outcome = _post(notice, subscription, now)
    except ValueError:
        subscription.delete()
        return Tried("its keys are none")
    said = str(outcome.failure or "delivered")
    if outcome.status is not None and outcome.failure:
        said = f"{said} {outcome.status}"
    if outcome.status in GONE:
        subscription.delete()
    elif outcome.failure is None:
        subscription.note_success()
    elif _may_pass(outcome):
        return Tried(said, is_over=False, pause_seconds=outcome.retry_seconds or 0)
    else:
        subscription.note_refusal()
    return Tried(said)


def _post(notice: Notice, to: PushSubscription, now: datetime) -> Outcome:
    from chat.services.notifications.encryption import encrypted

    content = json.dumps(content_of(notice.reply, to.language), ensure_ascii=False)
    headers = {
        "TTL": str(max(0, int((expires_at(notice) - now).total_seconds()))),
        "Urgency": "high",
        "Topic": _topic(notice),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "Authorization": vapid.authorization(to.endpoint),
    }
    body = encrypted(content.encode(), to.p256dh, to.auth)
    return post(to.endpoint, body, headers, push_reach(), settings.PUSH_SECONDS)


def content_of(reply: Reply, language: str) -> dict[str, str]:
    """What the browser shows: the title of the conversation, and no text of it."""
    conversation = reply.message.conversation
    path = reverse("conversation", args=[conversation.pk])
    with override(language):
        is_done = reply.state == wire.State.DONE
        title = _("The reply is ready.") if is_done else _("The reply failed.")
    return {"title": title, "body": conversation.title, "url": path, "tag": path}


def _topic(notice: Notice) -> str:
    """By this a push service replaces an earlier notice that it has not delivered.

    It is the same for one conversation and browser, and tells nothing of either.
    """
    what = f"{notice.subscription_id}:{notice.reply.message.conversation_id}"
    return salted_hmac("push topic", what).hexdigest()[:TOPIC_CHARACTERS]


def _may_pass(outcome: Outcome) -> bool:
    if outcome.failure in NEVER:
        return False
    status = outcome.status
    return status is None or status >= 500 or status in PASSING
