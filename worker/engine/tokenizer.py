"""Text to tokens and back, for one model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


class Tokenizer:
    """Text to tokens and back, for one model."""

    def __init__(self, tokenizer: Any) -> None:
        """``tokenizer``: a fast tokenizer of transformers."""
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: special tokens in it stay plain text."""
        return list(self._encoded(text)["input_ids"])

    def starts(self, text: str) -> list[int]:
        """For each token of ``encode(text)``, the character where it begins."""
        encoded = self._encoded(text, return_offsets_mapping=True)
        return [start for start, _ in encoded["offset_mapping"]]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the tokens, without special ones."""
        return str(
            self._tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    @property
    def eos_id(self) -> int | None:
        value = self._tokenizer.eos_token_id
        return None if value is None else int(value)

    @property
    def has_chat_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def render(self, messages: list[dict[str, str]], *, has_cue: bool) -> str:
        """The chat template filled with messages, and the cue to reply where asked.

        Raises ``jinja2.TemplateError`` where the template refuses them.
        """
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=has_cue
            )
        )

    def special_tokens(self) -> dict[str, int]:
        """The strings that stand for special tokens, with their tokens."""
        added = self._tokenizer.added_tokens_decoder
        return {token.content: i for i, token in added.items() if token.special}

    def special_pattern(self) -> re.Pattern[str] | None:
        """Matches exactly the special strings, with the white space they swallow."""
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

    def _encoded(self, text: str, **options: Any) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            # A prompt longer than the model is cut by us, not warned about.
            verbose=False,
            **options,
        )
