"""What a call asks for, and whether each part of it can be honoured.

Parameters of OpenAI's chat completions and completions, with those that vLLM and others
add (``top_k``, ``min_p``, ``repetition_penalty``). Values that ask for nothing are
accepted, whatever their parameter; what cannot be honoured is refused by its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from chat.api.openai.errors import bad, too_long, unsupported
from chat.api.openai.messages import clean, is_text, turns_of
from chat.api.openai.models import offered_model
from chat.services.calls import Call
from chat.services.jobs.status import worker_snapshot
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.sampling_settings import (
    LOGIT_BIAS_MAX,
    LOGIT_BIAS_TOKENS_MAX,
    SEED,
    STOP_STRING_CHARACTERS_MAX,
    STOP_STRINGS_MAX,
    TOP_P,
)

#: Values of a parameter that ask for nothing.
NOTHING: tuple[Any, ...] = (None, False, [], {}, "", 0, "none", "auto", "default")
#: How many of the likeliest tokens a call can be told of each place.
TOP_LOGPROBS_MAX = 20
#: The id of a token; those of no model have more digits.
TOKEN = re.compile(r"[0-9]{1,9}")
#: Parameters that may have any value, since they change nothing in an answer.
LABELS = frozenset(
    ("user", "metadata", "store", "safety_identifier", "prompt_cache_key")
)
#: The parameters that every call may have, besides its messages or its prompt.
COMMON = frozenset(
    {
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "stop",
        "seed",
        "n",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "logprobs",
        "logit_bias",
    }
)
OF_CHAT = COMMON | {
    "messages",
    "max_completion_tokens",
    "response_format",
    "top_logprobs",
}
OF_COMPLETION = COMMON | {"prompt", "best_of"}


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call, and in what form it is answered."""

    call: Call
    is_chat: bool
    is_streamed: bool
    #: Whether a stream ends with the numbers of tokens.
    has_usage: bool

    @property
    def has_logprobs(self) -> bool:
        """Whether the log probabilities of tokens are wanted."""
        return self.call.settings.logprobs is not None


def chat_call(body: Mapping[str, Any]) -> AskedCall:
    """Read a chat completion. Raises ``OpenAIError``."""
    refuse_unknown(body, OF_CHAT | LABELS)
    if body.get("response_format") not in (*NOTHING, {"type": "text"}):
        raise unsupported("response_format")
    entry = offered_model(body.get("model"))
    return _asked(body, entry, turns_of(body.get("messages")), is_chat=True)


def completion_call(body: Mapping[str, Any]) -> AskedCall:
    """Read a completion of a plain prompt. Raises ``OpenAIError``."""
    refuse_unknown(body, OF_COMPLETION | LABELS)
    if body.get("best_of") not in (*NOTHING, 1):
        raise unsupported("best_of")
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise bad("prompt", "prompt must be one text that is not empty.")
    turn = wire.Turn(wire.Role.USER, clean(prompt))
    return _asked(body, offered_model(body.get("model")), (turn,), is_chat=False)


