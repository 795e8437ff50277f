"""The text of tokens, as the tokenizer of the model has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as BackendTokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from tests.worker.tiny_models import byte_tokenizer
from worker.engine.model import LanguageModel
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


@pytest.mark.parametrize("name", ["gpt2", "smollm2"])
@given(text=st.text(max_size=40))
def test_the_bytes_of_the_tokens_of_a_text_are_those_of_the_text(
    request: pytest.FixtureRequest, name: str, text: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    tokenizer = model.tokenizer
    ids = tokenizer.encode(text)
    spelled = b"".join(tokenizer.token_bytes(token) for token in ids)
    # SmolLM2 has no tokens for the bytes of some rare characters.
    assert spelled.decode(errors="replace") == tokenizer.decode(ids)
    assert spelled == text.encode() or name == "smollm2"


def test_a_special_token_is_spelled_and_an_unknown_one_is_nothing() -> None:
    plain = byte_tokenizer()
    (end,) = plain.convert_tokens_to_ids(["<|im_end|>"])
    assert Tokenizer(plain).token_bytes(end) == b"<|im_end|>"
    assert Tokenizer(plain).token_bytes(len(plain)) == b""


def test_tokens_of_sentencepiece_are_spelled() -> None:
    pieces = {piece: n for n, piece in enumerate(["<unk>", "▁", "a", "▁a", "<0xC3>"])}
    model = BPE(pieces, [("▁", "a")], unk_token="<unk>", byte_fallback=True)
    backend = BackendTokenizer(model)
    backend.pre_tokenizer = Metaspace()
    tokenizer = Tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend))
    spelled = [tokenizer.token_bytes(token) for token in (2, 3, 4)]
    assert spelled == [b"a", b" a", b"\xc3"]
