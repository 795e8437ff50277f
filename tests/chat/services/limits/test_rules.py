"""Which limits hold for whom, what is taken of them, and what is refused when."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import Conversation, LimitBucket, Reply, User
from chat.services import held_messages, reply_versions
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.jobs.publish import publish
from chat.services.limits.admission import admit
from chat.services.limits.network_rate import admit_guest, admit_mail, admit_sign_up
from chat.services.limits.remaining import remaining_limits, scarce_limit
from chat.services.limits.rules import LimitKind, LimitScope, clean_limits, limits_of
from chat.services.limits.usage import charge_tokens
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock, Worker

pytestmark = pytest.mark.django_db

NETWORK = "0123456789abcdef"


def guest(network: str = "") -> User:
    return User.objects.guest(uuid.uuid4(), network)


def account(**fields: Any) -> User:
    return User.objects.create(username=uuid.uuid4().hex, **fields)


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Until a test turns the clock."""


def ask(owner: User, count: int = 1) -> None:
    with transaction.atomic():
        admit(owner, None, "scripted", count)


def refusal_of(owner: User, count: int = 1) -> MessageRefused:
    with pytest.raises(MessageRefused) as refused:
        ask(owner, count)
    return refused.value


def left(owner: User, kind: LimitKind, whose: LimitScope | None = None) -> int:
    whose = whose or (LimitScope.GUEST if owner.is_guest else LimitScope.ACCOUNT)
    return next(
        one.remaining
        for one in remaining_limits(owner)
        if one.kind is kind and one.scope is whose
    )


# Which limits hold


def test_guests_and_accounts_have_the_limits_of_the_settings(settings) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.ACCOUNT_MESSAGES_PER_DAY = 7, None
    assert limits_of(guest())[LimitKind.MESSAGES_PER_DAY] == 7
    assert limits_of(account())[LimitKind.MESSAGES_PER_DAY] is None


def test_an_account_can_have_more_less_or_no_limit_at_all(settings) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = settings.ACCOUNT_TOKENS_PER_DAY = 5
    own = {"prompts_per_day": 500, "tokens_per_day": None, "replies_waiting": 1}
    limits = limits_of(account(limits=own))
    assert limits[LimitKind.MESSAGES_PER_DAY] == 500
    assert limits[LimitKind.TOKENS_PER_DAY] is None
    assert limits[LimitKind.REPLIES_WAITING] == 1
    assert limits[LimitKind.MESSAGES_PER_MINUTE] == settings.ACCOUNT_MESSAGES_PER_MINUTE


@pytest.mark.parametrize("raw", [[], "x", {"prompts_per_day": 0}, {"x": 1}, None, 3])
def test_a_row_that_holds_nonsense_locks_nobody_out(raw: Any, settings) -> None:
    user = account()
    user.limits = raw
    assert (
        limits_of(user)[LimitKind.MESSAGES_PER_DAY] == settings.ACCOUNT_MESSAGES_PER_DAY
    )


@pytest.mark.parametrize(
    "raw",
    [{}, {"prompts_per_day": 1}, {"tokens_per_day": None}, {"replies_waiting": 9}],
)
def test_what_an_account_may_be_given(raw: dict[str, Any]) -> None:
    assert clean_limits(raw) == raw


