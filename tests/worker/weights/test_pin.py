"""The digests of a model for the catalogue, as ``worker.weights.pin`` prints them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import LazySettings

from chatsite.catalog import Catalog
from tests.worker.conftest import ROOT
from tests.worker.weights.stand_in_hub import REPOSITORY, REVISION, StandInHub
from worker import model_folder
from worker.model_folder import FetchError
from worker.weights import pin
from worker.weights.fetch import fetch
from worker.weights.hub import Hub

CATALOG = f"""
default = "tiny"

[models.tiny]
label = "Tiny"
hub = "{REPOSITORY}"
revision = "{REVISION}"
context_tokens = 128
"""


def printed_for(catalog: Path, hub: StandInHub) -> str:
    """Run the command as docs/supply-chain.md says."""
    catalog.write_text(CATALOG, encoding="utf-8")
    home = catalog.parent / "home"
    environment = {
        **os.environ,
        "CHAT_CATALOG": str(catalog),
        "CHAT_MODEL": "",
        "DATA_DIR": str(home / "data"),
        "HF_HOME": str(home),
        "HF_ENDPOINT": hub.url,
    }
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "worker.weights.pin", "tiny"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_it_prints_is_a_table_that_pins_the_files_of_the_model(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    server = StandInHub(gpt2_folder).start()
    printed = printed_for(tmp_path / "catalog.toml", server)
    pinned = tmp_path / "pinned.toml"
    pinned.write_text(CATALOG + printed, encoding="utf-8")
    entry = Catalog.load(pinned).get("tiny")
    hub = Hub(server.url, tmp_path / "other")
    folder = fetch(entry, tmp_path / "data", lambda *_: None, hub)
    names = {path.name for path in model_folder.loaded_files(folder)}
    assert tomllib.loads(printed)["models"]["tiny"]["sha256"].keys() == names
    assert "model.safetensors" in names
    server.stop()
    # Other content of the same size, as a file that was swapped has.
    weights = (folder / "model.safetensors").resolve()
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(FetchError, match=r"model\.safetensors is not the file"):
        fetch(entry, tmp_path / "fresh", lambda *_: None, hub)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "usage: python -m worker.weights.pin NAME"),
        (["gpt2", "distilgpt2"], 2, "usage: python -m worker.weights.pin NAME"),
        (["gpt5"], 1, "There is no model 'gpt5'"),
        (["/no/such/folder"], 1, "/no/such/folder: is no folder that can be read."),
    ],
)
def test_a_wrong_call_is_answered_with_what_is_wrong(
    arguments: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    settings.DATA_DIR = tmp_path
    mask = os.umask(0o077)  # the command sets it for good
    assert pin.main(arguments) == status
    os.umask(mask)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
