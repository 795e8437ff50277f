"""Prompts fit the context, and lose what matters least."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.wire import Role, Turn
from tests.worker.sample_requests import turns
from tests.worker.tiny_models import TRANSCRIPT
from worker.engine.chat_template import (
    InvalidTurns,
    TranscriptTemplate,
    chat_template_for,
)
from worker.engine.context_window import count_dropped_turns, fit_prompt, reply_budget
from worker.engine.model import LanguageModel


@pytest.mark.parametrize(
    ("counts", "budget", "expected"),
    [
        ([], 10, 0),
        ([5, 5], 10, 0),
        # One token too many: half of the budget is dropped.
        ([5, 5, 1], 10, 1),
        ([1, 1, 1, 1, 1, 5, 1], 10, 5),
        # The newest turn always stays.
        ([5, 50], 10, 1),
        ([50], 10, 0),
        ([5], -3, 0),
    ],
)
def test_old_turns_are_dropped_in_big_steps(
    counts: list[int], budget: int, expected: int
) -> None:
    assert count_dropped_turns(counts, budget) == expected


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(60, 400))
def test_the_kept_turns_fit_and_use_the_budget(counts: list[int], budget: int) -> None:
    first = count_dropped_turns(counts, budget)
    kept = sum(counts[first:])
    assert kept <= budget
    if first:
        assert kept >= budget / 2 - 30


def test_the_first_kept_turn_changes_rarely_as_a_conversation_grows() -> None:
    firsts = [count_dropped_turns([10] * n, 200) for n in range(1, 200)]
    assert firsts == sorted(firsts)
    assert len(set(firsts)) <= 1 + 2000 // 100


@pytest.mark.parametrize(
    ("wanted", "context", "expected"), [(200, 1024, 200), (900, 1024, 512), (5, 1, 1)]
)
def test_a_reply_takes_at_most_half_of_the_context(
    wanted: int, context: int, expected: int
) -> None:
    assert reply_budget(wanted, context) == expected


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@given(size=st.integers(0, 300), budget=st.integers(60, 120))
def test_a_long_prompt_fills_the_budget_and_keeps_its_end(
    request: pytest.FixtureRequest, name: str, size: int, budget: int
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    template = chat_template_for(model.tokenizer, TRANSCRIPT, 1024)
    text = "ä" * size + "end"
    prompt = fit_prompt(template, model.tokenizer, turns(text), budget)
    assert len(prompt.ids) <= budget
    assert "end" in model.tokenizer.decode(prompt.ids)
    assert "\ufffd" not in model.tokenizer.decode(prompt.ids)
    assert bool(prompt.cut_tokens) == (len(prompt.ids) + prompt.cut_tokens > budget)
    if prompt.cut_tokens:
        assert len(prompt.ids) >= budget - 1


@pytest.mark.parametrize(
    "conversation",
    [
        [],
        [Turn(Role.SYSTEM, "a")],
        [Turn(Role.ASSISTANT, "a")],
        [*turns("a", "b"), Turn(Role.ASSISTANT, "c")],
    ],
)
def test_turns_must_end_with_a_user_turn_or_a_reply_to_one(
    gpt2: LanguageModel, conversation: list[Turn]
) -> None:
    template = TranscriptTemplate(TRANSCRIPT, gpt2.tokenizer)
    with pytest.raises(InvalidTurns):
        fit_prompt(template, gpt2.tokenizer, conversation, 100)


def test_a_system_turn_that_fills_the_context_is_left_out(gpt2: LanguageModel) -> None:
    template = TranscriptTemplate(TRANSCRIPT, gpt2.tokenizer)
    conversation = [Turn(Role.SYSTEM, "x" * 500), *turns("why")]
    prompt = fit_prompt(template, gpt2.tokenizer, conversation, 100)
    assert prompt.dropped_turns == 1
    assert gpt2.tokenizer.decode(prompt.ids).endswith("Question: why\nAnswer:")


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize(
    ("question", "begun", "is_question_whole", "is_begun_whole"),
    [
        ("why", "because " * 3, True, True),
        # One of the two is far too long, and it alone is cut.
        ("why", "because " * 30, True, False),
        ("why " * 40, "because", False, True),
        ("why " * 40, "because " * 30, False, False),
    ],
)
def test_a_reply_to_be_continued_stays_with_its_question(
    request: pytest.FixtureRequest,
    name: str,
    question: str,
    begun: str,
    *,
    is_question_whole: bool,
    is_begun_whole: bool,
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    template = chat_template_for(model.tokenizer, TRANSCRIPT, 1024)
    conversation = turns("old", "older", question.strip(), begun.strip())
    prompt = fit_prompt(template, model.tokenizer, conversation, 100)
    text = model.tokenizer.decode(prompt.ids)
    assert len(prompt.ids) <= 100
    assert (question.strip() in text, begun.strip() in text) == (
        is_question_whole,
        is_begun_whole,
    )
    assert "why" in text
    assert text.endswith("because")
    assert bool(prompt.cut_tokens) == (not (is_question_whole and is_begun_whole))
    if prompt.cut_tokens:
        assert prompt.dropped_turns == 2
        assert len(prompt.ids) >= 99


@given(sizes=st.tuples(*[st.integers(0, 200)] * 4), budget=st.integers(70, 200))
def test_a_continuation_fits_and_ends_with_the_begun_text(
    gpt2: LanguageModel, sizes: tuple[int, ...], budget: int
) -> None:
    template = chat_template_for(gpt2.tokenizer, TRANSCRIPT, 1024)
    conversation = turns(*("ä" * size + "x" for size in sizes))
    prompt = fit_prompt(template, gpt2.tokenizer, conversation, budget)
    assert len(prompt.ids) <= budget
    text = gpt2.tokenizer.decode(prompt.ids)
    assert text.endswith("x")
    assert "\ufffd" not in text
    assert "Question: " in text


def test_white_space_at_the_end_of_a_reply_to_be_continued_is_left_out(
    gpt2: LanguageModel,
) -> None:
    template = TranscriptTemplate(TRANSCRIPT, gpt2.tokenizer)
    plain, spaced = (
        fit_prompt(template, gpt2.tokenizer, turns("why", text), 100).ids
        for text in ("because", "because \n ")
    )
    assert plain == spaced