@pytest.mark.parametrize("empty", [None, ""])
def test_no_limits_of_ones_own(empty: Any) -> None:
    assert clean_limits(empty) == {}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([1], "Write limits as"),
        ("many", "Write limits as"),
        ({"prompts": 1}, "no limit named “prompts”"),
        ({"guests_per_hour": 1}, "no limit named"),
        ({1: 1}, "no limit named"),
        ({"prompts_per_day": 0}, "prompts_per_day must be a whole number"),
        ({"prompts_per_day": -1}, "must be a whole number"),
        ({"prompts_per_day": 1.5}, "must be a whole number"),
        ({"prompts_per_day": True}, "must be a whole number"),
        ({"prompts_per_day": "5"}, "must be a whole number"),
        ({"prompts_per_day": 10**10}, "must be a whole number"),
        ({"prompts_per_day": [1]}, "must be a whole number"),
    ],
)
def test_what_no_account_can_be_given(raw: Any, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        clean_limits(raw)
    assert words in " ".join(refused.value.messages)


# Prompts


def test_so_many_a_minute_and_one_more_when_it_came_back(
    settings, clock: Clock
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 3, guest()
    for _ in range(3):
        ask(owner)
    refused = refusal_of(owner)
    assert refused.code == "prompts_per_minute"
    assert refused.retry_seconds == 20
    assert "Your limit is reached: 3 messages a minute." in refused.message
    assert "send it again in 20 s" in refused.message
    clock.turn(20)
    ask(owner)
    assert refusal_of(owner).retry_seconds == 20


def test_a_refused_prompt_takes_nothing_of_any_limit(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, settings.GUEST_MESSAGES_PER_DAY = 2, 10
    owner = guest(NETWORK)
    ask(owner, 2)
    for _ in range(5):
        refusal_of(owner)
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 8
    network = settings.NETWORK_MESSAGES_PER_DAY - 2
    assert left(owner, LimitKind.MESSAGES_PER_DAY, LimitScope.NETWORK) == network
    clock.turn(60)
    ask(owner, 2)


def test_the_limit_that_takes_longest_is_the_one_that_is_told(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = settings.GUEST_MESSAGES_PER_DAY = 1
    owner = guest()
    ask(owner)
    refused = refusal_of(owner)
    assert refused.code == "prompts_per_day"
    assert refused.retry_seconds == 24 * 3600


def test_several_replies_at_once_say_how_many_are_left(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 5, guest()
    ask(owner, 3)
    refused = refusal_of(owner, 4)
    assert "2 are left, and this takes 4." in refused.message
    assert refused.retry_seconds == 24
    ask(owner, 2)


def test_what_passes_a_small_limit_alone_is_not_refused_forever(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 2, guest()
    ask(owner, 4)
    assert refusal_of(owner).retry_seconds == 60  # the rest is forgiven


def test_no_limit_is_no_limit_and_leaves_no_row(settings) -> None:
    for whose in LimitScope:
        for kind in ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "TOKENS_PER_DAY"):
            setattr(settings, f"{whose.name}_{kind}", None)
    owner = guest(NETWORK)
    for _ in range(200):
        ask(owner)
    assert not LimitBucket.objects.exists()
    assert {one.kind for one in remaining_limits(owner)} == {LimitKind.REPLIES_WAITING}


def test_guests_of_one_network_count_together_and_accounts_alone(settings) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 2
    ask(guest(NETWORK))
    ask(guest(NETWORK))
    refused = refusal_of(guest(NETWORK))
    assert refused.code == "network_prompts_per_minute"
    assert "all guests of your network have together" in refused.message
    assert "2 messages a minute" in refused.message
    ask(guest("another"))
    ask(guest())
    ask(account(network=NETWORK))


@pytest.mark.parametrize(
    ("signup", "of_account", "is_told"),
    [
        ("open", 9, True),
        ("invitation", None, True),
        ("closed", 9, False),
        ("open", 2, False),
    ],
)
def test_guests_are_told_that_an_account_has_more_where_it_has(
    signup: str, of_account: int | None, is_told: bool, settings
) -> None:
    settings.SIGNUP = signup
    settings.GUEST_MESSAGES_PER_DAY = 2
    settings.ACCOUNT_MESSAGES_PER_DAY = of_account
    owner = guest()
    ask(owner, 2)
    said = refusal_of(owner).message
    assert ("With an account you have more." in said) == is_told


def test_an_account_is_not_told_to_make_one(settings) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = 1
    owner = account()
    ask(owner)
    assert "account" not in refusal_of(owner).message


def test_what_waits_counts_for_the_network_too(box: Mailbox, settings, sent) -> None:
    settings.NETWORK_REPLIES_WAITING = 2
    sent(guest(NETWORK))
    sent(guest(NETWORK))
    refused = refusal_of(guest(NETWORK))
    assert refused.code == "too_many_of_your_network"
    assert "No more than 2 messages of all guests of your network" in refused.message
    ask(account())
    ask(guest("another"))


# Every way to make work counts once


@pytest.fixture
def done(owner: User, worker: Worker, sent, settings) -> Reply:
    """A reply that ended; four messages a minute are left after it."""
    settings.GUEST_MESSAGES_PER_MINUTE = 5
    reply: Reply = sent(owner, "one", key="k")
    ended = collect(worker.answer("1", is_length_limited=True).reply)
    assert ended is not None
    return reply if ended is None else ended


def minutes_left(owner: User) -> int:
    return left(owner, LimitKind.MESSAGES_PER_MINUTE)


def test_sending_the_same_again_counts_once(owner: User, done: Reply, sent) -> None:
    assert minutes_left(owner) == 4
    sent(owner, "one", key="k")
    assert minutes_left(owner) == 4


@pytest.mark.parametrize(
    ("act", "count"),
    [
        (reply_versions.vary, 1),
        (lambda reply: reply_versions.vary(reply, 3), 3),
        (reply_versions.repeat, 1),
        (reply_versions.resume, 1),
    ],
)
def test_every_further_reply_counts(
    act: Callable[[Reply], Reply], count: int, owner: User, done: Reply
) -> None:
    act(done)
    assert minutes_left(owner) == 4 - count
    act(done)  # they are to come already
    assert minutes_left(owner) == 4 - count


def test_a_reply_tried_again_counts_and_one_that_went_well_does_not(
    owner: User, done: Reply, worker: Worker, sent
) -> None:
    reply_versions.retry(done)
    assert minutes_left(owner) == 4
    sent(owner, "two", done.message.conversation)
    failed = collect(worker.answer("", outcome=wire.Outcome.FAILED).reply)
    assert failed is not None
    reply_versions.retry(failed)
    assert minutes_left(owner) == 2


def test_what_is_held_changed_released_or_published_anew_counts_no_second_time(
    owner: User, done: Reply, worker: Worker, sent, committed
) -> None:
    conversation = done.message.conversation
    sent(owner, "two", conversation)
    held = sent(owner, "three", conversation)
    assert minutes_left(owner) == 2
    held_messages.edit(held, "three, changed")
    with committed():
        collect(worker.answer("", outcome=wire.Outcome.FAILED).reply)
        held.refresh_from_db()
        held_messages.release(held)
    assert held.publish_again()
    publish(held)
    Keeper().sweep()
    assert minutes_left(owner) == 2


# Tokens


def end(owner: User, worker: Worker, sent, **said: Any) -> Reply:
    sent(owner, uuid.uuid4().hex)
    claim = worker.claim()
    worker.finish(claim, "yes", **said)
    ended = collect(claim.reply)
    assert ended is not None
    return ended


def test_tokens_are_charged_once_when_a_reply_ended(
    worker: Worker, settings, sent
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 100, guest(NETWORK)
    reply = end(owner, worker, sent)
    assert (reply.prompt_tokens, reply.new_tokens) == (5, 2)
    assert left(owner, LimitKind.TOKENS_PER_DAY) == 93
    collect(str(reply.pk))
    assert left(owner, LimitKind.TOKENS_PER_DAY) == 93
    network = settings.NETWORK_TOKENS_PER_DAY - 7
    assert left(owner, LimitKind.TOKENS_PER_DAY, LimitScope.NETWORK) == network


def test_a_reply_may_leave_a_debt_and_then_there_is_a_wait_of_a_day_at_most(
    worker: Worker, settings, sent, clock: Clock
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 6, guest()
    for count in (1, 2):
        if count == 2:
            LimitBucket.objects.filter(kind=LimitKind.TOKENS_PER_DAY).delete()
        end(owner, worker, sent)
    refused = refusal_of(owner)
    assert refused.code == "tokens_per_day"
    assert refused.retry_seconds == 8 * 3600
    assert "6 tokens a day" in refused.message
    clock.turn(8 * 3600)
    ask(owner)


def test_a_reply_taken_back_in_line_costs_no_tokens(box: Mailbox, sent) -> None:
    owner = guest()
    reply = sent(owner)
    box.stop(str(reply.pk))
    collect(str(reply.pk))
    assert not LimitBucket.objects.filter(kind=LimitKind.TOKENS_PER_DAY).exists()


# Two at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_together", [False, True])
def test_of_many_sent_at_once_no_more_pass_than_are_left(
    is_together: bool, box: Mailbox, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = settings.NETWORK_MESSAGES_PER_MINUTE = 3
    one = guest(NETWORK)
    owners = [guest(NETWORK) if is_together else one for _ in range(8)]
    start, passed = threading.Barrier(8), []

    def send_one(owner: User) -> None:
        start.wait()
        try:
            passed.append(send_message(owner, "hello", uuid.uuid4().hex))
        except MessageRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=send_one, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == Reply.objects.count() == box.waiting("scripted") == 3


@pytest.mark.django_db(transaction=True)
def test_of_replies_that_end_at_once_each_is_charged(settings) -> None:
    settings.NETWORK_TOKENS_PER_DAY = 1000
    owners = [guest(NETWORK) for _ in range(4)]
    start = threading.Barrier(8)

    def end_one(owner: User) -> None:
        start.wait()
        with transaction.atomic():
            charge_tokens(owner, 7)
        connection.close()

    threads = [threading.Thread(target=end_one, args=(o,)) for o in owners * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left(owners[0], LimitKind.TOKENS_PER_DAY, LimitScope.NETWORK) == 1000 - 8 * 7


# Arrivals


@pytest.mark.parametrize(
    ("act", "setting", "code"),
    [
        (admit_guest, "NETWORK_GUESTS_PER_HOUR", "too_many_guests"),
        (admit_sign_up, "NETWORK_SIGNUPS_PER_HOUR", "too_many_sign_ups"),
        (admit_mail, "NETWORK_MAILS_PER_HOUR", "too_many_mails"),
    ],
)
def test_one_network_makes_only_so_many_guests_and_accounts_an_hour(
    act: Callable[[str], None], setting: str, code: str, settings
) -> None:
    setattr(settings, setting, 2)
    act(NETWORK)
    act(NETWORK)
    with pytest.raises(MessageRefused, match="in 30 min") as refused:
        act(NETWORK)
    assert refused.value.code == code
    assert refused.value.retry_seconds == 1800
    act("another")
    setattr(settings, setting, None)
    act(NETWORK)


# What is left, in words


def test_what_is_left_is_said_in_words_that_stay_true(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.GUEST_MESSAGES_PER_MINUTE = 30, None
    owner = guest(NETWORK)
    assert scarce_limit(owner) is None
    ask(owner, 18)
    found = remaining_limits(owner)[0]
    assert (found.text, found.refill) == (
        "12 of 30 messages left today",
        "one more every 48 min",
    )
    assert scarce_limit(owner) is None
    ask(owner, 7)
    little = scarce_limit(owner)
    assert little is not None
    assert little.text == "5 of 30 messages left today"
    ask(owner, 5)
    nothing = scarce_limit(owner)
    assert nothing is not None
    assert nothing.text == "0 of 30 messages left today"
    assert nothing.refill == "the next one at 8:48 a.m."
    assert nothing.wait_seconds == 48 * 60
    assert nothing.due_at == clock.now + 48 * 60


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (8, "the next one at 8 p.m."),
        (11, "the next one at 11 p.m."),
        (14, "the next one tomorrow at 2 a.m."),
    ],
)
def test_when_the_next_one_comes_is_said_by_the_clock_of_whoever_asks(
    hour: int, words: str, settings, clock: Clock
) -> None:
    settings.GUEST_MESSAGES_PER_DAY, owner = 2, guest()
    clock.turn(3600 * (hour - 8))
    ask(owner, 2)
    found = scarce_limit(owner)
    assert found is not None
    assert found.refill == words
    with timezone.override("Asia/Tokyo"):
        elsewhere = scarce_limit(owner)
    assert elsewhere is not None
    assert elsewhere.refill != words


def test_a_debt_of_tokens_is_back_at_a_time_of_another_day(
    worker: Worker, settings, sent
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 4, guest()
    end(owner, worker, sent)
    found = scarce_limit(owner)
    assert found is not None
    assert found.text == "0 of 4 tokens left today"
    assert found.refill == "more tomorrow at 8 a.m."
    assert found.full_seconds == 42 * 3600


def test_what_all_guests_of_a_network_have_left_is_said_apart(settings) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 10
    ask(guest(NETWORK), 9)
    little = scarce_limit(guest(NETWORK))
    assert little is not None
    assert little.text == (
        "All guests of your network together: 1 of 10 messages left this minute"
    )
    assert little.refill == "one more every 6 s"


# What becomes of the rows


def test_the_keeper_deletes_rows_that_say_nothing_any_more(
    box: Mailbox, clock: Clock
) -> None:
    ask(guest(NETWORK))
    kinds = {LimitKind.MESSAGES_PER_MINUTE, LimitKind.MESSAGES_PER_DAY}
    assert set(LimitBucket.objects.values_list("kind", flat=True)) == kinds
    clock.turn(600)
    Keeper().sweep()
    assert LimitBucket.objects.count() == 4
    clock.turn(24 * 3600)
    Keeper().sweep()
    assert not LimitBucket.objects.exists()


def test_the_rows_of_a_person_go_with_them_and_those_of_a_network_stay() -> None:
    owner = guest(NETWORK)
    ask(owner)
    owner.delete()
    assert set(LimitBucket.objects.values_list("subject", flat=True)) == {
        f"network:{NETWORK}"
    }


def test_a_guest_who_signs_up_keeps_what_was_taken(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.ACCOUNT_MESSAGES_PER_DAY = 10, 20
    owner = guest(NETWORK)
    ask(owner, 10)
    owner.username = "somebody"
    owner.save()
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 0
    clock.turn(12 * 3600)
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 10


def test_a_conversation_begun_is_none_when_its_prompt_is_refused(
    box: Mailbox, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 1, guest()
    sent(owner)
    with pytest.raises(MessageRefused):
        sent(owner, "another")
    assert Conversation.objects.count() == 1
