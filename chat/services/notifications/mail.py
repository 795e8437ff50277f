"""Mails people that replies which took long are ready: titles and links, no text.

At most one mail leaves in a pause. What is ready in between waits, and comes together
in the next one.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import override

from chat.models import Conversation, Notice, User
from chat.models.notice import Channel
from chat.services.notifications.mail_choice import stop_token
from chat.services.notifications.needed import needless, seen_at
from chat.services.notifications.record import gets_mail
from chat.services.notifications.tried import Tried
from chatsite import wire

#: Notices that one mail answers, and conversations that it names.
NOTICES_MAX = 100
NAMED_MAX = 10
HOUR_SECONDS = 3600
#: SMTP replies from this code on are final refusals.
REFUSED = 500


def send(notice: Notice, now: datetime) -> Tried:
    """Send one mail for all that is ready for the owner of a notice."""
    owner = notice.reply.message.conversation.owner
    if not gets_mail(owner):
        return Tried("not wanted")
    if not _take_turn(owner, now):
        return Tried(
            "a mail left lately", is_over=False, pause_seconds=_pause(owner, now)
        )
    ready = [notice, *_others(notice, now)]
    tried = _send(_mail(owner, ready))
    if tried.result == "sent":
        Notice.objects.filter(pk__in=[one.pk for one in ready]).delete()
    else:
        # A mail that did not leave is not one of those that are counted.
        before = owner.ready_mailed_at
        User.objects.filter(pk=owner.pk).update(ready_mailed_at=before)
    return tried


def _take_turn(owner: User, now: datetime) -> bool:
    """Note that a mail leaves now; False if any keeper has just sent one."""
    is_free = Q(ready_mailed_at=None) | Q(ready_mailed_at__lte=now - _least_pause())
    mine = User.objects.filter(is_free, pk=owner.pk)
    return bool(mine.update(ready_mailed_at=now))


def _least_pause() -> timedelta:
    return timedelta(seconds=HOUR_SECONDS / max(1, settings.READY_MAILS_PER_HOUR))


def _pause(owner: User, now: datetime) -> float:
    """Seconds until the next mail may leave."""
    owner.refresh_from_db(fields=["ready_mailed_at"])
    last = owner.ready_mailed_at or now
    return (last + _least_pause() - now).total_seconds()


def _others(notice: Notice, now: datetime) -> list[Notice]:
    """The owner's further notices that this mail answers."""
    owner = notice.reply.message.conversation.owner_id
    further = Notice.objects.filter(
        channel=Channel.MAIL, reply__message__owner=owner
    ).exclude(pk=notice.pk)
    seen = seen_at(owner)
    found = further.with_all().order_by("pk")[:NOTICES_MAX]
    return [one for one in found if not needless(one, now, seen)]


def _mail(owner: User, ready: Sequence[Notice]) -> EmailMessage:
    stop_link = _link("stop_ready_mail", stop_token(owner))
    entries = _entries(ready)
    context = {
        "user": owner,
        "count": len(entries),
        "entries": entries[:NAMED_MAX],
        "further": max(0, len(entries) - NAMED_MAX),
        "stop_link": stop_link,
    }
    with override(owner.ready_mail_language):
        text = render_to_string("accounts/mail/ready.txt", context).strip()
    subject, _, body = text.partition("\n")
    headers = {
        "List-Unsubscribe": f"<{stop_link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Message-ID": _message_id(one.pk for one in ready),
    }
    return EmailMessage(
        subject.strip(), f"{body.strip()}\n", to=[owner.email], headers=headers
    )


def _entries(ready: Sequence[Notice]) -> list[dict[str, object]]:
    """The title, the link and the outcome of each conversation, the newest first."""
    entries: dict[UUID, dict[str, object]] = {}
    for notice in sorted(ready, key=lambda one: one.pk, reverse=True):
        conversation: Conversation = notice.reply.message.conversation
        entries.setdefault(
            conversation.pk,
            {
                "title": conversation.title,
                "link": _link("conversation", conversation.pk),
                "has_failed": notice.reply.state == wire.State.FAILED,
            },
        )
    return [*entries.values()]


def _link(name: str, argument: object) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=[argument])}"


def _message_id(notices: Iterable[int]) -> str:
    """The same if a keeper died before it noted that the mail left."""
    what = " ".join(map(str, sorted(notices)))
    digest = salted_hmac("ready mail", what).hexdigest()[:32]
    host = settings.SITE_URL.split("://")[-1].split("/")[0].split(":")[0]
    return f"<{digest}@{host}>"


def _send(mail: EmailMessage) -> Tried:
    """Send it; an error is named without the address."""
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return Tried("refused", is_over=all(code >= REFUSED for code in codes))
    except (OSError, smtplib.SMTPException) as error:
        return Tried(type(error).__name__, is_over=False)
    return Tried("sent")
