"""The secret key is made once, closed to others, and complete after a power cut."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.secret_key import secret_key
from chatsite.settings_table import addresses


def test_the_secret_key_is_made_once_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_secret_key_that_others_could_read_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = secret_key(tmp_path)
    kept = tmp_path / "secret_key"
    kept.chmod(0o644)
    with pytest.warns(UserWarning, match="could be read by others"):
        assert secret_key(tmp_path) == key
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", bytes(67), b"k" * 40 + bytes(27), b"\xe9" * 67]
)
def test_a_file_without_a_key_is_refused_and_kept(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    kept = tmp_path / "secret_key"
    kept.touch(mode=0o600)
    kept.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="remove the file") as error:
        secret_key(tmp_path)
    assert str(kept) in str(error.value)
    assert kept.read_bytes() == content


def test_a_folder_in_its_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(ImproperlyConfigured, match="secret_key must be a file"):
        secret_key(tmp_path)


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_short_secret_is_refused_and_not_repeated(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(ImproperlyConfigured, match="at least 32") as error:
        secret_key(tmp_path)
        addresses.SECRET_KEY_FALLBACKS.read()
    assert "hunter2" not in str(error.value)
