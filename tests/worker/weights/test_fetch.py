"""Fetching from the hub, against a server here that speaks the hub's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import constants

from chatsite.catalog import FolderSource, HubSource, ModelEntry
from tests.processes import free_port
from tests.worker.conftest import ROOT
from tests.worker.tiny_models import entry_for
from tests.worker.weights.stand_in_hub import REPOSITORY, REVISION, StandInHub
from worker import model_folder
from worker.engine.model import load_model
from worker.model_folder import FetchError
from worker.weights.fetch import fetch, local_folder
from worker.weights.hub import Hub

CATALOG = f"""
default = "tiny"
fallback = "stand-in"

[models.tiny]
label = "Tiny"
hub = "{REPOSITORY}"
revision = "{{revision}}"
context_tokens = 128

[models.stand-in]
label = "Stand-in"
engine = "scripted"
context_tokens = 128
"""


@dataclass
class RecordedProgress:
    """Records the progress that a fetch reports."""

    shares: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __call__(self, share: float | None, note: str) -> None:
        self.notes.append(note)
        if share is not None:
            self.shares.append(share)


@pytest.fixture
def hub_server(gpt2_folder: Path, tmp_path: Path) -> Iterator[StandInHub]:
    folder = tmp_path / "repository"
    folder.mkdir()
    for path in gpt2_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    server = StandInHub(folder).start()
    yield server
    server.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "home" / "hub"


@pytest.fixture
def hub(hub_server: StandInHub, cache: Path) -> Hub:
    return Hub(hub_server.url, cache)


def tiny(revision: str = REVISION, repository: str = REPOSITORY) -> ModelEntry:
    return entry_for(source=HubSource(repository, revision))


def test_a_first_download_reports_progress_and_the_model_loads(
    hub: Hub, tmp_path: Path
) -> None:
    progress = RecordedProgress()
    folder = fetch(tiny(), tmp_path / "data", progress, hub)
    assert progress.shares == sorted(progress.shares)
    assert len(progress.shares) > 2
    assert progress.shares[-1] == 1
    assert load_model(folder, device="cpu").context_tokens == 128


def test_only_weights_tokenizer_and_configuration_are_downloaded(
    hub: Hub, tmp_path: Path
) -> None:
    folder = fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert names == {
        *("config.json", "generation_config.json", "model.safetensors"),
        *("tokenizer.json", "tokenizer_config.json"),
    }


def test_the_second_start_needs_no_network(
    hub: Hub, hub_server: StandInHub, tmp_path: Path
) -> None:
    first = fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)
    asked = hub_server.requests.total()
    assert local_folder(tiny(), tmp_path / "data", hub) == first
    assert fetch(tiny(), tmp_path / "data", RecordedProgress(), hub) == first
    assert hub_server.requests.total() == asked


def test_a_broken_transfer_is_resumed(
    hub: Hub,
    hub_server: StandInHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The library keeps whole chunks only; its default is larger than this model.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    hub_server.cut_once.add("model.safetensors")
    folder = fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)
    assert not model_folder.find_problem(folder)
    assert hub_server.ranges["model.safetensors"] == ["bytes=70000-"]


def test_a_transfer_that_always_breaks_is_an_error(
    hub: Hub,
    hub_server: StandInHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.weights.hub.PAUSE_SECONDS", 0)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub_server.cut_always.add("model.safetensors")
    with pytest.raises(FetchError, match="could not be downloaded"):
        fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_file_cut_short_in_the_cache_is_downloaded_again(
    hub: Hub, tmp_path: Path, name: str
) -> None:
    folder = fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)
    whole = (folder / name).read_bytes()
    (folder / name).resolve().write_bytes(whole[: len(whole) // 2])
    assert local_folder(tiny(), tmp_path / "data", hub) is None
    assert fetch(tiny(), tmp_path / "data", RecordedProgress(), hub) == folder
    assert (folder / name).read_bytes() == whole


def test_a_revision_that_does_not_exist_is_reported(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="the hub has no such revision") as caught:
        fetch(tiny(revision="f" * 40), tmp_path / "data", RecordedProgress(), hub)
    assert REPOSITORY in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_does_not_exist_is_reported(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="the hub has no such model"):
        fetch(
            tiny(repository="someone/else"), tmp_path / "data", RecordedProgress(), hub
        )


def test_a_local_folder_is_served_where_it_is(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    entry = entry_for(source=FolderSource(gpt2_folder))
    assert fetch(entry, tmp_path / "data", RecordedProgress()) == gpt2_folder


def run_fetch(
    tmp_path: Path, endpoint: str, *, chosen: str = "", revision: str = REVISION
) -> subprocess.CompletedProcess[str]:
    """Run the command that fetches before the workers start."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG.format(revision=revision))
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(tmp_path / "home"),
        "CHAT_CATALOG": str(catalog),
        "DATA_DIR": str(tmp_path / "data"),
        "CHAT_MODEL": chosen,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "worker.fetch"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def written_choice(tmp_path: Path) -> dict[str, str]:
    choice: dict[str, str] = json.loads((tmp_path / "data" / "model.json").read_text())
    return choice


