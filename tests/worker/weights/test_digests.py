"""A model file with an unexpected digest is refused, whatever its source."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatsite.catalog import Catalog, FolderSource, GgufSource, HubSource, ModelEntry
from tests.worker.conftest import ROOT
from tests.worker.tiny_models import entry_for
from tests.worker.weights.stand_in_hub import POINTER, REPOSITORY, REVISION, StandInHub
from worker import model_folder
from worker.model_folder import FetchError
from worker.weights import digests
from worker.weights.digests import git_blob_id, sha256
from worker.weights.fetch import fetch
from worker.weights.hub import Hub


def silent(share: float | None, note: str) -> None:
    pass


def digests_of(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in model_folder.loaded_files(folder)}


def turned(content: bytes) -> bytes:
    """The same length with one bit of the last byte flipped."""
    return content[:-1] + bytes([content[-1] ^ 1])


def spoil(path: Path) -> None:
    target = path.resolve()
    target.write_bytes(turned(target.read_bytes()))


@pytest.fixture
def hub_server(gpt2_folder: Path, tmp_path: Path) -> Iterator[StandInHub]:
    server = StandInHub(shutil.copytree(gpt2_folder, tmp_path / "repository")).start()
    yield server
    server.stop()


@pytest.fixture
def hub(hub_server: StandInHub, tmp_path: Path) -> Hub:
    return Hub(hub_server.url, tmp_path / "home" / "hub")


def entry(**sha256: str) -> ModelEntry:
    return entry_for(source=HubSource(REPOSITORY, REVISION), sha256=sha256)


def test_a_model_with_the_digests_of_the_catalogue_is_served(
    hub: Hub, gpt2_folder: Path, tmp_path: Path
) -> None:
    named = entry(**digests_of(gpt2_folder))
    folder = fetch(named, tmp_path / "data", silent, hub)
    assert fetch(named, tmp_path / "data", silent, hub) == folder


def test_the_digest_of_the_weights_alone_is_compared_and_the_hub_asked_for_the_rest(
    hub: Hub, gpt2_folder: Path, tmp_path: Path
) -> None:
    found = digests_of(gpt2_folder)["model.safetensors"]
    good = replace(entry(), weights_sha256=found)
    assert fetch(good, tmp_path / "data", silent, hub).is_dir()
    bad = replace(entry(), weights_sha256="0" * 64)
    with pytest.raises(FetchError, match=r"model\.safetensors is not the file"):
        fetch(bad, tmp_path / "data", silent, hub)
    snapshots = (tmp_path / "home" / "hub").glob("models--*/snapshots/*")
    [path] = (folder / "config.json" for folder in snapshots)
    # Of the same length, so that it does not count as incomplete.
    path.resolve().write_text(path.read_text().replace("gelu", "GELU", 1))
    with pytest.raises(FetchError, match=r"config\.json is not the file"):
        fetch(good, tmp_path / "data", silent, hub)


def test_the_refusal_names_the_file_both_digests_and_what_to_do(
    hub: Hub, gpt2_folder: Path, tmp_path: Path
) -> None:
    named = {**digests_of(gpt2_folder), "model.safetensors": "0" * 64}
    with pytest.raises(FetchError) as refused:
        fetch(entry(**named), tmp_path / "data", silent, hub)
    said = str(refused.value)
    assert "\n" not in said
    assert "model.safetensors is not the file that was meant" in said
    assert "0" * 64 in said
    assert sha256(gpt2_folder / "model.safetensors") in said
    assert re.search(r"Delete /\S+ and start again", said)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_swapped_file_is_found_by_the_list_of_the_hub(
    hub: Hub, hub_server: StandInHub, tmp_path: Path, name: str
) -> None:
    # Valid and of the same size: only its digest differs.
    body = hub_server.files()[name]
    hub_server.swapped[name] = (
        turned(body) if name.endswith("tensors") else body.replace(b"1", b"2")
    )
    with pytest.raises(FetchError, match=f"{name} is not the file that was meant"):
        fetch(entry(), tmp_path / "data", silent, hub)
    with pytest.raises(FetchError, match=f"{name} is not the file that was meant"):
        fetch(entry(), tmp_path / "data", silent, hub)


def test_a_deleted_refused_file_is_fetched_again(
    hub: Hub, hub_server: StandInHub, tmp_path: Path
) -> None:
    hub_server.swapped["model.safetensors"] = turned(
        hub_server.files()["model.safetensors"]
    )
    with pytest.raises(FetchError) as refused:
        fetch(entry(), tmp_path / "data", silent, hub)
    told = re.search(r"Delete (\S+) and start again", str(refused.value))
    assert told
    Path(told[1]).unlink()
    hub_server.swapped.clear()
    folder = fetch(entry(), tmp_path / "data", silent, hub)
    whole = hub_server.files()["model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == whole


@pytest.mark.parametrize("is_named", [True, False])
def test_a_flipped_bit_in_the_cache_is_found_at_the_next_start(
    hub: Hub, gpt2_folder: Path, tmp_path: Path, *, is_named: bool
) -> None:
    model = entry(**digests_of(gpt2_folder)) if is_named else entry()
    folder = fetch(model, tmp_path / "data", silent, hub)
    spoil(folder / "model.safetensors")
    with pytest.raises(FetchError, match="is not the file that was meant"):
        fetch(model, tmp_path / "data", silent, hub)


def test_recorded_digests_count_before_a_later_list_of_the_hub(
    hub: Hub, hub_server: StandInHub, tmp_path: Path
) -> None:
    folder = fetch(entry(), tmp_path / "data", silent, hub)
    shutil.rmtree(hub.cache)
    path = hub_server.folder / "model.safetensors"
    path.write_bytes(turned(path.read_bytes()))
    with pytest.raises(FetchError, match="at its first use"):
        fetch(entry(), tmp_path / "data", silent, hub)
    assert folder.is_dir()


def test_a_file_that_the_catalogue_does_not_name_is_refused(
    hub: Hub, hub_server: StandInHub, gpt2_folder: Path, tmp_path: Path
) -> None:
    (hub_server.folder / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(FetchError, match=r"chat_template\.jinja is no file of this"):
        fetch(entry(**digests_of(gpt2_folder)), tmp_path / "data", silent, hub)


def test_unchanged_files_are_read_once(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fetch(entry(), tmp_path / "data", silent, hub)
    read: list[str] = []
    monkeypatch.setattr(digests, "sha256", lambda path: read.append(path.name) or "")
    fetch(entry(), tmp_path / "data", silent, hub)
    assert read == []
    (folder / "config.json").resolve().touch()
    with pytest.raises(FetchError):
        fetch(entry(), tmp_path / "data", silent, hub)
    assert read == ["config.json"]


def test_a_damaged_ledger_does_not_bypass_verification(
    hub: Hub, tmp_path: Path
) -> None:
    fetch(entry(), tmp_path / "data", silent, hub)
    ledger = tmp_path / "data" / "models" / "verified.json"
    ledger.write_text(ledger.read_text()[:-5])
    with pytest.raises(FetchError, match=r"verified\.json cannot be read"):
        fetch(entry(), tmp_path / "data", silent, hub)


def test_a_folder_with_digests_in_the_catalogue_is_verified(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "model")
    named = entry_for(source=FolderSource(folder), sha256=digests_of(folder))
    assert fetch(named, tmp_path / "data", silent) == folder
    spoil(folder / "model.safetensors")
    with pytest.raises(FetchError, match="is not the file that was meant"):
        fetch(named, tmp_path / "data", silent)


def test_a_folder_without_digests_may_change(gpt2_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "model")
    own = entry_for(source=FolderSource(folder))
    fetch(own, tmp_path / "data", silent)
    spoil(folder / "model.safetensors")
    assert fetch(own, tmp_path / "data", silent) == folder


def test_a_gguf_file_is_verified_before_it_is_read(tmp_path: Path) -> None:
    gguf = tmp_path / "own.gguf"
    gguf.write_bytes(b"GGUF")
    named = entry_for(source=GgufSource(gguf), sha256={"own.gguf": "0" * 64})
    with pytest.raises(FetchError, match=r"own\.gguf is not the file that was meant"):
        fetch(named, tmp_path / "data", silent)


def test_a_converted_model_must_not_change(
    smollm2_folder: Path, tmp_path: Path
) -> None:
    # The model is large, so links to its files and a copy of its ledger are used.
    model = Catalog.load(ROOT / "catalog.toml").get("smollm2")
    data = tmp_path / "data"
    folder = data / "models" / smollm2_folder.name
    folder.mkdir(parents=True)
    for path in smollm2_folder.iterdir():
        (folder / path.name).symlink_to(path)
    ledger = json.loads((smollm2_folder.parent / "verified.json").read_text())
    (data / "models" / "verified.json").write_text(json.dumps({**ledger, "files": {}}))
    assert fetch(model, data, silent) == folder
    config = (folder / "config.json").read_text()
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(config.replace("silu", "gelu"))
    with pytest.raises(FetchError, match=r"config\.json is not the file"):
        fetch(model, data, silent)


def test_digests_equal_those_of_git_and_sha256sum(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"some content\n" * 100_000)
    told = subprocess.run(
        ["git", "hash-object", "--no-filters", path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert git_blob_id(path) == told.stdout.strip()


def test_the_large_file_of_gpt2_is_the_one_that_its_revision_points_to() -> None:
    """The hub's list of that revision, which shows a typing error in the catalogue."""
    named = Catalog.load(ROOT / "catalog.toml").get("gpt2").sha256
    pointer = POINTER.format(oid=named["model.safetensors"], size=548_105_171).encode()
    told = subprocess.run(
        ["git", "hash-object", "--stdin"],
        input=pointer,
        capture_output=True,
        check=True,
    )
    assert told.stdout.strip() == b"44b36d6e32d13c8fb28b0feab0ac8bfefa7efeda"


def test_the_catalogue_names_all_files_of_its_models() -> None:
    catalog = Catalog.load(ROOT / "catalog.toml")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(
        catalog.get("gpt2").sha256
    )
    source = catalog.get("smollm2").source
    assert isinstance(source, GgufSource)
    assert set(catalog.get("smollm2").sha256) == {source.path.name}
