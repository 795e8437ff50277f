"""Sends plain-text mail in a background thread, so that no answer waits for it.

Answers and their times are the same whether an account exists or not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import get_language, override

from chat.accounts.site_url import can_mail
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)

#: The most mails that may wait to be sent; further ones are dropped.
WAITING_MAX = 100
#: Seconds for which the same mail is not sent again.
PAUSE_SECONDS = 120
_waiting: list[Future[None]] = []


def send_mail(
    to: str, template: str, context: dict[str, Any], *, is_wanted: bool = True
) -> None:
    """Send a template as mail; its first line is the subject.

    With ``is_wanted=False`` it takes the same time, but sends nothing.
    """
    if not can_mail() or not to:
        return
    _waiting[:] = [sent for sent in _waiting if not sent.done()]
    if len(_waiting) >= WAITING_MAX:
        log.warning("too much mail waits to leave; one was not taken")
        return
    subject, _, body = _render(template, context).partition("\n")
    message = (subject.strip(), body.strip())
    _waiting.append(_sender().submit(_send, *message, [to] if is_wanted else []))


def mark_mailed(what: str) -> bool:
    """Mark this as mailed; False if it was mailed a moment ago."""
    try:
        return open_mailbox().is_first_request(what, PAUSE_SECONDS)
    except MailboxAway:
        return True


def wait_until_sent() -> None:
    """Wait until all mail is sent."""
    for sent in _waiting:
        sent.result()


def _render(template: str, context: dict[str, Any]) -> str:
    with override(get_language()):
        return render_to_string(f"accounts/mail/{template}.txt", context).strip()


@cache
def _sender() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def _send(subject: str, body: str, to: Sequence[str]) -> None:
    """Send; a failure is logged without text and address."""
    if not to:
        return
    try:
        EmailMessage(subject, f"{body}\n", to=to).send()
    except Exception as error:
        # Without the traceback, which may contain the address.
        log.error("a mail could not be sent: %s", type(error).__name__)  # noqa: TRY400
