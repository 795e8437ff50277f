"""A request to a model."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chatsite.request_context import safe_id, safe_traceparent
from chatsite.wire.json_types import flag, typed
from chatsite.wire.names import VERSION, Role, is_readable
from chatsite.wire.sampling_params import SamplingParams


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model, with the turns in their order.

    The model answers the last turn if it is the user's, and continues it if it is the
    assistant's; the reply is then only the new text. An older worker that cannot
    continue a turn fails such a request as ``bad_request``.

    The flags are written only where they are true, and ids only where there are some.
    An older worker ignores them; it announces no ``context_tokens``.
    """

    turns: tuple[Turn, ...]
    settings: SamplingParams
    max_seconds: float
    #: How many old turns the site has left out of ``turns``.
    dropped_turns: int = 0
    #: Whether the text of the last turn is the prompt as it is, without a template.
    is_raw: bool = False
    #: Whether a prompt that is too long fails as ``too_long`` instead of losing text.
    #: The reply then has what is left of the context, at most ``max_new_tokens``.
    is_cut_refused: bool = False
    #: Of the request of a browser or program that asked for the reply; for logs.
    request_id: str = ""
    #: Its position in a trace, if the site traces.
    traceparent: str = ""
    version: int = VERSION

    @property
    def begun(self) -> str:
        """The text that the reply continues; empty for a new reply."""
        newest = self.turns[-1] if self.turns and not self.is_raw else None
        return newest.text if newest and newest.role == Role.ASSISTANT else ""

    def to_json(self) -> str:
        """Return the request as JSON, in ASCII."""
        raw = {
            # Not by asdict, which copies every turn: a request may have hundreds.
            "turns": [{"role": turn.role, "text": turn.text} for turn in self.turns],
            "settings": self.settings.to_dict(),
            "max_seconds": self.max_seconds,
            "dropped_turns": self.dropped_turns,
            "version": self.version,
        }
        named = (*REQUEST_FLAGS, "request_id", "traceparent")
        raw |= {name: value for name in named if (value := getattr(self, name))}
        return json.dumps(raw, ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Read a request. Unknown keys, of another release, are ignored.

        Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``OverflowError``.
        """
        raw = typed(json.loads(text), dict)
        version = typed(raw["version"], int)
        if not is_readable(version):
            raise ValueError(f"request of version {version}, not {VERSION}")
        return cls(
            turns=tuple(
                Turn(Role(typed(turn["role"], str)), typed(turn["text"], str))
                for turn in typed(raw["turns"], list)
            ),
            settings=SamplingParams.from_dict(typed(raw["settings"], dict)),
            max_seconds=float(typed(raw["max_seconds"], int, float)),
            dropped_turns=typed(raw["dropped_turns"], int),
            request_id=safe_id(typed(raw.get("request_id", ""), str)),
            traceparent=safe_traceparent(typed(raw.get("traceparent", ""), str)),
            version=version,
            **{name: flag(raw.get(name, False)) for name in REQUEST_FLAGS},
        )


#: Fields of a request that are left out of its JSON unless they are true.
REQUEST_FLAGS = ("is_raw", "is_cut_refused")
