"""Checks the sampling parameters of a request before any token is sampled."""

from __future__ import annotations

from chatsite.sampling_settings import (
    CALL_SETTINGS,
    LOGIT_BIAS_MAX,
    LOGIT_BIAS_TOKENS_MAX,
    LOGPROBS_MAX,
    SAMPLING_SETTINGS,
    STOP_STRING_CHARACTERS_MAX,
    STOP_STRINGS_MAX,
)
from chatsite.wire import SamplingParams


class InvalidSamplingParams(ValueError):
    """Parameters that cannot be sampled with. The message names one, never its text."""


def validate(params: SamplingParams, vocabulary: int) -> None:
    """Raise ``InvalidSamplingParams`` unless every value has its type and range.

    ``vocabulary``: how many tokens the model has.
    """
    for setting in (*SAMPLING_SETTINGS, *CALL_SETTINGS):
        if problem := setting.problem(getattr(params, setting.name)):
            raise InvalidSamplingParams(f"{setting.name} {problem}")
    if not isinstance(params.stop, tuple | list):
        raise InvalidSamplingParams("stop must be texts")
    if len(params.stop) > STOP_STRINGS_MAX or not all(
        isinstance(stop, str) and 0 < len(stop) <= STOP_STRING_CHARACTERS_MAX
        for stop in params.stop
    ):
        raise InvalidSamplingParams(
            f"stop must be at most {STOP_STRINGS_MAX} texts"
            f" of 1 to {STOP_STRING_CHARACTERS_MAX} characters"
        )
    _validate_bias(params, vocabulary)
    asked = params.logprobs
    if asked is not None and (type(asked) is not int or not 0 <= asked <= LOGPROBS_MAX):
        raise InvalidSamplingParams(
            f"logprobs must be a whole number from 0 to {LOGPROBS_MAX}"
        )


def _validate_bias(params: SamplingParams, vocabulary: int) -> None:
    if len(params.logit_bias) > LOGIT_BIAS_TOKENS_MAX:
        raise InvalidSamplingParams(
            f"logit_bias must have at most {LOGIT_BIAS_TOKENS_MAX} tokens"
        )
    for token, bias in params.logit_bias.items():
        if not 0 <= token < vocabulary:
            raise InvalidSamplingParams(
                f"logit_bias must have tokens from 0 to {vocabulary - 1}"
            )
        if type(bias) not in (int, float) or not abs(bias) <= LOGIT_BIAS_MAX:
            raise InvalidSamplingParams(
                f"logit_bias must have numbers from {-LOGIT_BIAS_MAX}"
                f" to {LOGIT_BIAS_MAX}"
            )
