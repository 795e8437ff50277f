"""Every engine that is compared answers the same requests, at small size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.peer_process import PeerProcess, start_peer
from bench.peers import CT2_INT8, LLAMA_Q8, Unavailable
from bench.peers.llamacpp import LlamaCpp
from bench.workload import make_requests
from tests.bench import models
from tests.environment import IS_SOAK

NEW_TOKENS = 12


def greedy_text(folder: Path, ids: list[int]) -> str:
    """What transformers writes after these tokens."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        found = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
    return AutoTokenizer.from_pretrained(folder).decode(found[0, len(ids) :])


@pytest.mark.parametrize("make", [models.gpt2, models.llama])
def test_llama_cpp_writes_what_transformers_writes(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = make(tmp_path)
    ids = list(range(64, 94))
    peer = LlamaCpp(folder, 1, "F32")
    assert peer.text(ids, NEW_TOKENS) == greedy_text(folder, ids)


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, PeerProcess]]:
    """Engines with a very small Llama, started at once: each loads large packages."""
    folder = models.llama(tmp_path_factory.mktemp("models"))
    names = (CT2_INT8, LLAMA_Q8)
    started = {name: start_peer(name, folder, 1) for name in names}
    for peer in started.values():
        peer.ready()
    yield started
    for peer in started.values():
        peer.close()


@pytest.mark.skipif(not IS_SOAK, reason="processes that load torch; see SOAK")
@pytest.mark.parametrize("name", [CT2_INT8, LLAMA_Q8])
def test_an_engine_answers_all_requests(
    name: str, peers: dict[str, PeerProcess]
) -> None:
    found = peers[name].call("run", make_requests(3, prompt=(4, 9), new=(5, 5)))
    assert found.tokens == 15
    assert len(found.first_texts) == 3
    assert all(0 < seconds <= found.seconds for seconds in found.first_texts)
    # A token that is only a part of a character has no text of its own.
    assert 3 <= len(found.gaps) <= 12


@pytest.mark.skipif(not IS_SOAK, reason="processes that load torch; see SOAK")
def test_an_engine_that_cannot_run_says_why(tmp_path: Path) -> None:
    peer = start_peer("ours fp16", tmp_path / "nothing", 1)
    with pytest.raises(Unavailable, match="nothing"):
        peer.ready()
    peer.close()
