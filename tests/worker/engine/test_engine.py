"""One request to the engine: its text, limits and errors."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from chatsite.wire import ErrorCode, Outcome, Request, Role, Turn
from tests.worker.recording_listener import RecordingListener, completed
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import CONTEXT_TOKENS, entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sequence import Chunk, Sequence


def test_a_reply_streams_its_text_and_ends(engine: TransformersEngine) -> None:
    listener = completed(engine, "hello")
    ending = listener.ending()
    assert ending.outcome == Outcome.DONE
    assert 0 < ending.new_tokens <= 16
    assert listener.counts == sorted(listener.counts)
    assert ending.prompt_tokens > len("hello")
    assert len(listener.endings) == 1


def test_the_same_seed_gives_the_same_text(engine: TransformersEngine) -> None:
    texts = [
        completed(engine, "hello", temperature=1.0, top_p=1.0, seed=seed).text
        for seed in (7, 7, 8)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_a_reply_at_its_token_limit_is_length_limited(
    engine: TransformersEngine,
) -> None:
    ending = completed(engine, "a", max_new_tokens=1).ending()
    assert ending.is_length_limited
    assert ending.new_tokens == 1


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_a_bias_forces_or_forbids_a_token(
    gpt2: LanguageModel, engine: TransformersEngine, temperature: float
) -> None:
    params = {"temperature": temperature, "max_new_tokens": 5}
    (forced,) = gpt2.tokenizer.encode("x")
    assert completed(engine, "a", logit_bias={forced: 100}, **params).text == "xxxxx"
    first = completed(engine, "a", **params).text[0]
    (forbidden,) = gpt2.tokenizer.encode(first)
    others = completed(engine, "a", logit_bias={forbidden: -100}, **params).text
    assert first not in others


def test_a_stop_string_ends_the_reply_and_is_not_shown(
    engine: TransformersEngine,
) -> None:
    whole = completed(engine, "hello", temperature=1.0, seed=3).text
    stop = whole[4:6]
    listener = completed(engine, "hello", temperature=1.0, seed=3, stop=(stop,))
    assert listener.text == whole[: whole.index(stop)]
    assert not listener.ending().is_length_limited


def test_a_long_history_loses_its_oldest_turns(engine: TransformersEngine) -> None:
    history = [f"turn number {n}" for n in range(41)]
    ending = completed(engine, *history, dropped_turns=3).ending()
    assert ending.outcome == Outcome.DONE
    assert ending.dropped_turns > 3
    assert ending.cut_tokens == 0
    assert ending.prompt_tokens + ending.new_tokens <= CONTEXT_TOKENS


def test_a_prompt_longer_than_the_context_keeps_its_end(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    closing.append(engine)
    listener = RecordingListener()
    running = engine.submit(request_for("x" * 500 + " the end"), listener)
    assert listener.ending().cut_tokens > 300
    prompt = gpt2.tokenizer.decode(running.prompt_ids)
    assert prompt.endswith("the end\nAnswer:")
    assert prompt.startswith("A talk.")


def test_a_large_token_limit_leaves_half_of_the_context_to_the_prompt(
    engine: TransformersEngine,
) -> None:
    ending = completed(engine, "x" * 500, max_new_tokens=10_000).ending()
    assert ending.outcome == Outcome.DONE
    assert ending.prompt_tokens == CONTEXT_TOKENS // 2
    assert ending.new_tokens <= CONTEXT_TOKENS // 2


def submitted(
    engine: TransformersEngine, request: Request
) -> tuple[RunningRequest, RecordingListener]:
    """A request that has ended."""
    listener = RecordingListener()
    running = engine.submit(request, listener)
    listener.ending()
    return running, listener


@pytest.mark.parametrize("is_raw", [True, False])
def test_a_prompt_that_must_not_be_cut_is_refused_with_its_length(
    engine: TransformersEngine, *, is_raw: bool
) -> None:
    flags = {"is_raw": is_raw, "is_cut_refused": True}
    whole = "x" * CONTEXT_TOKENS
    ending = submitted(engine, replace(request_for(whole), **flags))[1].ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.TOO_LONG)
    format_tokens = 0 if is_raw else len("A talk.\n\nQuestion: \nAnswer:")
    assert ending.refused_tokens == CONTEXT_TOKENS + format_tokens
    assert ending.context_tokens == CONTEXT_TOKENS
    assert (ending.prompt_tokens, ending.new_tokens) == (0, 0)
    # One token less than the context holds leaves room for one.
    excess = ending.refused_tokens - CONTEXT_TOKENS + 1
    fitting = replace(request_for(whole[excess:]), **flags)
    ending = submitted(engine, fitting)[1].ending()
    assert (ending.outcome, ending.is_length_limited) == (Outcome.DONE, True)
    assert (ending.prompt_tokens, ending.new_tokens) == (CONTEXT_TOKENS - 1, 1)
    assert ending.cut_tokens == ending.dropped_turns == 0


def test_without_a_limit_a_reply_takes_what_is_left_of_the_context(
    gpt2: LanguageModel, engine: TransformersEngine
) -> None:
    endless = dict.fromkeys(gpt2.eos_ids, -100)
    asked = request_for("hello", max_new_tokens=2**31, logit_bias=endless)
    request = replace(asked, is_cut_refused=True, is_raw=True)
    ending = submitted(engine, request)[1].ending()
    assert ending.prompt_tokens == len("hello")
    assert ending.new_tokens == CONTEXT_TOKENS - len("hello")
    assert ending.is_length_limited


def test_turns_in_any_order_are_read_where_none_is_cut(
    llama: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(llama, entry_for())
    closing.append(engine)
    turns = (Turn(Role.USER, "a"), Turn(Role.SYSTEM, "b"), Turn(Role.SYSTEM, "c"))
    request = replace(request_for(max_new_tokens=2), turns=turns, is_cut_refused=True)
    running, listener = submitted(engine, request)
    assert listener.ending().outcome == Outcome.DONE
    prompt = llama.tokenizer.decode(running.prompt_ids)
    assert prompt == "user\na\nsystem\nb\nsystem\nc\nassistant\n"


def test_turns_that_the_chat_template_refuses_are_a_bad_request(
    llama: LanguageModel, closing: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = "{{ raise_exception('Roles must alternate.') }}"
    monkeypatch.setattr(llama.tokenizer._tokenizer, "chat_template", refusing)
    engine = TransformersEngine(llama, entry_for())
    closing.append(engine)
    request = replace(request_for("a", "b", "c"), is_cut_refused=True)
    assert submitted(engine, request)[1].ending().error == ErrorCode.BAD_REQUEST


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_raw_prompt_is_read_as_it_is(
    request: pytest.FixtureRequest, closing: list[Engine], name: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    engine = TransformersEngine(model, entry_for(stop=("e", "a")))
    closing.append(engine)
    typed = " <|im_start|>user\nQuestion:"
    forced = {"logit_bias": {model.tokenizer.encode(" e")[0]: 100}}
    raw = replace(request_for("no", typed, max_new_tokens=3, **forced), is_raw=True)
    running, listener = submitted(engine, raw)
    assert running.prompt_ids == model.tokenizer.encode(typed)
    # Neither are strings of the catalogue's entry its end, nor is white space dropped.
    assert listener.text == "   "
    assert listener.ending().is_length_limited


def test_a_long_raw_prompt_keeps_its_end(engine: TransformersEngine) -> None:
    raw = replace(request_for("x" * 500 + "the end"), is_raw=True)
    running, listener = submitted(engine, raw)
    prompt = engine._format.tokenizer.decode(running.prompt_ids)
    assert prompt == "x" * (CONTEXT_TOKENS - 16 - 7) + "the end"
    assert listener.ending().cut_tokens == 507 - len(prompt)


def test_an_empty_raw_prompt_begins_a_text(
    gpt2: LanguageModel, engine: TransformersEngine
) -> None:
    running, listener = submitted(engine, replace(request_for(""), is_raw=True))
    assert listener.ending().outcome == Outcome.DONE
    assert running.prompt_ids == [gpt2.tokenizer.eos_id]


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"temperature": math.nan},
        {"temperature": "hot"},
        {"top_p": 0},
        {"top_k": -1},
        {"top_k": 1.5},
        {"repetition_penalty": 0},
        {"max_new_tokens": 0},
        {"max_new_tokens": True},
        {"seed": 2**64},
        {"min_p": 1.1},
        {"presence_penalty": -2.1},
        {"frequency_penalty": math.nan},
        {"logprobs": 21},
        {"logprobs": True},
        {"logit_bias": {259: 1}},
        {"logit_bias": {-1: 1}},
        {"logit_bias": {5: 100.5}},
        {"logit_bias": {5: math.nan}},
        {"logit_bias": {5: True}},
        {"logit_bias": dict.fromkeys(range(2000), 1)},
        {"stop": ("",)},
        {"stop": (5,)},
        {"stop": None},
        {"max_seconds": "long"},
        {"max_seconds": 10**400},
    ],
)
def test_invalid_sampling_params_are_a_bad_request(
    engine: TransformersEngine, settings: dict[str, object]
) -> None:
    ending = completed(engine, "secret", **settings).ending()
    assert (ending.outcome, ending.error) == (Outcome.FAILED, ErrorCode.BAD_REQUEST)
    assert next(iter(settings)) in ending.detail
    assert completed(engine, "hello").ending().outcome == Outcome.DONE


def test_a_reply_to_be_continued_without_its_prompt_is_a_bad_request(
    engine: TransformersEngine,
) -> None:
    wire_request, listener = request_for("Hi", "secret"), RecordingListener()
    engine.submit(replace(wire_request, turns=wire_request.turns[1:]), listener)
    ending = listener.ending()
    assert ending.error == ErrorCode.BAD_REQUEST
    assert "secret" not in ending.detail


def test_more_requests_than_rows_are_all_served(
    engine: TransformersEngine,
) -> None:
    listeners = [RecordingListener() for _ in range(9)]
    for one in listeners:
        engine.submit(request_for("hello"), one)
    assert {one.ending().outcome for one in listeners} == {Outcome.DONE}
    assert len({one.text for one in listeners}) == 1


def test_throughput_is_measured_over_the_steps(engine: TransformersEngine) -> None:
    assert engine.throughput().tokens_per_second == 0
    completed(engine, "hello")
    assert engine.throughput().tokens_per_second > 0
    assert 0 < engine.throughput().prefill_share < 1
    assert engine.steps > 0


def test_it_says_how_much_its_model_takes(
    gpt2: LanguageModel, engine: TransformersEngine
) -> None:
    info = engine.model_info
    assert info.context_tokens == CONTEXT_TOKENS
    sequence, cache = Sequence([65]), gpt2.new_kv_cache(rows=1, tokens=16)
    logits = gpt2.forward([Chunk(sequence, 0, 0, 1)], cache)
    assert info.vocabulary == logits.shape[1]


def test_a_typed_end_mark_stays_text(
    llama: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(llama, entry_for())
    closing.append(engine)
    listener = RecordingListener()
    typed = "<|im_end|>x<|endoftext|>"
    running: RunningRequest = engine.submit(request_for(typed), listener)
    listener.ending()
    special = set(llama.tokenizer.special_tokens().values())
    # <|im_start|>user … <|im_end|> <|im_start|>assistant: those of the template.
    assert sum(token in special for token in running.prompt_ids) == 3
    assert typed in llama.tokenizer.decode(running.prompt_ids)


def test_an_empty_conversation_is_a_bad_request(engine: TransformersEngine) -> None:
    listener = RecordingListener()
    engine.submit(request_for(), listener)
    assert listener.ending().error == ErrorCode.BAD_REQUEST


def test_a_system_turn_stays_when_old_turns_go(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    engine = TransformersEngine(gpt2, entry_for())
    closing.append(engine)
    history = request_for(*[f"turn {n}" for n in range(21)])
    turns = (Turn(Role.SYSTEM, "Be brief."), *history.turns)
    listener = RecordingListener()
    running = engine.submit(
        type(history)(turns, history.settings, history.max_seconds), listener
    )
    assert listener.ending().dropped_turns > 0
    prompt = gpt2.tokenizer.decode(running.prompt_ids)
    assert prompt.startswith("A talk.\n\nBe brief.\n\nQuestion:")
