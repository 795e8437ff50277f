"""How a reply is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from chatsite.sampling_settings import (
    FREQUENCY_PENALTY,
    MAX_NEW_TOKENS,
    MIN_P,
    PRESENCE_PENALTY,
    REPETITION_PENALTY,
    SEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
)
from chatsite.wire.json_types import typed


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one reply is sampled. Temperature 0 is greedy; ``top_k`` 0 is off."""

    temperature: float = TEMPERATURE.default
    top_k: int = TOP_K.default
    top_p: float = TOP_P.default
    repetition_penalty: float = REPETITION_PENALTY.default
    max_new_tokens: int = MAX_NEW_TOKENS.default
    stop: tuple[str, ...] = ()
    seed: int = SEED.default
    min_p: float = MIN_P.default
    presence_penalty: float = PRESENCE_PENALTY.default
    frequency_penalty: float = FREQUENCY_PENALTY.default
    #: What is added to the logits of some tokens. In JSON the tokens are texts.
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    #: How many of the likeliest tokens are told with each token; see ``TokenLogprobs``.
    #: None tells no log probabilities at all.
    logprobs: int | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> SamplingParams:
        """Read settings from JSON. Unknown keys, of another release, are ignored.

        Raises ``TypeError`` unless ``stop`` is an array and ``logit_bias`` an object,
        and ``ValueError`` unless its keys are whole numbers; the engine checks the
        other numbers.
        """
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        known["stop"] = tuple(typed(raw.get("stop", []), list, tuple))
        biases = typed(raw.get("logit_bias", {}), dict)
        known["logit_bias"] = {int(token): bias for token, bias in biases.items()}
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults.

        So an older worker that refuses unknown keys still serves every reply that uses
        only settings that it knows.
        """
        return {
            name: value
            for name, value in asdict(self).items()
            if value != getattr(DEFAULT_SAMPLING_PARAMS, name)
        }


#: A default that changes needs a new ``VERSION``: it is not written into requests.
DEFAULT_SAMPLING_PARAMS = SamplingParams()
