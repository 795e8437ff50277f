"""Writes a request as the body of a call to an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chatsite.catalog import ModelEntry
from chatsite.remote_model import Continuing, RemoteKind, RemoteModel
from chatsite.wire import Request, Role, SamplingParams, Turn
from worker.engine.chat_template import ChatTemplate, InvalidTurns, TranscriptTemplate
from worker.engine.context_window import (
    Prompt,
    PromptTooLong,
    fit_prompt,
    reply_budget,
)
from worker.engine.remote.token_estimate import (
    MessagesTemplate,
    TokenEstimate,
    byte_count,
)

#: A last message for servers that cannot continue one of the assistant.
GO_ON: Final = (
    "Your last message was cut off. Continue it exactly where it ends, with the next "
    "word. Repeat nothing of it and add no remark."
)
#: What OpenAI's API takes at most; the others are cut here.
STOPS_SENT_MAX: Final = 4
#: Seeds of 31 bits are understood everywhere.
SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True)
class RemotePrompt:
    """A prompt that fits, as the fields of a call. Tokens are estimated."""

    #: The call, after the address of the server.
    path: str
    fields: dict[str, Any]
    tokens: int
    #: Its length in UTF-8.
    size: int
    max_new_tokens: int
    dropped_turns: int = 0
    cut_tokens: int = 0
    #: Strings that end the reply in this format.
    stops: tuple[str, ...] = ()
    #: Whether white space at the beginning of the reply belongs to the format.
    strips_reply: bool = False
    #: Whether the reply continues another one in a message of its own.
    joins_words: bool = False


class PromptWriter:
    """Writes prompts for one model, as long as its context allows."""

    def __init__(self, entry: ModelEntry, remote: RemoteModel) -> None:
        self._entry = entry
        self._remote = remote
        self.estimate = TokenEstimate()
        self.context_tokens = entry.context_tokens
        self._transcript = self._new_transcript()
        self._template: ChatTemplate = self._transcript or MessagesTemplate(
            self.estimate
        )

    def _new_transcript(self) -> TranscriptTemplate | None:
        """Return the template of a base model, without its opening if that is long."""
        template = self._entry.template
        if self._remote.kind is not RemoteKind.COMPLETIONS or template is None:
            return None
        if self.estimate.count(template.opening) > self._entry.context_tokens // 4:
            template = replace(template, opening="")
        return TranscriptTemplate(template, self.estimate)

    def write(self, request: Request, share: float = 1.0) -> RemotePrompt:
        """Return the prompt of a request, in a share of the context.

        Raises ``PromptTooLong`` and ``InvalidTurns``.
        """
        if not request.turns:
            raise InvalidTurns("a prompt needs a turn")
        context_tokens = max(1, int(self._entry.context_tokens * share))
        wanted = request.settings.max_new_tokens
        if request.is_cut_refused:
            tokens = self._count(request)
            if tokens >= context_tokens:
                raise PromptTooLong(tokens, context_tokens)
            *before, newest = request.turns
            if newest.role == Role.ASSISTANT and not request.is_raw:
                newest = replace(newest, text=newest.text.rstrip())
            prompt = Prompt([0] * tokens, turns=(*before, newest))
            return self._written(request, prompt, min(wanted, context_tokens - tokens))
        reply_tokens = reply_budget(wanted, context_tokens)
        prompt = self._fitted(request, context_tokens - reply_tokens)
        return self._written(request, prompt, reply_tokens)

    def _count(self, request: Request) -> int:
        if request.is_raw:
            return self.estimate.count(request.turns[-1].text)
        return sum(map(len, self._template.encode_turns(request.turns)))

    def _fitted(self, request: Request, budget_tokens: int) -> Prompt:
        if not request.is_raw:
            return fit_prompt(
                self._template, self.estimate, request.turns, budget_tokens
            )
        text = request.turns[-1].text
        starts = self.estimate.token_starts(text)
        excess = max(0, len(starts) - budget_tokens)
        rest = text[starts[excess] :] if excess else text
        turn = replace(request.turns[-1], text=rest)
        return Prompt(self.estimate.encode(rest), cut_tokens=excess, turns=(turn,))

    def _written(
        self, request: Request, prompt: Prompt, reply_tokens: int
    ) -> RemotePrompt:
        fields, is_chat = self._prompt_fields(request, prompt.turns)
        stops = (*self._stops(request), *request.settings.stop)
        fields |= {"model": self._remote.model, "stream": True}
        fields |= self._settings(request.settings, stops, reply_tokens)
        return RemotePrompt(
            path="chat/completions" if is_chat else "completions",
            fields=fields,
            tokens=len(prompt.ids),
            size=sum(byte_count(turn.text) for turn in prompt.turns),
            max_new_tokens=reply_tokens,
            dropped_turns=prompt.dropped_turns,
            cut_tokens=prompt.cut_tokens,
            stops=stops,
            strips_reply=not request.is_raw and self._template.strips_reply,
            joins_words=is_chat and self._remote.continues is Continuing.ASKED,
        )

    def _stops(self, request: Request) -> tuple[str, ...]:
        """Return the strings that end every reply of this model."""
        if request.is_raw:
            return ()
        return (*self._entry.stop, *self._template.stop_strings)

    def _prompt_fields(
        self, request: Request, turns: Sequence[Turn]
    ) -> tuple[dict[str, Any], bool]:
        """Return the fields of the prompt, and whether they are messages."""
        if request.is_raw:
            return {"prompt": turns[-1].text, "echo": False}, False
        if self._transcript is not None:
            text = "".join(self._transcript.pieces(turns))
            return {"prompt": text, "echo": False}, False
        messages = [{"role": str(turn.role), "content": turn.text} for turn in turns]
        if turns[-1].role != Role.ASSISTANT:
            return {"messages": messages}, True
        if self._remote.continues is Continuing.ASKED:
            messages.append({"role": str(Role.USER), "content": GO_ON})
        told = {"continue_final_message": True, "add_generation_prompt": False}
        is_told = self._remote.continues is Continuing.FINAL_MESSAGE
        return {"messages": messages, **(told if is_told else {})}, True

    def _settings(
        self, params: SamplingParams, stops: Sequence[str], max_new_tokens: int
    ) -> dict[str, Any]:
        """Return the sampling settings, as far as the server takes them."""
        values: dict[str, Any] = {
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed % SEEDS,
            "max_tokens": max_new_tokens,
            "max_completion_tokens": max_new_tokens,
            "stream_options": {"include_usage": True},
            "top_k": params.top_k or -1,
            "min_p": params.min_p,
            "repetition_penalty": params.repetition_penalty,
            "repeat_penalty": params.repetition_penalty,
        }
        if params.presence_penalty:
            values["presence_penalty"] = params.presence_penalty
        if params.frequency_penalty:
            values["frequency_penalty"] = params.frequency_penalty
        if stops:
            values["stop"] = list(stops[:STOPS_SENT_MAX])
        if params.logit_bias:
            values["logit_bias"] = {
                str(token): bias for token, bias in params.logit_bias.items()
            }
        sends = self._remote.sends
        if "max_completion_tokens" in sends:
            del values["max_tokens"]
        return {name: values[name] for name in sends if name in values}