def refuse_unknown(body: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse what is not known unless it asks for nothing. Raises ``OpenAIError``."""
    for name, value in body.items():
        if name not in known and value not in NOTHING:
            raise unsupported(name)


def _asked(
    body: Mapping[str, Any],
    entry: ModelEntry,
    turns: tuple[wire.Turn, ...],
    *,
    is_chat: bool,
) -> AskedCall:
    _refuse_too_long(turns, entry)
    logprobs = _logprobs_of_chat(body) if is_chat else _logprobs_of_completion(body)
    most = settings.VERSIONS_AT_ONCE_MAX
    seed = _whole(body, "seed", SEED.minimum, SEED.maximum)
    call = Call(
        turns=turns,
        entry=entry,
        settings=replace(_sampling(body, entry), logprobs=logprobs),
        seed=seed,
        count=_whole(body, "n", 1, most) or 1,
        is_raw=not is_chat,
    )
    is_streamed = _flag(body, "stream")
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise bad("stream_options", "stream_options must be an object.")
    has_usage = is_streamed and _flag(options, "include_usage", "stream_options.")
    return AskedCall(call, is_chat, is_streamed, has_usage)


def _refuse_too_long(turns: tuple[wire.Turn, ...], entry: ModelEntry) -> None:
    """Refuse what cannot fit: a word between spaces has at least one token.

    What passes and is too long all the same, the worker refuses.
    """
    words = sum(len(turn.text.split()) for turn in turns)
    characters = sum(len(turn.text) for turn in turns)
    if words > entry.context_tokens or characters > settings.REQUEST_MAX_CHARACTERS:
        raise too_long(entry.context_tokens, at_least=words)


def _sampling(body: Mapping[str, Any], entry: ModelEntry) -> wire.SamplingParams:
    asked: dict[str, Any] = {
        "temperature": _number(body, "temperature", 0, 2),
        "top_p": _number(body, "top_p", 0, 1),
        "top_k": _whole(body, "top_k", -1, 2**31),
        "min_p": _number(body, "min_p", 0, 1),
        "repetition_penalty": _number(body, "repetition_penalty", 0.01, 100),
        "presence_penalty": _number(body, "presence_penalty", -2, 2),
        "frequency_penalty": _number(body, "frequency_penalty", -2, 2),
        "stop": _stop(body),
        "logit_bias": _logit_bias(body, entry),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if "top_p" in given:
        given["top_p"] = max(given["top_p"], TOP_P.minimum)
    if "top_k" in given:  # -1 is vLLM's word for off
        given["top_k"] = max(given["top_k"], 0)
    most = _max_tokens(body)
    return replace(entry.settings, **{**given, "max_new_tokens": most, "seed": 0})


def _max_tokens(body: Mapping[str, Any]) -> int:
    """The most tokens of the reply: without a wish as many as the site allows.

    The worker lowers this to what fits into the context.
    """
    names = ("max_completion_tokens", "max_tokens")
    given = [_whole(body, name, 1, 2**31) for name in names]
    asked = next((value for value in given if value is not None), None)
    most: int = settings.REPLY_MAX_TOKENS
    return most if asked is None else min(asked, most)


def _logprobs_of_chat(body: Mapping[str, Any]) -> int | None:
    """How many of the likeliest tokens to tell of each place; None for nothing."""
    top = _whole(body, "top_logprobs", 0, TOP_LOGPROBS_MAX)
    if _flag(body, "logprobs"):
        return top or 0
    if top:
        raise bad("top_logprobs", "top_logprobs needs logprobs to be true.")
    return None


def _logprobs_of_completion(body: Mapping[str, Any]) -> int | None:
    if body.get("logprobs") is False:
        return None
    return _whole(body, "logprobs", 0, TOP_LOGPROBS_MAX)


def _stop(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    raw = body.get("stop")
    if raw is None:
        return None
    texts = [raw] if isinstance(raw, str) else raw
    is_list = isinstance(texts, list) and len(texts) <= STOP_STRINGS_MAX
    if not is_list or not all(map(_is_stop_string, texts)):
        said = f"a text, or a list of up to {STOP_STRINGS_MAX} texts"
        length = f"of up to {STOP_STRING_CHARACTERS_MAX} characters"
        raise bad("stop", f"stop must be {said} {length}.")
    return tuple(texts)


def _is_stop_string(text: Any) -> bool:
    return is_text(text) and 0 < len(text) <= STOP_STRING_CHARACTERS_MAX


def _logit_bias(body: Mapping[str, Any], entry: ModelEntry) -> dict[int, float] | None:
    raw = body.get("logit_bias")
    if raw is None:
        return None
    if not isinstance(raw, dict) or len(raw) > LOGIT_BIAS_TOKENS_MAX:
        raise bad("logit_bias", "logit_bias must be an object of tokens.")
    found = {}
    for token, bias in raw.items():
        is_bias = _is_number(bias) and abs(bias) <= LOGIT_BIAS_MAX
        if not (TOKEN.fullmatch(token) and is_bias):
            said = "logit_bias has ids of tokens, each with -100 to 100."
            raise bad("logit_bias", said)
        found[int(token)] = bias
    _refuse_unknown_tokens(found, entry)
    return found


def _refuse_unknown_tokens(tokens: Mapping[int, float], entry: ModelEntry) -> None:
    """Refuse ids beyond the vocabulary, which the workers of a model announce."""
    workers = worker_snapshot(entry.name).workers if tokens else ()
    size = max((worker.vocabulary for worker in workers), default=0)
    highest = max(tokens, default=0)
    if size and highest >= size:
        said = (
            f"logit_bias has token {highest}; {entry.name} has tokens 0 to {size - 1}."
        )
        raise bad("logit_bias", said)


def _number(
    body: Mapping[str, Any], name: str, lowest: float, highest: float
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not _is_number(value) or not lowest <= value <= highest:
        raise bad(name, f"{name} must be a number from {lowest} to {highest}.")
    return float(value)


def _whole(body: Mapping[str, Any], name: str, lowest: int, highest: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not lowest <= value <= highest:
        raise bad(name, f"{name} must be a whole number from {lowest} to {highest}.")
    return value


def _flag(body: Mapping[str, Any], name: str, place: str = "") -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise bad(place + name, f"{place}{name} must be true or false.")


def _is_number(value: Any) -> bool:
    # ``type``: booleans are integers to Python. Large integers are no floats.
    return type(value) is int or (type(value) is float and math.isfinite(value))
