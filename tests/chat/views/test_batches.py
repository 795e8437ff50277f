"""The page of batches: send a file, see how far it is, download the answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat.models import Batch, BatchFile, User
from chatsite.mailbox import Mailbox
from tests.chat.api.openai.batch_program import Site, in_lines, line
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tab(db: None, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    return client_of(User.objects.create_user("bee", None))


@pytest.fixture
def site(box: Mailbox) -> Site:
    return Site(box)


def send(tab: Client, content: bytes) -> HttpResponse:
    file = SimpleUploadedFile("calls.jsonl", content)
    return tab.post("/batches/", {"file": file})


def test_a_file_is_sent_answered_and_downloaded(tab: Client, site: Site) -> None:
    answer = send(tab, in_lines([line("a"), line("b", temperature="x"), line("c")]))
    assert (answer.status_code, answer["Location"]) == (303, "/batches/?begun")
    batch = Batch.objects.get()
    row = f"/batches/{batch.pk}/"
    site.keeper.sweep()
    page = tab.get("/batches/?begun").content.decode()
    bar = dom(page).one("progress")
    assert (bar["max"], bar["value"]) == ("3", "1")
    assert f'hx-get="{row}"' in page
    site.answer_all()
    part = tab.get(row, headers={"HX-Request": "true"}).content.decode()
    assert "3 of 3 lines" in part
    assert "hx-get" not in part
    assert tab.get(row)["Location"] == "/batches/"
    output = tab.get(f"{row}output/")
    assert "attachment" in output["Content-Disposition"]
    found = b"".join(output.streaming_content).splitlines()
    assert [json.loads(one)["custom_id"] for one in found] == ["a", "c"]
    errors = b"".join(tab.get(f"{row}errors/").streaming_content)
    assert json.loads(errors)["custom_id"] == "b"
    assert tab.post(f"{row}delete/")["Location"] == "/batches/?deleted"
    assert not BatchFile.objects.exists()


def test_the_first_line_says_what_is_asked(tab: Client) -> None:
    body = {"model": "scripted", "prompt": "Bees"}
    url = "/v1/completions"
    send(
        tab, in_lines([{"custom_id": "a", "method": "POST", "url": url, "body": body}])
    )
    assert Batch.objects.get().endpoint == url


def test_a_refused_file_says_why(tab: Client, site: Site) -> None:
    send(tab, in_lines([line("a"), b"{"]))
    site.keeper.sweep()
    assert "Line 2: It is no JSON object." in tab.get("/batches/").content.decode()


def test_a_batch_is_cancelled(tab: Client, site: Site) -> None:
    send(tab, in_lines([line("a")]))
    pk = Batch.objects.get().pk
    assert tab.post(f"/batches/{pk}/delete/")["Location"] == "/batches/"
    assert tab.post(f"/batches/{pk}/cancel/")["Location"] == "/batches/?cancelled"
    site.keeper.sweep()
    assert Batch.objects.get().status == "cancelled"


def test_no_file_and_too_many_batches_are_refused(
    tab: Client, settings: Settings
) -> None:
    empty = tab.post("/batches/")
    assert (empty.status_code, b"Choose a file." in empty.content) == (422, True)
    settings.BATCHES_MAX = 1
    assert send(tab, b"{}\n").status_code == 303
    refused = send(tab, b"{}\n")
    assert (refused.status_code, b"the maximum" in refused.content) == (422, True)
    assert BatchFile.objects.count() == 1
    settings.BATCHES_MAX = 0
    assert b"takes no batches" in tab.get("/batches/").content


def test_a_file_that_the_server_did_not_read_is_named(
    owner: User, settings: Settings
) -> None:
    """Without its body there is no token either, but that is not what is wrong."""
    tab = Client(enforce_csrf_checks=True)
    tab.force_login(owner)
    length = {"CONTENT_LENGTH": str(settings.BATCH_FILE_MAX_BYTES + 70_000)}
    kind = "multipart/form-data; boundary=x"
    refused = tab.generic("POST", "/batches/", b"", kind, **length)
    page = refused.content.decode()
    assert (refused.status_code, "32.0\xa0MB" in page) == (413, True)
    assert "Split it into several files" in page
    assert tab.generic("POST", "/send/", b"", kind, **length).status_code == 403


def test_guests_are_told_that_accounts_have_batches(
    client: Client, db: None, box: Mailbox
) -> None:
    assert b"Guests have no batches." in client.get("/batches/").content
    assert client.post("/batches/").status_code == 303
