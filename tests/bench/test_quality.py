"""What precisions change is measured on texts that are long enough, and the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.held_out import texts
from bench.peers import FP16
from bench.quality import Comparer, Qualities, measure_quality
from bench.real_model import RealModel, measure_starts
from tests.environment import IS_SOAK
from tests.worker.tiny_models import write_llama

TOKENS = 300


def test_texts_are_long_enough_and_no_tables(tmp_path: Path) -> None:
    found = texts(tmp_path)
    # A token of SmolLM2 has fewer than five characters in either.
    assert all(len(text) > 5 * 4096 for text in found.values())
    assert "|" not in "".join(line[:1] for line in found["english"].splitlines())
    assert "def " in found["code"]


def test_full_precision_changes_nothing(tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "models" / "llama")
    comparer = Comparer(folder, 1)
    found = comparer.compare(texts(tmp_path)["english"], TOKENS, ["fp32"])["fp32"]
    assert found["tokens"] == TOKENS
    assert found["agreement"] == 1
    assert abs(found["divergence"]) < 1e-6
    assert abs(found["perplexity_change"]) < 1e-5


def test_figures_have_limits() -> None:
    good = {"perplexity_change": -0.002, "divergence": 0.002, "agreement": 0.97}
    poor = {"perplexity_change": -0.02, "divergence": 0.002, "agreement": 0.94}
    quality = Qualities({"int8": {"english": good, "code": poor}}, {"int8": (199, 200)})
    found = RealModel(quality, {"first_start_seconds": 31.0}).ratios()
    assert [ratio.name for ratio in found if not ratio.is_met] == [
        *("int8_code_perplexity_change", "int8_code_agreement"),
        *("int8_same_beside_others", "first_start_seconds"),
    ]
    assert len(found) == 8


@pytest.mark.skipif(not IS_SOAK, reason="many processes that load torch; see SOAK")
def test_replies_are_the_same_alone_and_beside_others(tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "models" / "llama")
    found = measure_quality(folder, 1, tokens=TOKENS, replies={FP16: 9})
    reached = {*found.compared, *(name.split()[1] for name in found.missing)}
    assert reached == {"fp16", "int8"}
    if FP16 not in found.missing:
        assert found.same_beside == {"fp16": (9, 9)}


@pytest.mark.skipif(not IS_SOAK, reason="many processes that load torch; see SOAK")
def test_starts_are_measured_twice(tmp_path: Path) -> None:
    found = measure_starts(write_llama(tmp_path / "models" / "llama"), 1)
    assert all(seconds > 0 for seconds in found.values())
    assert len(found) == 2
