"""Text to tokens and back, for one model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from transformers import PreTrainedTokenizerFast

#: Returns the text of tokens.
Decode = Callable[[Sequence[int]], str]


class Tokenizer:
    """The tokenizer of one model. Text never produces special tokens by accident."""

    def __init__(self, tokenizer: Any) -> None:
        """``tokenizer``: a fast tokenizer of transformers."""
        self._tokenizer = tokenizer
        self._decode = _decoder_of(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of plain text; special strings in it stay plain text."""
        return list(self._encode(text)["input_ids"])

    @cached_property
    def opening(self) -> list[int]:
        """The tokens that a text by itself begins with, such as BOS; often none."""
        plain, whole = self.encode("a"), self._tokenizer("a")["input_ids"]
        return list(whole[: whole.index(plain[0])]) if plain[0] in whole else []

    def token_starts(self, text: str) -> list[int]:
        """Return the first character of each token of ``encode(text)``."""
        encoded = self._encode(text, return_offsets_mapping=True)
        return [start for start, _ in encoded["offset_mapping"]]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, without special ones."""
        return self._decode(ids)

    @property
    def eos_id(self) -> int | None:
        """The token that ends a text, if the tokenizer has one."""
        value = self._tokenizer.eos_token_id
        return None if value is None else int(value)

    @property
    def bos_id(self) -> int | None:
        """The token that a text begins with, if the tokenizer has one."""
        value = self._tokenizer.bos_token_id
        return None if value is None else int(value)

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer brings a chat template."""
        return bool(self._tokenizer.chat_template)

    def render(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool
    ) -> str:
        """Return the chat template filled with messages.

        Raises ``jinja2.TemplateError`` if the template refuses them.
        """
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        )

    def special_tokens(self) -> dict[str, int]:
        """Return the special strings with their tokens."""
        added = self._tokenizer.added_tokens_decoder
        return {token.content: i for i, token in added.items() if token.special}

    def special_pattern(self) -> re.Pattern[str] | None:
        """Return a pattern that matches the special strings and nothing else.

        A match includes the white space that a special token absorbs.
        """
        added = self._tokenizer.added_tokens_decoder.values()
        special = sorted(
            (token for token in added if token.special), key=lambda t: -len(t.content)
        )
        if not special:
            return None
        return re.compile(
            "("
            + "|".join(
                (r"\s*" if token.lstrip else "")
                + re.escape(token.content)
                + (r"\s*" if token.rstrip else "")
                for token in special
            )
            + ")"
        )

    def _encode(self, text: str, **options: Any) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            # The context window shortens long prompts; no warning is needed.
            verbose=False,
            **options,
        )


def _decoder_of(tokenizer: Any) -> Decode:
    """Return what decodes tokens, without special ones.

    If the class of the tokenizer adds nothing, that is the method of its backend, which
    takes a third of the time.
    """
    kind, plain = type(tokenizer), PreTrainedTokenizerFast
    if kind.decode is plain.decode and kind._decode is plain._decode:
        return partial(tokenizer.backend_tokenizer.decode, skip_special_tokens=True)
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return lambda ids: str(tokenizer.decode(list(ids), **options))