def test_the_command_downloads_the_default_and_writes_the_choice(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    done = run_fetch(tmp_path, hub_server.url)
    assert done.returncode == 0, done.stderr
    assert "downloading, 100 %" in done.stdout
    assert written_choice(tmp_path) == {"model": "tiny", "wanted": "tiny", "reason": ""}


def test_the_command_names_a_file_that_it_cannot_write(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    (tmp_path / "data" / "model.json").mkdir(parents=True)
    done = run_fetch(tmp_path, hub_server.url)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path}/data/model.json: Is a directory." in line
    assert os.listdir(tmp_path / "data") == ["model.json"]


def test_the_command_starts_from_the_cache_without_the_hub(
    hub: Hub, hub_server: StandInHub, tmp_path: Path
) -> None:
    fetch(tiny(), tmp_path / "data", RecordedProgress(), hub)
    done = run_fetch(tmp_path, f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 0, done.stderr
    assert written_choice(tmp_path)["model"] == "tiny"


def test_an_unreachable_hub_means_the_fallback_if_no_model_is_chosen(
    tmp_path: Path,
) -> None:
    done = run_fetch(tmp_path, f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 0, done.stderr
    assert written_choice(tmp_path) == {
        "model": "stand-in",
        "wanted": "tiny",
        "reason": "the model hub could not be reached",
    }
    assert "Stand-in stands in" in done.stdout


def test_the_default_is_tried_again_at_the_next_start(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    run_fetch(tmp_path, f"http://127.0.0.1:{free_port()}")
    run_fetch(tmp_path, hub_server.url)
    assert written_choice(tmp_path)["model"] == "tiny"


def test_an_unreachable_hub_is_an_error_if_the_model_was_chosen(
    tmp_path: Path,
) -> None:
    done = run_fetch(tmp_path, f"http://127.0.0.1:{free_port()}", chosen="tiny")
    assert done.returncode != 0
    assert "could not be downloaded" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_revision_of_the_default_is_an_error_without_fallback(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    done = run_fetch(tmp_path, hub_server.url, revision="f" * 40)
    assert done.returncode != 0
    assert "no such revision" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_swapped_in_transit_ends_the_start_in_one_line(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    whole = hub_server.files()["model.safetensors"]
    hub_server.swapped["model.safetensors"] = whole[:-1] + b"?"
    done = run_fetch(tmp_path, hub_server.url)
    assert done.returncode == 1
    (last,) = done.stderr.splitlines()[-1:]
    assert "model.safetensors is not the file that was meant" in last
    assert "Traceback" not in done.stderr


def test_an_unknown_model_name_is_an_error(
    hub_server: StandInHub, tmp_path: Path
) -> None:
    done = run_fetch(tmp_path, hub_server.url, chosen="gpt5")
    assert done.returncode != 0
    assert "tiny" in done.stderr
    assert "Traceback" not in done.stderr
    assert not hub_server.requests
