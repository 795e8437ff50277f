"""The text of tokens, as the tokenizer of the model has it."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from tests.worker.tiny_models import byte_tokenizer
from worker.engine.tokenizer import Tokenizer


class LoudTokenizer(PreTrainedTokenizerFast):
    """Decodes in its own way, as those of some models do."""

    def _decode(self, *arguments: object, **options: object) -> str:
        return str(super()._decode(*arguments, **options)).upper()


def test_text_is_decoded_without_special_tokens() -> None:
    plain = byte_tokenizer()
    ids = [*Tokenizer(plain).encode("Hello , you"), *plain.all_special_ids]
    assert Tokenizer(plain).decode(ids) == "Hello , you"
    assert Tokenizer(plain).decode([]) == ""


def test_a_class_that_decodes_in_its_own_way_does_so() -> None:
    loud = LoudTokenizer(tokenizer_object=byte_tokenizer().backend_tokenizer)
    ids = Tokenizer(loud).encode("Hello")
    assert Tokenizer(loud).decode(ids) == "HELLO"
