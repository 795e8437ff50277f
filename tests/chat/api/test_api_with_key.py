"""The native API with a key in place of cookies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.signing import get_cookie_signer
from django.test import Client
from pytest_django import Settings

from chat.accounts import account_deletion, api_keys
from chat.keeper import Keeper
from chat.models import AttemptCounter, Conversation, LimitBucket, Reply, User
from chat.services.jobs.request import request_for
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.api.key_program import Program, path_of
from tests.chat.conftest import Clock, Worker
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"can_read_history": True, "can_batch": True}


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


@pytest.mark.parametrize("guests", [True, False])
def test_a_message_is_sent_and_read_as_the_account(
    guests: bool, account: User, worker: Worker, settings: Settings
) -> None:
    settings.GUESTS = guests
    program = Program(account)
    answer = program.send()
    assert answer.status_code == 202, answer.content
    conversation = Conversation.objects.get()
    assert (conversation.owner, conversation.api_key) == (account, program.key)
    worker.answer("Honey.")
    read = program.get(path_of(answer))
    assert (read.json()["state"], read.json()["text"]) == ("done", "Honey.")
    assert "Set-Cookie" not in f"{answer.headers}{read.headers}"
    assert not (answer.cookies or read.cookies)
    assert User.objects.count() == 1  # no guest


def test_two_keys_do_not_see_each_others_account(account: User, box: Mailbox) -> None:
    """Redis remembers for a while who is behind a key."""
    other = Program(User.objects.create_user("wasp", None), **ALL)
    mine = Program(account, **ALL)
    path = path_of(mine.send())
    for _ in range(2):
        assert mine.get(path).status_code == 200
        assert other.get(path).status_code == 404


def test_a_key_takes_effect_at_once_and_so_does_its_end(
    account: User, box: Mailbox
) -> None:
    program = Program(account)
    path = path_of(program.send())
    assert program.get(path).status_code == 200
    api_keys.revoke(program.key)
    answer = program.get(path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_api_key"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_an_account_that_is_closed_takes_its_keys_along(
    account: User, box: Mailbox
) -> None:
    program = Program(account)
    account_deletion.close_account(account)
    assert program.get("/api/v1/allowances").status_code == 401


def test_too_many_wrong_keys_of_a_network_are_refused_and_right_ones_are_not(
    account: User, box: Mailbox, settings: Settings
) -> None:
    settings.NETWORK_WRONG_KEYS_PER_HOUR = 3
    program = Program(account)
    wrong = {"Authorization": "Bearer csk_wrong"}
    for path in ("/api/v1/allowances", "/v1/models"):
        AttemptCounter.objects.all().delete()
        statuses = [Client().get(path, headers=wrong).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        answer = Client().get(path, headers=wrong)
        assert 3000 < int(answer["Retry-After"]) <= 3600
        assert program.get(path).status_code == 200


def test_cookies_sent_along_with_a_key_do_nothing(account: User, tab: Client) -> None:
    """Not even those of a site under an earlier name, which are renewed."""
    program = Program(account)
    program.client.cookies.update(tab.cookies)
    guest = User.objects.guest(uuid.uuid4())
    program.client.cookies["guest"] = get_cookie_signer(salt="guest").sign(guest.pk)
    answer = program.send()
    assert (answer.status_code, Conversation.objects.get().owner) == (202, account)
    for path in (path_of(answer), "/v1/models"):
        read = program.get(path)
        assert (read.status_code, len(read.cookies)) == (200, 0)
    assert program.client.get("/").cookies  # which renews them


def test_another_scheme_is_meant_for_a_proxy(account: User, tab: Client) -> None:
    basic = {"Authorization": "Basic YTpi"}
    assert tab.get("/api/v1/search?q=a", headers=basic).status_code == 200


def test_the_limits_of_a_key_count_beside_those_of_its_account(
    account: User, worker: Worker, clock: Clock
) -> None:
    limits = {"prompts_per_minute": 2, "tokens_per_day": 10}
    program, other = Program(account, limits=limits), Program(account)
    for _ in range(2):
        assert program.send().status_code == 202
    refused = program.send()
    assert (refused.status_code, refused.json()["code"]) == (
        429,
        "key_prompts_per_minute",
    )
    assert "This API key has reached its limit" in refused.json()["detail"]
    assert other.send().status_code == 202
    left = {
        (one["whose"], one["kind"]): one["left"]
        for one in program.get("/api/v1/allowances").json()["allowances"]
    }
    assert left["key", "prompts_per_minute"] == 0
    assert left["account", "prompts_per_day"] == 3000 - 3

    for _ in range(3):
        worker.answer("Honey.")  # 7 tokens each
    Keeper().sweep()
    clock.turn(60)
    refused = program.send().json()
    assert refused["code"] == "key_tokens_per_day"
    assert other.send().status_code == 202
    assert LimitBucket.objects.filter(
        owner=account, subject__startswith="key:"
    ).exists()


def test_calls_of_clients_of_openai_count_for_the_same_key(
    account: User, box: Mailbox
) -> None:
    program = Program(account, limits={"prompts_per_minute": 1})
    ask = {"model": "scripted", "messages": [{"role": "user", "content": "a"}]}
    program.post("/v1/chat/completions", {**ask, "stream": True}).close()
    assert Reply.objects.get().key_id == program.key.pk
    refused = program.post("/v1/chat/completions", ask)
    assert refused.json()["error"]["code"] == "key_prompts_per_minute"
    assert program.send().status_code == 429


def test_a_retry_counts_for_the_key_that_asks(account: User, box: Mailbox) -> None:
    program = Program(account, limits={"prompts_per_day": 1})
    path = path_of(program.send())
    program.post(f"{path}/stop")
    refused = program.post(f"{path}/retry")
    assert refused.json()["code"] == "key_prompts_per_day"


def test_calls_of_a_helper_key_wait_in_the_helper_line(
    account: User, worker: Worker
) -> None:
    Program(account, is_helper=True).send("second")
    first = Program(account).send("first")
    assert worker.claim().reply == first.json()["id"]


def test_a_native_call_is_answered_like_a_message_of_a_page(
    account: User, box: Mailbox
) -> None:
    """Old turns of a long conversation are dropped and not refused."""
    Program(account).send()
    request = request_for(Reply.objects.with_path().get())
    assert (request.is_raw, request.is_cut_refused) == (False, False)
    assert [turn.role for turn in request.turns] == [wire.Role.USER]


def test_another_version_of_a_call_answers_the_turns_that_it_sent(
    account: User, tab_of: Callable[[User], Client], worker: Worker
) -> None:
    turns = [["system", "Be brief."], ["user", "a"], ["assistant", "b"], ["user", "c"]]
    program = Program(account)
    program.send("c")
    reply = Reply.objects.get()
    reply.call = {**reply.call, "turns": turns, "is_helper": True}
    reply.save()
    worker.answer("d")
    Keeper().sweep()
    tab_of(account).post(f"/r/{reply.pk}/vary/")
    again = Reply.objects.with_path().exclude(pk=reply.pk).get()
    assert [turn.text for turn in request_for(again).turns] == ["Be brief.", *"abc"]
    assert (again.key_id, again.call["is_helper"]) == (None, False)


@pytest.fixture
def tab_of(client_of: Callable[[User], Client], box: Mailbox) -> Any:
    return client_of


def test_a_kept_conversation_shows_the_name_of_the_key(
    account: User, tab_of: Callable[[User], Client], worker: Worker
) -> None:
    answer = Program(account).send()
    worker.answer("Honey.")
    Keeper().sweep()
    tab = tab_of(account)
    page = dom(tab.get(f"/c/{answer.json()['conversation']}/"))
    assert "A bot" in page.one(".made-by").text
    assert "A bot" in dom(tab.get(f"/r/{answer.json()['id']}/details/")).text
