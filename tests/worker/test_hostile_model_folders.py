"""Model folders that try to run code when they are loaded; none succeeds."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import jinja2
import pytest
import torch
from transformers import AutoModelForCausalLM

from chatsite.catalog import FolderSource
from tests.worker.tiny_models import CHAT_TEMPLATE, entry_for
from worker.engine.interface import ModelUnavailable
from worker.engine.model import load_model
from worker.model_folder import FetchError
from worker.weights.fetch import fetch

PICKLES = ["pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.pkl"]


class CreatesFile:
    """A pickle of this creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT)


@pytest.fixture
def folder(gpt2_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(gpt2_folder, tmp_path / "model")


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    return tmp_path / "ran"


def pickled(folder: Path, name: str, proof: Path) -> None:
    """The real weights as a pickle, with code added."""
    module = AutoModelForCausalLM.from_pretrained(folder)
    torch.save({**module.state_dict(), "stowaway": CreatesFile(proof)}, folder / name)


def changed(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def write_code(folder: Path, proof: Path) -> None:
    (folder / "own.py").write_text(
        f"open({str(proof)!r}, 'w')\n"
        "from transformers import GPT2Config as Config, GPT2LMHeadModel as Model\n"
        "from transformers import PreTrainedTokenizerFast as Tokenizer\n"
    )


@pytest.mark.parametrize("name", PICKLES)
def test_a_folder_with_only_a_pickle_is_refused(
    folder: Path, proof: Path, tmp_path: Path, name: str
) -> None:
    pickled(folder, name, proof)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=f"{name} is a pickle") as refused:
        load_model(folder, device="cpu")
    assert "saved as safetensors" in str(refused.value)
    with pytest.raises(FetchError, match=f"{name} is a pickle"):
        fetch(entry_for(source=FolderSource(folder)), tmp_path, lambda *_: None)
    assert not proof.exists()


def test_the_pickle_of_these_tests_would_have_run(folder: Path, proof: Path) -> None:
    pickled(folder, "pytorch_model.bin", proof)
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert proof.exists()


def test_a_pickle_beside_safetensors_is_not_opened(folder: Path, proof: Path) -> None:
    for name in PICKLES:
        pickled(folder, name, proof)
    assert load_model(folder, device="cpu").context_tokens == 128
    assert not proof.exists()


def test_a_pickle_named_safetensors_is_refused(folder: Path, proof: Path) -> None:
    pickled(folder, "pytorch_model.bin", proof)
    (folder / "pytorch_model.bin").replace(folder / "model.safetensors")
    with pytest.raises(ModelUnavailable, match="broken"):
        load_model(folder, device="cpu")
    assert not proof.exists()


@pytest.mark.parametrize("part", ["pytorch_model.bin", "../other.safetensors"])
def test_an_index_that_names_other_files_is_refused(
    folder: Path, proof: Path, part: str
) -> None:
    pickled(folder, "pytorch_model.bin", proof)
    shutil.copy(folder / "model.safetensors", folder.parent / "other.safetensors")
    names = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, part)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelUnavailable, match=f"names {part} as a part"):
        load_model(folder, device="cpu")
    assert not proof.exists()


def test_a_configuration_that_names_a_pickle_is_refused(
    folder: Path, proof: Path
) -> None:
    pickled(folder, "adapter_model.bin", proof)
    changed(folder / "config.json", transformers_weights="adapter_model.bin")
    with pytest.raises(ModelUnavailable, match=r"names adapter_model\.bin as a part"):
        load_model(folder, device="cpu")
    assert not proof.exists()


def test_an_index_with_another_name_is_not_read(folder: Path, proof: Path) -> None:
    pickled(folder, "pytorch_model.bin", proof)
    names = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "pytorch_model.bin")}
    (folder / "own.safetensors.index.json").write_text(json.dumps(index))
    own = "own.safetensors.index.json"
    changed(folder / "config.json", transformers_weights=own)
    with pytest.raises(ModelUnavailable, match=r"names pytorch_model\.bin as a part"):
        load_model(folder, device="cpu")
    assert not proof.exists()


def test_code_of_a_known_architecture_is_ignored(folder: Path, proof: Path) -> None:
    write_code(folder, proof)
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    changed(folder / "config.json", auto_map=own)
    assert load_model(folder, device="cpu").context_tokens == 128
    assert not proof.exists()


def test_code_of_an_unknown_architecture_is_refused(folder: Path, proof: Path) -> None:
    write_code(folder, proof)
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    changed(folder / "config.json", auto_map=own, model_type="own")
    with pytest.raises(ModelUnavailable, match="cannot load it"):
        load_model(folder, device="cpu")
    assert not proof.exists()


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "Tokenizer"])
def test_code_of_a_tokenizer_never_runs(folder: Path, proof: Path, kind: str) -> None:
    write_code(folder, proof)
    own = {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}
    path = folder / "tokenizer_config.json"
    changed(path, auto_map=own, tokenizer_class=kind)
    # Loaded by transformers' own class, or refused; never by this code.
    try:
        load_model(folder, device="cpu")
    except ModelUnavailable as refused:
        assert "cannot load it" in str(refused)
    assert not proof.exists()


def test_code_named_by_the_generation_config_never_runs(
    folder: Path, proof: Path
) -> None:
    generate = folder / "custom_generate"
    generate.mkdir()
    (generate / "generate.py").write_text(f"open({str(proof)!r}, 'w')")
    changed(folder / "generation_config.json", custom_generate=str(folder))
    load_model(folder, device="cpu")
    assert not proof.exists()


def test_a_chat_template_cannot_leave_its_sandbox(folder: Path, proof: Path) -> None:
    reach = "{{ cycler.__init__.__globals__.os.open('%s', 64) }}" % proof  # noqa: UP031
    changed(folder / "tokenizer_config.json", chat_template=reach + CHAT_TEMPLATE)
    (folder / "chat_template.jinja").write_text(reach + CHAT_TEMPLATE)
    tokenizer = load_model(folder, device="cpu").tokenizer
    with pytest.raises(jinja2.TemplateError):
        tokenizer.render(
            [{"role": "user", "content": "Hello"}], add_generation_prompt=True
        )
    assert not proof.exists()
