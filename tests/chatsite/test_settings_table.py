"""The table of settings is complete, consistent and the source of its documents."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.setting_types import BadValue, Integer, Limit, Number, Setting
from chatsite.settings_table import GROUPS, NEW_NAMES, SETTINGS, reference
from tests.processes import ROOT

#: Read by `make`, by a command or by a library, and not by ``chatsite.settings``.
READ_ELSEWHERE = {
    "BUNDLE",
    *("TORCH", "PYTHON", "ADMIN_NAME", "ADMIN_PASSWORD", "HF_HOME", "HF_ENDPOINT"),
}
#: Not settings: the programs themselves, or the system, set these variables.
INTERNAL = {
    *("CI", "DJANGO_SETTINGS_MODULE", "HF_HUB_DISABLE_XET", "OMP_WAIT_POLICY"),
    "CHATSITE_URL",  # of the command line, which runs without a site
    "TO",  # of `make move-database`
}


def test_a_setting_stands_in_the_table_once() -> None:
    names = [setting.name for group in GROUPS for setting in group.settings]
    assert len(names) == len(set(names)) > 80
    assert not set(NEW_NAMES) & set(names)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_is_described_in_whole_sentences(setting: Setting[object]) -> None:
    assert re.fullmatch(r"[A-Z`].*\.", setting.about), setting.about
    assert "|" not in setting.about + setting.values + setting.default_note


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_the_default_in_the_documents_is_the_one_in_force(
    setting: Setting[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # Paths in the documents are relative to it.
    spelled = setting.spell(setting.default)
    if spelled and not setting.default_note:
        assert setting.parse(spelled) == setting.default


BOUNDED = {n: s for n, s in SETTINGS.items() if isinstance(s, Integer | Number)}


@pytest.mark.parametrize("setting", BOUNDED.values(), ids=BOUNDED)
def test_a_number_is_refused_beyond_its_bounds(setting: Integer | Number) -> None:
    low, high = setting.minimum, setting.maximum
    assert setting.parse(str(low)) == low
    assert setting.parse(str(high)) == high
    for beyond in (low - 1, high + 1):
        with pytest.raises(BadValue, match=r"^must be a"):
            setting.parse(str(beyond))


@pytest.mark.parametrize(
    "setting",
    [s for s in SETTINGS.values() if isinstance(s, Limit)],
    ids=lambda s: s.name,
)
def test_a_limit_names_its_variable(
    setting: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting.name, "-1")
    with pytest.raises(ImproperlyConfigured, match=f"^{setting.name} must be a whole"):
        setting.read()


def test_the_settings_are_all_read_from_the_table() -> None:
    files = ("settings.py", "secret_key.py", "databases.py")
    source = "".join((ROOT / "chatsite" / name).read_text() for name in files)
    read = set(re.findall(r"\.([A-Z_]+)\.(?:read|make)", source))
    assert read == SETTINGS.keys() - READ_ELSEWHERE


def test_no_other_variable_is_read_anywhere() -> None:
    call = re.compile(r"os\.environ(?:\.\w+\(|\[)\s*\"([A-Z_]+)\"")
    packages = ("chat", "chatsite", "launch", "worker")
    sources = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    found = {name for path in sources for name in call.findall(path.read_text())}
    known = {*SETTINGS, *INTERNAL}
    known |= {name for s in SETTINGS.values() for name in s.fallback_names}
    own = {name for name in found if not name.startswith("PYTHON")}
    assert own - known == set()


def test_the_page_of_the_settings_is_that_of_the_table() -> None:
    """If this fails: ``make docs``."""
    assert (ROOT / "docs" / "settings.md").read_text() == reference.page()


def test_the_example_file_is_that_of_the_table() -> None:
    """If this fails: ``make docs``."""
    assert (ROOT / "example.env").read_text() == reference.example_file()


def test_every_setting_stands_in_the_example_file_commented_out() -> None:
    lines = reference.example_file().splitlines()
    assert not [line for line in lines if line and not line.startswith("#")]
    examples = dict(
        shlex.split(line[1:])[0].split("=", 1)
        for line in lines
        if re.match("#[A-Z_]+=", line)
    )
    assert examples.keys() == SETTINGS.keys()
    assert (examples["PORT"], examples["GUESTS"]) == ("8000", "on")


@pytest.mark.parametrize("setting", [s for s in SETTINGS.values() if s.is_secret])
@pytest.mark.parametrize("raw", ["hunter2", "x://u:hunter2@h/#?", "x://u:1/hunter2"])
def test_no_message_repeats_a_secret(
    setting: Setting[object], raw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting.name, raw)
    try:
        setting.read()
    except ImproperlyConfigured as refusal:
        assert "hunter2" not in str(refusal)


@pytest.mark.parametrize("name", ["DATA_DIR", "CHAT_CATALOG"])
def test_a_relative_path_counts_from_the_current_folder_and_a_default_does_not(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = SETTINGS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(name, raising=False)
    assert setting.read().parent == ROOT
    spelled = setting.spell(setting.default)
    monkeypatch.setenv(name, spelled)
    assert setting.read() == tmp_path / spelled
    assert f"`{spelled}`" in reference.PAGE_HEAD
