"""Pages are compressed for browsers that take it, each time to another length."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

ACCEPTS = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_compressed_and_whole(tab: Client) -> None:
    plain = tab.get("/")
    answer = tab.get("/", headers=ACCEPTS)
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Content-Length"] == str(len(answer.content))
    assert "Accept-Encoding" in answer["Vary"]
    assert "Accept-Encoding" in plain["Vary"]
    assert "Content-Encoding" not in plain
    whole = gzip.decompress(answer.content)
    assert whole.startswith(b"<!doctype html>")
    assert whole.rstrip().endswith(b"</html>")


def test_its_length_tells_nothing_of_its_text(tab: Client) -> None:
    assert len({tab.get("/missing").content for _ in range(3)}) == 1
    lengths = {len(tab.get("/missing", headers=ACCEPTS).content) for _ in range(30)}
    assert len(lengths) > 1


def test_what_is_short_stays_as_it_is(tab: Client) -> None:
    assert "Content-Encoding" not in tab.get("/healthz", headers=ACCEPTS)


@pytest.mark.parametrize("path", ["/", "/static/chat.css"])
@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("br, gzip;q=0", False), ("gzip; q=0.00, br", False), ("gzip;q=0.01", True)],
)
def test_a_browser_may_refuse_gzip(
    path: str, accepted: str, tab: Client, *, is_compressed: bool
) -> None:
    answer = tab.head(path, headers={"Accept-Encoding": accepted})
    assert ("Content-Encoding" in answer) is is_compressed
