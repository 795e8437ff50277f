"""The settings with which a reply is sampled, in one table.

The form, the catalogue of models, the worker and the details of a reply read it. The
order is that of the page. What only calls of an API set is in a table of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: Random seeds have so many bits, which JavaScript's numbers hold exactly.
SEED_BITS: Final = 48

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingNumber(Generic[N]):
    """A number that controls how a reply is sampled, and its range."""

    #: The name of the field of ``wire.SamplingParams``.
    name: str
    #: Requests leave defaults out, so a changed one needs a new ``wire.VERSION``.
    default: N
    minimum: N
    maximum: N

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers count."""
        return isinstance(self.default, int)

    def problem(self, value: Any) -> str:
        """Return why ``value`` is invalid ("must be …"); empty if it is valid."""
        types = (int,) if self.is_whole else (int, float)
        # ``type`` and not ``isinstance``, since booleans are integers.
        if type(value) in types and self.minimum <= value <= self.maximum:
            return ""
        kind = "a whole number" if self.is_whole else "a number"
        return f"must be {kind} from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSetting(SamplingNumber[N]):
    """One that users and the catalogue of models can set.

    The worker and the catalogue take its whole range. The form offers ``offered``, a
    part of it that makes sense to people.
    """

    label: _StrPromise
    help_text: _StrPromise
    #: The lowest and highest value that the form takes.
    offered: tuple[N, N]
    #: Whether values count tokens, and are shown so.
    is_in_tokens: bool = False


TEMPERATURE = SamplingSetting(
    name="temperature",
    label=_("Temperature"),
    help_text=_("0 is deterministic; higher is more creative."),
    default=0.7,
    minimum=0,
    maximum=100,
    offered=(0, 2),
)
TOP_P = SamplingSetting(
    name="top_p",
    label=_("Top-p"),
    help_text=_("Sample from the most likely words up to this total probability."),
    default=0.9,
    minimum=1e-6,
    maximum=1,
    offered=(0.01, 1),
)
TOP_K = SamplingSetting(
    name="top_k",
    label=_("Top-k"),
    help_text=_("Sample from this many most likely words; 0 = off."),
    default=0,
    minimum=0,
    maximum=2**31,
    offered=(0, 1000),
)
REPETITION_PENALTY = SamplingSetting(
    name="repetition_penalty",
    label=_("Repetition penalty"),
    help_text=_("1 = off; higher values reduce repetition."),
    default=1.0,
    minimum=0.01,
    maximum=100,
    offered=(0.5, 2),
)
MAX_NEW_TOKENS = SamplingSetting(
    name="max_new_tokens",
    label=_("Maximum length"),
    help_text=_("In tokens; a word is one or two."),
    default=200,
    minimum=1,
    maximum=2**31,
    # The setting REPLY_MAX_TOKENS lowers this.
    offered=(1, 2**31),
    is_in_tokens=True,
)
SEED = SamplingSetting(
    name="seed",
    label=_("Seed"),
    help_text=_(
        "Same seed, same reply. Empty is random, as is every regenerated reply."
    ),
    default=0,
    minimum=-(2**63),
    maximum=2**63 - 1,
    offered=(0, 2**SEED_BITS - 1),
)
#: The numbers of ``wire.SamplingParams`` that people can set.
SAMPLING_SETTINGS: tuple[SamplingSetting[Any], ...] = (
    *(TEMPERATURE, TOP_P, TOP_K, REPETITION_PENALTY, MAX_NEW_TOKENS, SEED),
)
#: What a model of the catalogue can set. A seed belongs to one reply.
MODEL_SETTINGS = tuple(s for s in SAMPLING_SETTINGS if s is not SEED)

#: Tokens stay that are at least this share as likely as the likeliest one.
MIN_P = SamplingNumber(name="min_p", default=0.0, minimum=0, maximum=1)
#: Subtracted from the logit of every token that the reply has.
PRESENCE_PENALTY = SamplingNumber(
    name="presence_penalty", default=0.0, minimum=-2, maximum=2
)
#: Subtracted from the logit of a token for each time that the reply has it.
FREQUENCY_PENALTY = SamplingNumber(
    name="frequency_penalty", default=0.0, minimum=-2, maximum=2
)
#: The numbers of ``wire.SamplingParams`` that only calls of an API set.
CALL_SETTINGS: tuple[SamplingNumber[Any], ...] = (
    *(MIN_P, PRESENCE_PENALTY, FREQUENCY_PENALTY),
)
#: How many of the likeliest tokens are told with each token, at most.
LOGPROBS_MAX: Final = 20
#: What may be added to the logit of a token, and for how many tokens.
LOGIT_BIAS_MAX: Final = 100
LOGIT_BIAS_TOKENS_MAX: Final = 1024

#: A worker takes so many stop strings of so many characters. The form offers fewer.
STOP_STRINGS_MAX: Final = 16
STOP_STRING_CHARACTERS_MAX: Final = 200
STOP_STRINGS_OFFERED: Final = 4
STOP_STRING_CHARACTERS_OFFERED: Final = 100
