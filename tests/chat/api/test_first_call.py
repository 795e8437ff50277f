"""A program's first message, repeated after its answer with the cookies was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat.accounts import account_deletion, guest_merge
from chat.models import Message, User
from chatsite.mailbox import Mailbox
from tests.cookie_names import GUEST, SESSION

pytestmark = pytest.mark.django_db

SECRET = "6f1c2a3e-1b7d-4f60-9d4e-2f5a0c9b8d71"
SHORT = "question-1"


def ask(key: str, text: str = "Hello", address: str = "198.51.100.7") -> Any:
    """Send from a program without cookies."""
    return Client().post(
        "/api/v1/messages",
        {"text": text},
        content_type="application/json",
        headers={"Idempotency-Key": key} if key else {},
        REMOTE_ADDR=address,
    )


def counts() -> tuple[int, int]:
    return User.objects.count(), Message.objects.filter(role="user").count()


def test_a_long_key_gives_the_same_reply_and_its_cookies_again(box: Mailbox) -> None:
    first, second = ask(SECRET), ask(SECRET, "Hello\r\n")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["url"] == second.json()["url"]
    assert counts() == (1, 1)
    reader = Client()
    reader.cookies = second.cookies
    assert reader.get(second.json()["url"]).status_code == 200


def test_a_repeated_short_key_sends_nothing_and_opens_nothing(box: Mailbox) -> None:
    first, second = ask(SHORT), ask(SHORT)
    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["code"] == "unknown_caller"
    assert not second.cookies
    assert counts() == (1, 1)
    assert ask(SHORT, "Something else").status_code == 202


def test_a_short_key_can_be_repeated_with_cookies(box: Mailbox) -> None:
    program = Client(REMOTE_ADDR="198.51.100.7")
    urls = {
        program.post(
            "/api/v1/messages",
            {"text": "Hello"},
            content_type="application/json",
            headers={"Idempotency-Key": SHORT},
        ).json()["url"]
        for _ in range(2)
    }
    assert len(urls) == 1
    assert counts() == (1, 1)


def test_a_program_with_a_guest_cookie_can_repeat_any_key(box: Mailbox) -> None:
    cookies = Client().get("/api/v1/allowances").cookies
    assert set(cookies) == {GUEST}
    urls = set()
    for _ in range(2):
        program = Client()
        program.cookies = cookies
        answer = program.post(
            "/api/v1/messages",
            {"text": "Hello"},
            content_type="application/json",
            headers={"Idempotency-Key": SHORT},
        )
        urls.add(answer.json()["url"])
    assert len(urls) == 1
    assert counts() == (1, 1)


@pytest.mark.parametrize(
    "other",
    [{"address": "203.0.113.9"}, {"text": "Hello?"}, {"key": SECRET[:-1] + "2"}],
)
def test_another_network_text_or_key_makes_another_guest(
    other: dict[str, str], box: Mailbox
) -> None:
    first = ask(SECRET)
    second = ask(**{"key": SECRET, **other})
    assert (first.status_code, second.status_code) == (202, 202)
    reader = Client()
    reader.cookies = second.cookies
    assert reader.get(first.json()["url"]).status_code == 404
    assert counts() == (2, 2)


def test_without_a_key_every_call_makes_a_guest(box: Mailbox) -> None:
    assert {ask("").status_code for _ in range(2)} == {202}
    assert counts() == (2, 2)


@pytest.mark.parametrize("key", [SECRET, SHORT])
def test_after_two_days_a_key_is_new_again(
    key: str, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(key)
    now = timezone.now()
    for days, is_same in ((1, True), (2, False)):
        later = now + timedelta(days=days)
        with monkeypatch.context() as patch:
            patch.setattr("chat.api.first_call.timezone.now", lambda at=later: at)
            answer = ask(key)
        if key == SECRET:
            assert (answer.json()["url"] == first.json()["url"]) is is_same
        else:
            assert answer.status_code == (409 if is_same else 202)


def sign_up(guest: User) -> None:
    User.objects.filter(pk=guest.pk).update(username="bee")


def take_along(guest: User) -> None:
    account = User.objects.create_user("wasp", "a long enough one")
    assert guest_merge.merge_guest(guest.pk, account) == 1


def erase(guest: User) -> None:
    account_deletion.erase_account(guest)
    while account_deletion.erase_closed_accounts():
        pass
    assert not User.objects.exists()


@pytest.mark.parametrize("key", [SECRET, SHORT])
@pytest.mark.parametrize(
    "way", [sign_up, take_along, account_deletion.erase_account, erase]
)
def test_the_key_of_a_former_guest_opens_and_sends_nothing(
    way: Callable[[User], None], key: str, box: Mailbox
) -> None:
    ask(key)
    way(User.objects.get())
    before = counts()
    for _ in range(2):
        answer = ask(key)
        assert answer.status_code == 409
        assert answer.json()["code"] == "unknown_caller"
        assert not answer.cookies
    assert counts() == before
    assert ask(key, "Something else").status_code == 202


def test_a_refused_message_does_not_use_up_its_key(
    box: Mailbox, settings: LazySettings
) -> None:
    settings.GUESTS = False
    assert ask(SECRET).status_code == 401
    settings.GUESTS = True
    assert ask(SECRET).status_code == 202


def test_without_guests_no_key_works(box: Mailbox, settings: LazySettings) -> None:
    settings.GUESTS = False
    assert ask(SECRET).status_code == 401
    assert not Client().get("/api/v1/allowances").cookies


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("key", "answers"), [(SECRET, {202}), (SHORT, {202, 409})])
def test_two_first_calls_at_once_make_one_message(
    key: str, answers: set[int], box: Mailbox
) -> None:
    start, found = threading.Barrier(2), []

    def call() -> None:
        start.wait()
        found.append(ask(key))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in found} == answers
    assert counts() == (1, 1)
    assert sum(SESSION in one.cookies for one in found) == (3 - len(answers))
