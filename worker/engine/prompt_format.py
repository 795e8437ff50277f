"""How requests to one model are written as tokens, and what ends a reply."""

from __future__ import annotations

from dataclasses import dataclass

from chatsite.catalog import ModelEntry
from chatsite.logprobs import TokenLogprobs
from chatsite.wire import Request
from worker.engine.chat_template import ChatTemplate, chat_template_for
from worker.engine.context_window import Prompt
from worker.engine.detokenizer import ReplyText
from worker.engine.logprobs import Logprobs
from worker.engine.model import LanguageModel
from worker.engine.tokenizer import Tokenizer

#: Some decoders write the first tokens of a text in another way. So many tokens before
#: those of a reply show them that it is none.
RAW_CONTEXT_TOKENS = 4


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How requests to one model are written as tokens, and what ends a reply."""

    tokenizer: Tokenizer
    template: ChatTemplate
    #: Tokens that end a reply.
    eos_ids: frozenset[int]
    #: Strings that end every reply, besides those of the template and the request.
    stop: tuple[str, ...]
    context_tokens: int
    #: How many tokens the model has.
    vocabulary: int

    @classmethod
    def of(cls, model: LanguageModel, entry: ModelEntry) -> PromptFormat:
        """Return the format that the catalogue entry sets for the model."""
        context_tokens = min(model.context_tokens, entry.context_tokens)
        return cls(
            tokenizer=model.tokenizer,
            template=chat_template_for(model.tokenizer, entry.template, context_tokens),
            eos_ids=model.eos_ids,
            stop=entry.stop,
            context_tokens=context_tokens,
            vocabulary=model.vocabulary,
        )

    def reply_text(self, request: Request, prompt: Prompt) -> ReplyText:
        """Return what turns the tokens of a reply into text."""
        decode, stop = self.tokenizer.decode, request.settings.stop
        if request.is_raw:
            return ReplyText(decode, stop, before=prompt.ids[-RAW_CONTEXT_TOKENS:])
        return ReplyText(
            decode,
            (*self.stop, *self.template.stop_strings, *stop),
            strip=self.template.strips_reply,
            begun=request.begun,
        )

    def spell(self, token: int, found: Logprobs) -> TokenLogprobs:
        """Return log probabilities with the bytes of the tokens."""
        spell = self.tokenizer.token_bytes
        top = tuple((spell(other), logprob) for other, logprob in found.top)
        return TokenLogprobs(spell(token), found.logprob, top)
