"""Sampling settings of a file: only those that this site could have set."""

from __future__ import annotations

import re
from typing import Any

from chat.services.imports.source_messages import text_of
from chatsite.sampling_settings import (
    FREQUENCY_PENALTY,
    LOGIT_BIAS_MAX,
    LOGIT_BIAS_TOKENS_MAX,
    MIN_P,
    PRESENCE_PENALTY,
    SAMPLING_SETTINGS,
)

STOPS_MAX, STOP_CHARACTERS = 16, 200
#: What only calls can set, beside the biases of tokens and their probabilities.
OF_CALLS = (MIN_P, PRESENCE_PENALTY, FREQUENCY_PENALTY)
TOKEN = re.compile(r"[0-9]{1,9}")
TOP_LOGPROBS_MAX = 20


def sampling_of(value: dict[str, Any]) -> dict[str, Any]:
    """The settings that have a known name and a valid value."""
    found: dict[str, Any] = {
        one.name: value[one.name]
        for one in SAMPLING_SETTINGS
        if one.name in value and not one.problem(value[one.name])
    }
    stops = value.get("stop")
    if isinstance(stops, list):
        texts = [text_of(one)[:STOP_CHARACTERS] for one in stops[:STOPS_MAX]]
        found["stop"] = [text for text in texts if text]
    return found


def reply_sampling_of(value: dict[str, Any]) -> dict[str, Any]:
    """The same for a reply, which a call may have given more settings."""
    found = sampling_of(value) | {
        one.name: value[one.name]
        for one in OF_CALLS
        if one.name in value and not one.problem(value[one.name])
    }
    bias = value.get("logit_bias")
    if isinstance(bias, dict) and len(bias) <= LOGIT_BIAS_TOKENS_MAX:
        found["logit_bias"] = {
            token: number
            for token, number in bias.items()
            if TOKEN.fullmatch(token) and _is_bias(number)
        }
    if "logprobs" in value:
        top = value["logprobs"]
        is_count = type(top) is int and 0 <= top <= TOP_LOGPROBS_MAX
        found["logprobs"] = top if is_count else None
    return found


def _is_bias(number: Any) -> bool:
    return type(number) in (int, float) and abs(number) <= LOGIT_BIAS_MAX
