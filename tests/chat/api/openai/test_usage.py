"""What calls are told as usage is what the limits of account and key are charged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.keeper import Keeper
from chat.models import ApiKey, Reply, User
from chat.services.jobs.stop import stop_reply
from chat.services.limits.rules import LimitKind
from chat.services.limits.usage import current_usage, limited_subjects
from chatsite import wire
from tests.chat.api.openai.conftest import KeyClient

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 1_000_000


@pytest.fixture
def charged(
    account: User, key: tuple[ApiKey, str], clock: object
) -> Callable[[], set[int]]:
    """The tokens that the account and the key are charged; one number if they agree."""
    found, _ = key
    found.limits = account.limits = {"tokens_per_day": LIMIT}
    found.save()
    account.save()

    def read() -> set[int]:
        account.used_key = found
        usages = current_usage(limited_subjects(account), [LimitKind.TOKENS_PER_DAY])
        assert len(usages) == 2
        return {LIMIT - usage.remaining for usage in usages}

    return read


def counted(reply: Reply) -> int:
    return (reply.prompt_tokens or 0) + (reply.new_tokens or 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_whole_answer(
    program: KeyClient, meanwhile, worker, charged, count: int
) -> None:
    meanwhile(lambda: [worker.answer("Honey.") for _ in range(count)])
    usage = program.chat(n=count).json()["usage"]
    assert usage["total_tokens"] == count * 7
    assert charged() == {usage["total_tokens"]}


def test_a_stream(program: KeyClient, answered, charged) -> None:
    answered("Honey.")
    *_, last = program.events(stream_options={"include_usage": True})
    assert charged() == {last["usage"]["total_tokens"]} == {7}


def test_a_reply_that_was_stopped(
    program: KeyClient, meanwhile, worker, charged
) -> None:
    def write_until_stopped() -> None:
        claim = worker.claim()
        worker.write(claim, "Honey")
        stop_reply(Reply.objects.with_path().get())
        worker.finish(claim, "Honey", wire.Outcome.STOPPED)

    meanwhile(write_until_stopped)
    assert program.chat().status_code == 400
    assert charged() == {counted(Reply.objects.get())} == {7}


def test_a_reply_that_failed(program: KeyClient, answered, charged) -> None:
    answered("Hon", outcome=wire.Outcome.FAILED)
    assert program.chat().status_code == 500
    assert charged() == {counted(Reply.objects.get())} == {7}


def test_a_prompt_that_was_refused_costs_nothing(
    program: KeyClient, meanwhile, worker, box, charged
) -> None:
    def refuse() -> None:
        claim = worker.claim()
        ending = wire.Ending(
            wire.Outcome.FAILED, wire.ErrorCode.TOO_LONG, refused_tokens=9000
        )
        box.finish((claim.reply, claim.token, 0, "", 0), ending)

    meanwhile(refuse)
    refused = program.chat()
    assert refused.status_code == 400
    assert "9000 tokens" in refused.json()["error"]["message"]
    assert charged() == {0}


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_call_that_hung_up(
    program: KeyClient, worker, charged, has_begun: bool
) -> None:
    answer = program.chat(stream=True)
    next(iter(answer.streaming_content))
    claim = worker.claim() if has_begun else None
    answer.close()
    if claim is not None:
        worker.finish(claim, "Hon", wire.Outcome.STOPPED)
    Keeper().sweep()
    reply = Reply.objects.get()
    assert reply.state == wire.State.STOPPED
    assert charged() == {counted(reply)} == {7 if has_begun else 0}
