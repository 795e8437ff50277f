"""One stylesheet that is made from many files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from chatsite.stylesheet import bundle
from tests.processes import ROOT

SOURCES = ROOT / "styles"


@pytest.fixture
def own_sources(settings: Settings, tmp_path: Path) -> Path:
    settings.BASE_DIR = tmp_path
    settings.DATA_DIR = tmp_path / "data"
    folder = tmp_path / "styles"
    folder.mkdir()
    (folder / "chat.css").write_text('/* all */\n@import "a.css";\n@import "b.css";\n')
    (folder / "a.css").write_text("a {}\n")
    (folder / "b.css").write_text("b {}\n")
    return folder


def made() -> Path:
    return Path(finders.find("chat.css"))


def test_every_file_is_in_the_stylesheet_once() -> None:
    entry = (SOURCES / "chat.css").read_text("utf-8")
    imported = re.findall(r'@import "(.+?)"', entry)
    assert sorted(imported) == sorted(
        path.name for path in SOURCES.glob("*.css") if path.name != "chat.css"
    )


def test_the_site_serves_it_whole_in_one_file() -> None:
    served = b"".join(Client().get("/static/chat.css")).decode()
    assert served == bundle(SOURCES / "chat.css")
    assert "@import" not in served
    for path in SOURCES.glob("*.css"):
        if path.name != "chat.css":
            assert path.read_text("utf-8") in served


def test_files_follow_each_other_in_the_order_of_the_imports(own_sources: Path) -> None:
    assert made().read_text("utf-8") == "/* all */\na {}\n\nb {}\n\n"


def test_it_is_written_again_only_if_a_source_changed(own_sources: Path) -> None:
    before = made().stat()
    assert made().stat().st_ino == before.st_ino
    (own_sources / "b.css").write_text("b { color: red }\n")
    assert "color: red" in made().read_text("utf-8")
    assert made().stat().st_ino != before.st_ino


def test_no_other_file_is_found_here(own_sources: Path) -> None:
    assert own_sources.is_dir()
    assert finders.find("a.css") is None
    assert finders.find("styles/chat.css") is None
