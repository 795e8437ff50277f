"""Static files under URLs that name their version."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.templatetags.static import static
from django.test import Client
from pytest_django import Settings

from chatsite.static_version import VersionedStaticFilesMiddleware, version
from tests.processes import ROOT

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
FILE = ROOT / "static" / "chat" / "page.js"


def answer_at(
    url: str, client: Client | None = None, **headers: str
) -> tuple[int, bytes, str]:
    answer = (client or Client()).get(url, headers=headers)
    content = b"".join(answer)
    for close in answer._resource_closers:  # and not the database
        close()
    return answer.status_code, content, answer.headers["Cache-Control"]


@pytest.fixture(autouse=True)
def _files_are_listed_at_the_start(settings: Settings) -> None:
    """As on a site, and unlike in the other tests."""
    settings.WHITENOISE_AUTOREFRESH = False


@pytest.fixture
def _is_new() -> object:
    version.cache_clear()
    yield
    version.cache_clear()


def test_a_page_names_versions_and_browsers_keep_such_files() -> None:
    url = static("chat/page.js")
    assert re.fullmatch(r"/static/[0-9a-f]{12}/chat/page\.js", url)
    status, content, caching = answer_at(url)
    assert (status, content) == (200, FILE.read_bytes())
    assert "immutable" in caching and "public" in caching


def test_a_plain_url_is_kept_for_a_short_time() -> None:
    status, content, caching = answer_at("/static/chat/page.js")
    assert (status, content) == (200, FILE.read_bytes())
    assert caching == "max-age=60, public"


def test_another_version_gets_the_file_that_is_here_and_nothing_keeps_it() -> None:
    assert answer_at("/static/0123456789ab/chat/page.js") == (
        200,
        FILE.read_bytes(),
        "no-store",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/static/0123456789ab/missing.js",
        "/static/0123456789AB/chat/page.js",
        "/static/0123456789a/chat/page.js",
        "/static/0123456789ab/0123456789ab/chat/page.js",
        "/static/0123456789ab/../../manage.py",
        "/other/0123456789ab/chat/page.js",
    ],
)
def test_an_unknown_file_is_not_found(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.usefixtures("_is_new")
def test_the_version_changes_with_any_file_that_is_served(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    file = tmp_path / "a" / "b.js"
    file.parent.mkdir()
    found = set()
    for content in ("one", "two"):
        file.write_text(content)
        found.add(version())
        version.cache_clear()
    file.rename(tmp_path / "a" / "c.js")
    found.add(version())
    assert len(found) == 3


@pytest.mark.usefixtures("_is_new")
def test_a_file_replaced_while_the_server_runs_goes_out_whole_and_nothing_keeps_it(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path, False
    file = tmp_path / "a.js"
    file.write_text("one")
    url, client = static("a.js"), Client()
    status, content, caching = answer_at(url, client)
    assert (status, content) == (200, b"one")
    assert "immutable" in caching
    file.write_text("two, which is longer")
    assert answer_at(url, client) == (200, b"two, which is longer", "no-store")


@pytest.mark.parametrize("path", ["chat/page.js", "chat.css"])
def test_a_file_is_compressed_for_who_takes_it(path: str) -> None:
    url, client = static(path), Client()
    answer = client.get(url, headers=GZIP)
    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == Path(finders.find(path)).read_bytes()
    assert int(answer["Content-Length"]) == len(answer.content)
    assert answer["Vary"] == "Accept-Encoding"
    assert "immutable" in answer["Cache-Control"]
    whole = client.head(url)
    assert answer["ETag"] == f"W/{whole['ETag']}"
    assert answer["Content-Type"] == whole["Content-Type"]
    known = {**GZIP, "If-Modified-Since": answer["Last-Modified"]}
    assert client.get(url, headers=known).status_code == 304


@pytest.mark.parametrize("tag", ["{}", "W/{}", '"other", W/{}', "*"])
def test_a_file_that_the_browser_has_is_not_sent_again(tag: str) -> None:
    url, client = static("chat/page.js"), Client()
    known = {**GZIP, "If-None-Match": tag.format(client.head(url)["ETag"])}
    assert client.get(url, headers=known).status_code == 304
    other = {**GZIP, "If-None-Match": '"other"'}
    assert client.get(url, headers=other).status_code == 200


def test_a_part_of_a_file_is_not_compressed() -> None:
    url, client = static("chat/page.js"), Client()
    asked = {**GZIP, "Range": "bytes=300-899"}
    status, content, _ = answer_at(url, client, **asked)
    assert (status, content) == (206, FILE.read_bytes()[300:900])
    answer = client.head(url, headers=asked)
    assert "Content-Encoding" not in answer
    assert answer["Content-Range"].startswith("bytes 300-899/")
    assert answer["Vary"] == "Accept-Encoding"


@pytest.mark.usefixtures("_is_new")
def test_a_file_may_be_without_a_time(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path, False
    file = tmp_path / "a.js"
    file.write_text("one " * 100)
    os.utime(file, (0, 0))  # as in images whose builds can be repeated
    _, content, caching = answer_at(static("a.js"), **GZIP)
    assert gzip.decompress(content) == file.read_bytes()
    assert "immutable" in caching


@pytest.mark.usefixtures("_is_new")
def test_a_file_that_was_replaced_is_not_the_one_that_was_compressed(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path, False
    file = tmp_path / "a.js"
    file.write_text("one " * 100)
    url, client = static("a.js"), Client()
    assert gzip.decompress(answer_at(url, client, **GZIP)[1]) == b"one " * 100
    file.write_text("two, which is longer " * 100)
    _, content, caching = answer_at(url, client, **GZIP)
    assert (gzip.decompress(content), caching) == (file.read_bytes(), "no-store")


@pytest.mark.usefixtures("_is_new")
def test_a_name_may_have_any_bytes(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    (tmp_path / os.fsdecode(b"\xff.js")).touch()
    assert version()
    assert VersionedStaticFilesMiddleware(lambda _: HttpResponse()).files


def test_urls_have_no_version_while_files_change(settings: Settings) -> None:
    settings.DEBUG = True
    assert static("chat/page.js") == "/static/chat/page.js"


def test_modules_import_each_other_by_relative_urls() -> None:
    """So that all come from the folder of one version."""
    for path in FILE.parent.glob("*.js"):
        found = re.findall(r'from "(.+?)"', path.read_text("utf-8"))
        assert all(name.startswith("./") for name in found), path
        assert all((FILE.parent / name).is_file() for name in found), path
