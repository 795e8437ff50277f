"""How full a model's context is: a table."""

from __future__ import annotations

import pytest

from chat.models import Message, Reply
from chat.services.context_usage import context_usage
from chat.services.effective_settings import EffectiveSettings
from chatsite import wire
from chatsite.catalog import ModelEntry


def chosen(context: int, longest: int = 100) -> EffectiveSettings:
    entry = ModelEntry("m", "M", None, context)
    return EffectiveSettings(
        entry, False, wire.SamplingParams(max_new_tokens=longest), None, ""
    )


def path(*turns: str, **counted: int) -> list[Message]:
    """Prompts and replies by turns; what was counted belongs to the last reply."""
    messages = []
    for number, text in enumerate(turns):
        is_from_user = number % 2 == 0
        message = Message(role="user" if is_from_user else "assistant", text=text)
        if not is_from_user:
            Reply(message=message, state="done", seed=1)
        messages.append(message)
    replies = [message.reply for message in messages if not message.is_from_user]
    for name, value in counted.items():
        setattr(replies[-1], name, value)
    return messages


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        (path("x" * 400), 100),
        (path("one", "two", prompt_tokens=30, new_tokens=20), 50),
        (path("one", "two", "x" * 40, prompt_tokens=30, new_tokens=20), 60),
    ],
)
def test_tokens_are_counted_where_they_were_and_else_estimated(
    messages: list[Message], tokens: int
) -> None:
    found = context_usage(messages, chosen(1100), has_earlier=False)
    assert found
    assert (found.tokens, found.budget_tokens) == (tokens, 1000)
    assert found.next_dropped == ""


def test_no_messages_fill_nothing() -> None:
    assert context_usage([], chosen(1000), has_earlier=False) is None


def test_what_falls_out_next_is_told_when_it_gets_full() -> None:
    messages = path("How do bees live?", "Well.", prompt_tokens=900, new_tokens=50)
    found = context_usage(messages, chosen(1100), has_earlier=False)
    assert found
    assert found.next_dropped == "How do bees live?"
    unknown = context_usage(messages, chosen(1100), has_earlier=True)
    assert unknown
    assert unknown.next_dropped == ""


def test_what_fell_out_is_counted_and_the_next_is_the_oldest_that_is_left() -> None:
    messages = path("one", "two", "three", "four", prompt_tokens=990, dropped_turns=2)
    found = context_usage(messages, chosen(1100), has_earlier=False)
    assert found
    assert (found.dropped_messages, found.next_dropped) == (2, "three")


def test_a_reply_never_takes_more_than_half_of_the_context() -> None:
    found = context_usage(path("one"), chosen(1000, longest=4000), has_earlier=False)
    assert found
    assert found.budget_tokens == 500
