"""Limits that all guests of a network share, as a browser meets them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from chat.accounts.guest_merge import merge_guest
from chat.models import Conversation, LimitBucket, Message, Reply, User
from chat.services.jobs.collect import collect
from chatsite.mailbox import Mailbox, open_mailbox
from chatsite.trusted_proxies import TrustedProxies
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.chat.views.limit_requests import HTMX, send
from tests.dom import dom

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def proxied(settings, box: Mailbox) -> Callable[[str], Client]:
    """Opens private windows of an address, seen through a proxy on a socket file."""
    settings.TRUSTED_PROXIES = TrustedProxies(is_unix_trusted=True)

    def open_window(address: str) -> Client:
        return Client(REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=address)

    return open_window


def test_private_windows_gain_nothing(
    proxied: Callable[[str], Client], settings
) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 2
    assert send(proxied("203.0.113.7")).status_code == 303
    assert send(proxied("203.0.113.7")).status_code == 303
    refused = send(proxied("203.0.113.7"), "precious")
    assert refused.status_code == 429
    assert "Your network has reached its guest limit" in text_of(refused)
    assert "precious" in dom(refused).raw_texts("textarea")
    assert User.objects.count() == 2  # who is refused is nobody still
    spoofed = proxied("198.51.100.1, 203.0.113.7")
    assert send(spoofed).status_code == 429
    assert send(proxied("203.0.113.8")).status_code == 303
    assert send(proxied("2001:db8::1")).status_code == 303


def test_an_account_is_not_refused_for_its_network(
    proxied: Callable[[str], Client], settings
) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 1
    send(proxied("203.0.113.7"))
    signed_in = proxied("203.0.113.7")
    signed_in.force_login(User.objects.create_user("somebody"))
    assert send(signed_in).status_code == 303


def shares() -> list[str]:
    replies = Reply.objects.order_by("message__created_at").values_list("pk", flat=True)
    get = open_mailbox().connection.command
    return [get("HGET", f"mailbox:reply:{pk}", "share") for pk in replies]


def test_guests_of_one_network_have_one_share_and_accounts_their_own(
    proxied: Callable[[str], Client], committed
) -> None:
    account = proxied("203.0.113.7")
    somebody = User.objects.create_user("somebody")
    account.force_login(somebody)
    with committed():
        for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
            send(proxied(address))
        send(account)
    first, same, other, own = shares()
    assert first == same != other
    assert first.startswith("network:")
    assert own == str(somebody.pk)


def test_the_line_serves_a_neighbour_before_the_second_window(
    proxied: Callable[[str], Client], worker: Worker, committed
) -> None:
    with committed():
        for text in ("one", "two", "three"):
            send(proxied("203.0.113.7"), text)
        send(proxied("203.0.113.8"), "neighbour")
    order = [
        Reply.objects.get(pk=worker.answer("yes").reply).message.parent.text
        for _ in range(4)
    ]
    assert order.index("neighbour") <= 1
    assert sorted(order) == ["neighbour", "one", "three", "two"]


def test_who_moves_to_another_network_while_prompts_wait_loses_none(
    proxied: Callable[[str], Client], worker: Worker, settings, committed
) -> None:
    window = proxied("203.0.113.7")
    with committed():
        send(window, "one")
        window.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.8"
        send(window, "two")
    old, new = shares()
    assert old != new
    assert User.objects.get().share == new
    for _ in range(2):
        worker.answer("yes")
    page = window.get("/")
    assert window.get(poll_url(page), headers=HTMX).status_code == 200


def test_who_logs_in_takes_waiting_prompts_out_of_the_share_of_their_network(
    proxied: Callable[[str], Client], worker: Worker, committed
) -> None:
    with committed():
        send(proxied("203.0.113.7"), "one")
        send(proxied("203.0.113.7"), "two")
    account = User.objects.create_user("somebody")
    first = Message.objects.get(text="one").owner
    merge_guest(first.pk, account)
    own, of_network = shares()
    assert own == str(account.pk)
    assert of_network.startswith("network:")
    for _ in range(2):
        collect(worker.answer("yes").reply)
    assert {row.state for row in Reply.objects.all()} == {"done"}
    charged = LimitBucket.objects.filter(kind="tokens_per_day", owner=account)
    assert charged.exists()


def test_a_further_reply_is_counted_where_it_is_asked_for(
    proxied: Callable[[str], Client], worker: Worker, committed
) -> None:
    window = proxied("203.0.113.7")
    with committed():
        send(window, "one")
    reply = worker.answer("yes").reply
    page = window.get(f"/c/{Conversation.objects.get().pk}/")
    window.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.8"
    with committed():
        window.post(f"/r/{reply}/vary/", form_data(page, ""))
    assert Reply.objects.exclude(pk=reply).count() == 1
    subjects = LimitBucket.objects.filter(owner=None).values_list("subject", flat=True)
    assert len(set(subjects)) == 2
    assert shares()[-1] == User.objects.get().share


def test_guests_without_an_address_are_one_network(box: Mailbox, committed) -> None:
    """A socket file that nobody trusts: or each private window would have everything."""
    with committed():
        for spoof in ("203.0.113.7", "203.0.113.8"):
            send(Client(REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=spoof))
    first, second = shares()
    assert first == second
    assert first.startswith("network:")


def test_what_is_kept_of_a_network_does_not_tell_its_address(
    proxied: Callable[[str], Client],
) -> None:
    send(proxied("203.0.113.7"))
    assert re.fullmatch("[0-9a-f]{32}", User.objects.get().network)


def test_one_network_makes_only_so_many_guests_and_none_is_half_made(
    proxied: Callable[[str], Client], settings
) -> None:
    settings.NETWORK_GUESTS_PER_HOUR = 1
    known = proxied("203.0.113.7")
    send(known)
    fresh = proxied("203.0.113.7")
    refused = send(fresh, "precious")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "3600"
    assert "precious" in dom(refused).raw_texts("textarea")
    assert User.objects.count() == 1
    assert send(known, "again").status_code == 303
    call = fresh.post(
        "/api/v1/messages", {"text": "a"}, content_type="application/json"
    )
    assert call.json()["code"] == "too_many_guests"
    assert send(proxied("203.0.113.8")).status_code == 303


def test_settings_that_would_make_one_guest_too_many_come_back_as_typed(
    proxied: Callable[[str], Client], settings
) -> None:
    settings.NETWORK_GUESTS_PER_HOUR = 1
    send(proxied("203.0.113.7"))
    answer = proxied("203.0.113.7").post("/settings/", {"instructions": "Be brief."})
    assert answer.status_code == 429
    assert "Too many new guests" in text_of(answer)
    assert "Be brief." in dom(answer).raw_texts("textarea")
    assert User.objects.count() == 1
