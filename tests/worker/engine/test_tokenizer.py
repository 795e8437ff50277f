"""The text of tokens, as the tokenizer of the model has it."""

from __future__ import annotations

from tokenizers.processors import TemplateProcessing
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


def test_a_text_by_itself_begins_as_the_tokenizer_has_it() -> None:
    plain = byte_tokenizer()
    assert Tokenizer(plain).opening == []
    begin, end = plain.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    plain.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A <|im_end|>",
        special_tokens=[("<|im_start|>", begin), ("<|im_end|>", end)],
    )
    # What ends a text is no part of a prompt.
    assert Tokenizer(plain).opening == [begin]


def test_a_class_that_decodes_in_its_own_way_does_so() -> None:
    loud = LoudTokenizer(tokenizer_object=byte_tokenizer().backend_tokenizer)
    ids = Tokenizer(loud).encode("Hello")
    assert Tokenizer(loud).decode(ids) == "HELLO"
