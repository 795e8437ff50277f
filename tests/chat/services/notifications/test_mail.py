"""Mail that a reply is ready: to whom it goes, what is in it, and when it waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from chat.models import Conversation, Notice, Reply, User
from chat.services.conversations import mark_read
from chat.services.notifications.mail_choice import set_ready_mail
from chat.services.notifications.sender import NoticeSender
from chatsite import wire
from tests.chat.services.notifications.test_deliver import LEASE, attempt
from tests.upgrade.mail_server import MailServer

pytestmark = pytest.mark.django_db
End = Callable[..., Reply]


@pytest.fixture
def mails(settings: LazySettings) -> Iterator[Callable[[], list[EmailMessage]]]:
    """A site with a mail server; returns the mail since the last call."""
    settings.HAS_PUSH, settings.HAS_READY_MAIL = False, True
    settings.READY_MAIL_MINUTES = 0
    settings.SITE_URL = "https://chat.example.org"
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        host, port = server.server_address[:2]
        settings.EMAIL_HOST, settings.EMAIL_PORT = host, port

        def since() -> list[EmailMessage]:
            found, server.mails[:] = [*server.mails], []
            return [message_from_string(m, policy=policy.default) for m in found]

        yield since


@pytest.fixture
def ada() -> User:
    """An account that asks for such mail."""
    user = User.objects.create_user("ada", email="ada@example.org")
    User.objects.filter(pk=user.pk).update(
        confirmed_email=user.email, ready_mail_language="en"
    )
    user.refresh_from_db()
    return user


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


def stop_path(mail: EmailMessage) -> str:
    link = str(mail["List-Unsubscribe"]).strip().strip("<>")
    return link.removeprefix("https://chat.example.org")


def test_a_mail_has_title_and_link_and_no_text(ada: User, ended: End, mails) -> None:
    reply = ended(ada, "How do bees fly?")
    assert attempt() is None
    (mail,) = mails()
    assert mail["To"] == "ada@example.org"
    assert mail["Subject"] == "Your reply at chatsite is ready"
    link = f"https://chat.example.org/c/{reply.message.conversation_id}/"
    assert f"How do bees fly?\n{link}\n" in text_of(mail)
    assert "It is so." not in str(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"https://chat.example.org{stop_path(mail)}" in text_of(mail)
    assert mail["Auto-Submitted"] == "auto-generated"


def test_it_speaks_the_language_of_the_account_and_names_a_failure(
    ada: User, ended: End, mails
) -> None:
    with override("de"):
        set_ready_mail(ada, is_wanted=True)
    ended(ada, "Bienen", wire.Outcome.FAILED)
    attempt()
    (mail,) = mails()
    assert mail["Subject"] == "Deine Antwort bei chatsite ist fertig"
    assert "Bienen (fehlgeschlagen)\n" in text_of(mail)


@pytest.mark.parametrize(
    "fields",
    [
        {"ready_mail_language": ""},
        {"confirmed_email": "another@example.org"},
        {"email": "", "confirmed_email": ""},
    ],
)
def test_only_who_asks_and_has_a_confirmed_address_gets_mail(
    ada: User, ended: End, mails, fields: dict[str, str]
) -> None:
    User.objects.filter(pk=ada.pk).update(**fields)
    ada.refresh_from_db()
    ended(ada)
    assert not Notice.objects.exists()


def test_what_came_soon_was_stopped_or_is_temporary_is_not_mailed(
    ada: User, ended: End, mails, settings: LazySettings
) -> None:
    stopped = ended(ada, outcome=wire.Outcome.STOPPED)
    conversation = stopped.message.conversation
    Conversation.objects.update(is_hidden=True)
    conversation.refresh_from_db()
    ended(ada, conversation=conversation, key="second")
    settings.READY_MAIL_MINUTES = 1
    ended(ada, "three", key="third")
    assert not Notice.objects.exists()
    settings.HAS_READY_MAIL = False
    settings.READY_MAIL_MINUTES = 0
    ended(ada, "four", key="fourth")
    assert not Notice.objects.exists()


def test_what_was_read_or_no_longer_wanted_is_not_mailed(
    ada: User, ended: End, mails
) -> None:
    mark_read(ended(ada, "one", key="one").message.conversation)
    assert attempt() is None
    ended(ada, "two", key="two")
    set_ready_mail(ada, is_wanted=False)
    assert attempt() is None
    assert mails() == []


def test_several_replies_come_in_one_mail_and_the_next_one_waits(
    ada: User, ended: End, mails, settings: LazySettings
) -> None:
    first = ended(ada, "one", key="one")
    ended(ada, "two", key="two")
    assert attempt(first.notices.get()) is None
    assert not Notice.objects.exists()
    (mail,) = mails()
    assert mail["Subject"] == "2 replies at chatsite are ready"
    assert text_of(mail).index("two") < text_of(mail).index("one")
    ended(ada, "three", key="three")
    left = attempt()
    assert left is not None
    assert mails() == []
    pause = left.next_at - timezone.now()
    assert timedelta(minutes=14) < pause <= timedelta(minutes=15)
    hour_ago = timezone.now() - timedelta(hours=1)
    User.objects.update(ready_mailed_at=hour_ago)
    assert attempt(left) is None
    assert len(mails()) == 1


def test_a_server_that_is_away_is_tried_again(
    ada: User, ended: End, mails, settings: LazySettings, caplog: Any
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    ended(ada)
    left = attempt()
    assert left is not None
    assert left.next_at > timezone.now()
    assert "ada@example.org" not in caplog.text
    settings.EMAIL_PORT = port
    assert attempt(left) is None
    assert len(mails()) == 1


def test_a_keeper_that_died_before_it_noted_the_mail_repeats_it_under_the_same_id(
    ada: User, ended: End, mails
) -> None:
    notice = ended(ada).notices.get()
    assert notice.claim(timezone.now(), LEASE)  # by the one that dies
    attempt(notice)
    User.objects.update(ready_mailed_at=None)
    notice.save(force_insert=True)
    attempt(notice)
    first, second = mails()
    assert first["Message-ID"] == second["Message-ID"]


def test_the_link_stops_the_mail_without_a_log_in(ada: User, ended: End, mails) -> None:
    ended(ada)
    attempt()
    path = stop_path(mails()[0])
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.get(path).status_code == 200
    ada.refresh_from_db()
    assert ada.ready_mail_language == "en"
    one_click = {"List-Unsubscribe": "One-Click"}
    answer = stranger.post(path, one_click)
    assert answer.status_code == 200
    assert "No more emails" in answer.content.decode()
    ada.refresh_from_db()
    assert ada.ready_mail_language == ""
    forged = path.rstrip("/")[:-1] + "_/"
    assert stranger.post(forged).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_keeper_sends_what_a_killed_one_had_claimed(
    ada: User,
    ended: End,
    mails: Callable[[], list[EmailMessage]],
    settings: LazySettings,
    until: Callable[..., None],
) -> None:
    notice = ended(ada, "How do bees fly?").notices.get()
    assert notice.claim(timezone.now(), timedelta())  # its lease has ended
    settings.SWEEP_SECONDS = 0.02
    sender = NoticeSender()
    sender.start()
    until(lambda: not Notice.objects.exists())
    sender.stop()
    assert len(mails()) == 1
