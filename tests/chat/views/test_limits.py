"""Limits as people and programs meet them: refused with the text kept, told what is
left, counted with the others of their network."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.accounts.guest_merge import merge_guest
from chat.models import Conversation, LimitBucket, Message, Reply, User
from chat.services.jobs.collect import collect
from chatsite.mailbox import Mailbox, open_mailbox
from chatsite.trusted_proxies import TrustedProxies
from tests.chat.conftest import Clock, Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Until a test turns the clock."""


@pytest.fixture
def tab(owner: User, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    return client_of(owner)


@pytest.fixture
def proxied(settings, box: Mailbox) -> Callable[[str], Client]:
    """Opens private windows of an address, seen through a proxy on a socket file."""
    settings.TRUSTED_PROXIES = TrustedProxies(is_unix_trusted=True)

    def open_window(address: str) -> Client:
        return Client(REMOTE_ADDR="", HTTP_X_FORWARDED_FOR=address)

    return open_window


def send(tab: Client, text: str = "hello", path: str = "/send/") -> Any:
    return tab.post(path, {"text": text, "key": text})


def due_in(response: Any, clock: Clock) -> int:
    """In how many seconds what it says of a limit wants to be looked at again."""
    return int(dom(response).first("[name=l]")["value"]) - int(clock.now)


# Refused, with nothing lost


def test_without_javascript_the_text_stands_in_the_box_beside_the_reason(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    path = send(tab).headers["Location"].partition("#")[0]
    for address in ("/send/", f"{path}send/"):
        answer = send(tab, "precious <text>", address)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        text = text_of(answer)
        assert "precious <text>" in dom(text).raw_texts("textarea")
        assert "Your limit is reached: 1 message a minute." in text
        assert "send it again in 1 min." in text
        assert "0 of 1 message left this minute" in text
    assert Reply.objects.count() == 1
    assert Conversation.objects.count() == 1


def test_with_htmx_the_reason_and_what_is_left_are_put_into_the_page(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    send(tab)
    answer = tab.post("/send/", form_data(tab.get("/"), "precious"), headers=HTMX)
    assert answer.status_code == 429
    said = dom(answer).one('[hx-swap-oob="innerHTML:#refusal"]')
    assert said.text.startswith("Your limit is reached")
    left = dom(answer).one('[hx-swap-oob="innerHTML:#little-left"]')
    assert "0 of 1 message left this minute" in left.text


def test_the_same_text_is_taken_once_more_came_back(
    tab: Client, clock: Clock, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    send(tab)
    wait = int(send(tab, "again").headers["Retry-After"])
    assert wait == 24 * 3600
    clock.turn(wait)
    assert send(tab, "again").status_code == 303


def test_the_api_says_which_limit_it_was_and_when_to_come_back(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 2
    call = {"content_type": "application/json"}
    for _ in range(2):
        assert tab.post("/api/v1/messages", {"text": "a"}, **call).status_code == 202
    answer = tab.post("/api/v1/messages", {"text": "a"}, **call)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "prompts_per_day"
    assert answer.headers["Retry-After"] == str(12 * 3600)


@pytest.mark.parametrize("act", ["vary", "repeat", "resume"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_further_reply_that_is_refused_says_so_and_shows_the_way_back(
    act: str,
    headers: dict[str, str],
    tab: Client,
    owner: User,
    worker: Worker,
    settings,
    sent,
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    reply = sent(owner)
    worker.answer("yes", is_length_limited=True)
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    answer = tab.post(f"/r/{reply.pk}/{act}/", form_data(page, ""), headers=headers)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "1 message a minute" in text_of(answer)
    assert "Try again in 1 min." in text_of(answer)
    assert Reply.objects.count() == 1


def test_the_same_form_sent_twice_is_never_refused(tab: Client, settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    assert send(tab).status_code == send(tab).status_code == 303


# Guests of one network


def test_private_windows_gain_nothing(
    proxied: Callable[[str], Client], settings
) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 2
    assert send(proxied("203.0.113.7")).status_code == 303
    assert send(proxied("203.0.113.7")).status_code == 303
    refused = send(proxied("203.0.113.7"), "precious")
    assert refused.status_code == 429
    assert "all guests of your network have together" in text_of(refused)
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


# New guests


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
    assert call.json()["error"]["code"] == "too_many_guests"
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


# What is left


def test_the_settings_page_says_all_that_is_left(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 30
    settings.GUEST_MESSAGES_PER_MINUTE = None
    sent(owner)
    text = text_of(tab.get("/settings/"))
    assert "29 of 30 messages left today" in text
    assert "one more every 48 min" in text
    assert "1,000,000 of 1,000,000 tokens left today" in text
    assert "99 of 100 places for waiting replies are free" in text
    assert "All guests of your network together: 300 of 300 messages" in text
    assert "this minute" not in text.replace("300 of 300 messages left this minute", "")


def test_a_visitor_sees_what_a_new_guest_has_and_becomes_none(box: Mailbox) -> None:
    text = text_of(Client().get("/settings/"))
    assert "60 of 60 messages left this minute" in text
    assert not User.objects.exists()


def test_beside_the_box_it_is_said_only_when_it_is_little(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 10
    for number in range(8):
        assert "left today" not in text_of(tab.get("/"))
        sent(owner, f"{number}")
    assert "2 of 10 messages left today" not in text_of(tab.get("/"))
    reply = sent(owner, "another")
    for path in ("/", f"/c/{reply.message.conversation_id}/"):
        assert "1 of 10 messages left today" in text_of(tab.get(path))


def test_polls_ask_the_database_nothing_until_more_came_back(
    tab: Client,
    owner: User,
    clock: Clock,
    worker: Worker,
    settings,
    sent,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    sent(owner)
    page = tab.get("/")
    assert due_in(page, clock) == 24 * 3600
    url = f"{poll_url(page)}&l={int(clock.now) + 24 * 3600}"
    tab.get(url, headers=HTMX)
    with django_assert_num_queries(0):
        quiet = tab.get(url, headers=HTMX)
    assert "little-left" not in text_of(quiet).replace(', #little-left"', "")
    clock.turn(24 * 3600)
    answer = dom(tab.get(url, headers=HTMX))
    assert '[hx-swap-oob="innerHTML:#little-left"] input[name=l]' in answer


def test_what_is_taken_in_another_tab_is_said_in_this_one(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    url = f"{poll_url(tab.get('/'))}&l=0"
    sent(owner)
    answer = dom(tab.get(url, headers=HTMX))
    left = answer.one('[hx-swap-oob="innerHTML:#little-left"]')
    assert "0 of 1 message left today" in left.text
    said = answer.one('[hx-swap-oob="innerHTML:#status"]')
    assert said.text == "0 of 1 message left today"


def test_sending_itself_says_what_is_left(
    tab: Client, owner: User, worker: Worker, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 2
    reply = sent(owner)
    worker.answer("yes")
    path = f"/c/{reply.message.conversation_id}/"
    answer = tab.post(f"{path}send/", form_data(tab.get(path), "two"), headers=HTMX)
    assert "0 of 2 messages left today" in text_of(answer)


def test_a_page_without_a_box_is_told_nothing(
    tab: Client, owner: User, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    send(tab)
    page = tab.get("/settings/")
    stale = re.sub(r"&n=[^&]*", "&n=1", poll_url(page))
    assert "little-left" not in text_of(tab.get(stale, headers=HTMX)).replace(
        ', #little-left"', ""
    )


@pytest.mark.parametrize("due", ["x", "-1", "1.5", "9" * 20])
def test_a_time_that_is_none_is_no_poll(due: str, tab: Client) -> None:
    url = f"{poll_url(tab.get('/'))}&l={due}"
    assert tab.get(url, headers=HTMX).status_code == 400


def test_a_program_reads_what_is_left(tab: Client, owner: User, settings, sent) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 4
    sent(owner)
    found = tab.get("/api/v1/allowances").json()["allowances"]
    assert {
        "kind": "prompts_per_day",
        "whose": "guest",
        "limit": 4,
        "left": 3,
        "wait_seconds": 0,
        "full_seconds": 6 * 3600,
    } in found
    assert {one["whose"] for one in found} == {"guest", "network"}
    waiting = next(one for one in found if one["kind"] == "replies_waiting")
    assert (waiting["left"], waiting["wait_seconds"]) == (99, None)
    assert tab.post("/api/v1/allowances").status_code == 405


def test_where_there_is_no_limit_the_page_says_so(tab: Client, settings) -> None:
    for whose in ("GUEST", "NETWORK"):
        for kind in (
            "MESSAGES_PER_MINUTE",
            "MESSAGES_PER_DAY",
            "REPLIES_WAITING",
            "TOKENS_PER_DAY",
        ):
            setattr(settings, f"{whose}_{kind}", None)
    assert "There is no limit here." in text_of(tab.get("/settings/"))
    assert tab.get("/api/v1/allowances").json() == {"allowances": []}
