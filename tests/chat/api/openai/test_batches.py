"""Batches: each line of a file is answered once, or has an error of its own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.api_keys import make_key, revoke
from chat.api.openai.batches import reader as batch_reader
from chat.api.openai.batches import runner
from chat.api.openai.batches.reader import TRIES, FileReader
from chat.api.openai.batches.runner import run_batches
from chat.api.openai.batches.validation import LINES_PER_STEP, validate
from chat.models import (
    ApiKey,
    Batch,
    BatchFile,
    BatchFilePiece,
    BatchLine,
    Conversation,
    LineState,
    Reply,
    User,
    WebhookDelivery,
)
from chat.models.webhook_endpoint import CHOSEN_EVENTS
from chat.services.batches.results import fail_unsent
from chat.services.webhooks.endpoints import make_endpoint
from chat.services.webhooks.payload import body_of
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.api.openai.batch_program import BatchProgram, Site, in_lines, line

pytestmark = pytest.mark.django_db(transaction=True)

#: Kinds of forms, and one that Django reads in part at least.
FORMS = ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded")
FORM = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--x--\r\n'
READ_SECONDS = 60
THREE = in_lines([line("a"), line("b", n=2), line("c", "And wax?")])


@pytest.fixture(autouse=True)
def _a_sweep_reads_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is: what it leaves to the next one is tested by a clock."""
    monkeypatch.setattr(batch_reader, "READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr(runner, "GIVE_UP_SECONDS", READ_SECONDS)


@pytest.fixture
def key(account: User) -> tuple[ApiKey, str]:
    return make_key(account, "a program", can_batch=True)


@pytest.fixture
def batches(key: tuple[ApiKey, str], box: Mailbox) -> BatchProgram:
    return BatchProgram(key[1])


@pytest.fixture
def site(box: Mailbox) -> Site:
    return Site(box)


def test_every_line_is_answered(batches: BatchProgram, site: Site) -> None:
    answer = batches.begin(THREE, metadata={"for": "tests"})
    begun = answer.json()
    assert (begun["status"], begun["object"]) == ("validating", "batch")
    site.keeper.sweep()
    pk = begun["id"]
    assert batches.state(pk)["status"] == "in_progress"
    assert site.answer_all() == 4
    over = batches.state(pk)
    assert over["status"] == "completed"
    assert over["request_counts"] == {"total": 3, "completed": 3, "failed": 0}
    assert over["metadata"] == {"for": "tests"}
    assert over["error_file_id"] is None
    results = batches.results(pk)
    assert [one["custom_id"] for one in results] == ["a", "b", "c"]
    response = results[1]["response"]
    assert (response["status_code"], results[1]["error"]) == (200, None)
    choices = response["body"]["choices"]
    assert [one["message"]["content"] for one in choices] == ["Honey."] * 2
    assert len({one["id"] for one in results}) == 3


def test_webhooks_are_told_of_the_end_of_a_batch_and_of_no_line(
    batches: BatchProgram, site: Site, account: User, key: tuple[ApiKey, str]
) -> None:
    url, wanted = "https://example.org/", [*CHOSEN_EVENTS]
    make_endpoint(account, url=url, events=wanted, api_key=key[0])
    make_endpoint(account, url=url, events=["reply.done"])
    pk = batches.batch(THREE)
    site.answer_all()
    told = WebhookDelivery.objects.get()
    assert told.type == "batch.completed"
    said, seen = json.loads(body_of(told))["data"], batches.state(pk)
    assert said == {name: seen[name] for name in ("id", "status", "request_counts")}
    told.delete()
    batches.begin(b"no line")
    site.keeper.sweep()
    site.keeper.sweep()
    assert WebhookDelivery.objects.get().type == "batch.failed"


def test_a_body_that_is_refused_fails_its_line_alone(
    batches: BatchProgram, site: Site
) -> None:
    wrong = line("wrong", temperature="warm")
    pk = batches.batch(in_lines([wrong, line("right"), line("streamed", stream=True)]))
    site.answer_all()
    counts = {"total": 3, "completed": 1, "failed": 2}
    assert batches.state(pk)["request_counts"] == counts
    assert [one["custom_id"] for one in batches.results(pk)] == ["right"]
    first, second = batches.results(pk, "error")
    assert first["response"]["status_code"] == 400
    assert first["response"]["body"]["error"]["param"] == "temperature"
    assert second["response"]["body"]["error"]["param"] == "stream"


def test_a_line_at_which_the_server_fails_fails_alone(
    batches: BatchProgram, site: Site
) -> None:
    pk = batches.begin(in_lines([line("wrong"), line("right")])).json()["id"]
    list(validate(Batch.objects.get()))
    BatchLine.objects.filter(custom_id="wrong").update(body="no JSON")
    site.keeper.sweep()
    site.answer_all()
    counts = {"total": 2, "completed": 1, "failed": 1}
    state = batches.state(pk)
    assert (state["status"], state["request_counts"]) == ("completed", counts)
    assert [one["custom_id"] for one in batches.results(pk, "error")] == ["wrong"]


def test_a_batch_whose_file_fails_again_and_again_ends_with_an_error(
    batches: BatchProgram, site: Site
) -> None:
    pk, reader = batches.begin(THREE).json()["id"], FileReader()
    BatchFilePiece.objects.update(number=7)
    for _ in range(TRIES):
        assert batches.state(pk)["status"] == "validating"
        reader.read()
    state = batches.state(pk)
    (error,) = state["errors"]["data"]
    assert (state["status"], error["code"]) == ("failed", "unreadable_file")
    assert "tell the operator" in error["message"]


def test_a_batch_that_fails_holds_up_no_other(
    batches: BatchProgram,
    site: Site,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = batches.begin(THREE).json()["id"]
    BatchFilePiece.objects.update(number=7)
    other = User.objects.create_user("other", None)
    program = BatchProgram(make_key(other, "theirs", can_batch=True)[1])
    pk = program.batch(THREE)
    site.answer_all()
    assert program.state(pk)["status"] == "completed"
    assert batches.state(broken)["status"] == "validating"
    assert "not read: DoesNotExist" in caplog.text


def test_a_reply_that_fails_is_an_error(batches: BatchProgram, site: Site) -> None:
    pk = batches.batch(in_lines([line("a")]))
    site.answer_all("", wire.Outcome.FAILED)
    (failed,) = batches.results(pk, "error")
    assert failed["response"]["status_code"] == 500
    assert batches.state(pk)["status"] == "completed"


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line("a"), b"{not json"], "invalid_json_line", 2),
        ([b"[]"], "invalid_json_line", 1),
        ([{**line("a"), "custom_id": ""}], "missing_required_parameter", 1),
        ([line("a"), line("b"), line("a")], "duplicate_custom_id", 3),
        ([{**line("a"), "url": "/v1/embeddings"}], "mismatched_url", 1),
        ([{**line("a"), "method": "GET"}], "invalid_method", 1),
        ([{**line("a"), "body": None}], "missing_required_parameter", 1),
        ([{**line("a"), "more": 1}], "invalid_value", 1),
        ([{**line("a"), "\ud800\x00": 1}], "invalid_value", 1),
        ([line("a\ud800")], "invalid_custom_id", 1),
        ([line("a\x00")], "invalid_custom_id", 1),
        ([b""], "empty_file", None),
        ([line("a"), line("b"), line("c"), line("d")], "too_many_lines", 4),
    ],
)
def test_a_wrong_file_fails_the_batch(
    lines: list[Any],
    code: str,
    number: int | None,
    batches: BatchProgram,
    settings: Settings,
) -> None:
    settings.BATCH_LINES_MAX = 3
    state = batches.state(batches.batch(in_lines(lines)))
    assert (state["status"], state["request_counts"]["total"]) == ("failed", 0)
    (error,) = state["errors"]["data"]
    assert (error["code"], error["line"]) == (code, number)
    assert not BatchLine.objects.exists()


def test_lines_wait_behind_people_and_take_no_place_of_theirs(
    batches: BatchProgram,
    account: User,
    sent: Callable[..., Reply],
    settings: Settings,
    box: Mailbox,
) -> None:
    settings.ACCOUNT_REPLIES_WAITING = 1
    settings.QUEUE_REPLIES_MAX = 1
    batches.batch(THREE)
    message = sent(account, "Me first")
    claim = box.claim("scripted", "w", 60)
    assert claim is not None
    assert claim.reply == str(message.pk)


def test_a_quarter_of_a_day_stays_for_the_owners_messages(
    batches: BatchProgram, settings: Settings, site: Site
) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = 4
    pk = batches.batch(in_lines([line(str(number)) for number in range(6)]))
    assert site.answer_all() == 3
    assert site.answer_all() == 0
    assert batches.state(pk)["status"] == "in_progress"


def test_owners_share_what_is_sent_ahead(
    batches: BatchProgram, settings: Settings, box: Mailbox
) -> None:
    settings.BATCH_LINES_AHEAD = 4
    other = User.objects.create_user("other", None)
    many = in_lines([line(str(number)) for number in range(9)])
    program = BatchProgram(make_key(other, "theirs", can_batch=True)[1])
    batches.begin(many)
    program.begin(many)
    run_batches()
    of_owner = [
        BatchLine.objects.filter(batch__owner=owner, state="sent").count()
        for owner in (other, User.objects.get(username="writer"))
    ]
    assert of_owner == [2, 2]
    owners = [
        Reply.objects.get(pk=claim.reply).message.owner_id
        for claim in (box.claim("scripted", "w", 60) for _ in range(2))
        if claim
    ]
    assert len({*owners}) == 2


def test_a_cancelled_batch_keeps_what_was_answered(
    batches: BatchProgram, site: Site, settings: Settings
) -> None:
    settings.BATCH_LINES_AHEAD = 1
    pk = batches.batch(in_lines([line("a"), line("b"), line("c")]))
    site.answer_all()
    answer = batches.ask("POST", f"batches/{pk}/cancel").json()
    assert answer["status"] == "cancelling"
    site.keeper.sweep()
    site.keeper.sweep()
    state = batches.state(pk)
    assert state["status"] == "cancelled"
    assert state["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    assert [one["custom_id"] for one in batches.results(pk)] == ["a"]
    errors = batches.results(pk, "error")
    assert [one["error"]["code"] for one in errors] == ["batch_cancelled"] * 2
    assert site.waiting() == 0
    again = batches.ask("POST", f"batches/{pk}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "batch_over")


def test_a_line_that_is_sent_while_its_batch_is_cancelled_gets_its_own_result(
    batches: BatchProgram, site: Site
) -> None:
    pk = batches.batch(in_lines([line("a"), line("b")]))
    batch, (sent, waiting) = Batch.objects.get(), BatchLine.objects.all()
    BatchLine.objects.filter(pk=waiting.pk).update(state=LineState.WAITING)
    fail_unsent(batch, [(sent, "{}"), (waiting, "{}")])
    found = BatchLine.objects.values_list("state", "result")
    assert list(found) == [(LineState.SENT, ""), (LineState.FAILED, "{}")]
    counts = batches.state(pk)["request_counts"]
    assert counts == {"total": 2, "completed": 0, "failed": 1}


def test_a_batch_expires(batches: BatchProgram, site: Site) -> None:
    pk = batches.batch(in_lines([line("a")]), completion_window="1h")
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    site.keeper.sweep()
    site.keeper.sweep()
    assert batches.state(pk)["status"] == "expired"
    (error,) = batches.results(pk, "error")
    assert error["error"]["code"] == "batch_expired"


def test_a_revoked_key_sends_no_more(
    batches: BatchProgram, key: tuple[ApiKey, str], site: Site, account: User
) -> None:
    pk = batches.batch(in_lines([line("a")]))
    revoke(key[0])
    site.keeper.sweep()
    site.keeper.sweep()
    other = BatchProgram(make_key(account, "another", can_batch=True)[1])
    assert other.state(pk)["status"] == "cancelled"


def test_a_line_whose_replies_were_erased_is_sent_again(
    batches: BatchProgram, site: Site, box: Mailbox
) -> None:
    pk = batches.batch(in_lines([line("a")]))
    box.erase([str(pk) for pk in Reply.objects.values_list("pk", flat=True)])
    Conversation.objects.all().delete()
    site.keeper.sweep()
    assert site.answer_all() == 1
    assert batches.state(pk)["status"] == "completed"


def test_results_are_written_once(batches: BatchProgram, site: Site) -> None:
    pk = batches.batch(in_lines([line("a")]))
    site.answer_all()
    one = BatchLine.objects.get()
    assert one.end("failed", "{}") is False
    assert batches.state(pk)["request_counts"]["failed"] == 0


def test_keepers_at_once_send_a_line_once(batches: BatchProgram, site: Site) -> None:
    for _ in range(3):
        batches.begin(THREE)
    with ThreadPoolExecutor() as keepers:
        for done in [keepers.submit(_sweep_elsewhere) for _ in range(3)]:
            done.result()
    run_batches()
    assert BatchLine.objects.count() == 9
    assert Reply.objects.count() == 12
    assert site.answer_all() == 12


def _sweep_elsewhere() -> None:
    try:
        run_batches()
    finally:
        connection.close()


def test_files_are_kept_listed_and_deleted(batches: BatchProgram) -> None:
    first = batches.upload(THREE).json()
    second = batches.upload(THREE).json()
    assert (first["object"], first["bytes"]) == ("file", len(THREE))
    assert first["filename"] == "calls.jsonl"
    page = batches.ask("GET", "files?limit=1&purpose=batch").json()
    assert (page["data"][0]["id"], page["has_more"]) == (second["id"], True)
    rest = batches.ask("GET", f"files?after={second['id']}").json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (
        [first["id"]],
        False,
    )
    content = batches.ask("GET", f"files/{first['id']}/content")
    assert b"".join(content.streaming_content) == THREE
    gone = batches.ask("DELETE", f"files/{first['id']}").json()
    assert gone == {"id": first["id"], "object": "file", "deleted": True}
    assert batches.ask("GET", f"files/{first['id']}").status_code == 404


def test_large_files_come_back_as_they_were(batches: BatchProgram) -> None:
    content = in_lines([line(str(number), "x" * 1000) for number in range(700)])
    file = batches.upload(content).json()["id"]
    answer = batches.ask("GET", f"files/{file}/content")
    assert b"".join(answer.streaming_content) == content
    pk = batches.batch(content)
    assert batches.state(pk)["request_counts"]["total"] == 700


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1 day"}, "completion_window"),
        ({"completion_window": "999h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {"a": "\ud800"}}, "metadata"),
        ({"metadata": {"\ud800": "a"}}, "metadata"),
        ({"metadata": {"a": "\0"}}, "metadata"),
        ({"output_expires_after": {"seconds": 1}}, "output_expires_after"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_wrong_batches_are_refused(
    fields: dict[str, Any], param: str, batches: BatchProgram
) -> None:
    answer = batches.begin(THREE, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_what_asks_for_nothing_is_no_reason_to_refuse(batches: BatchProgram) -> None:
    nothing = {"output_expires_after": None, "extra": {}}
    assert batches.begin(THREE, **nothing).status_code == 200


def test_a_batch_repeated_with_its_key_is_begun_once(
    batches: BatchProgram, settings: Settings
) -> None:
    settings.BATCHES_MAX = 1
    body = {
        "input_file_id": batches.upload(THREE).json()["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    first = batches.ask("POST", "batches", body, once="k").json()
    run_batches()
    assert batches.ask("DELETE", f"files/{body['input_file_id']}").json()["deleted"]
    again = batches.ask("POST", "batches", body, once="k").json()
    assert (again["id"], again["status"]) == (first["id"], "in_progress")
    other = batches.ask("POST", "batches", {**body, "metadata": {"a": "b"}}, once="k")
    assert (other.status_code, other.json()["error"]["code"]) == (400, "key_reused")
    wrong = batches.ask("POST", "batches", body, once="")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_key")
    assert Batch.objects.count() == 1


def test_a_file_repeated_with_its_key_is_kept_once(batches: BatchProgram) -> None:
    def send(content: bytes, once: str | None = "k", name: str = "a.jsonl") -> Any:
        file = SimpleUploadedFile(name, content)
        return batches.send({"purpose": "batch", "file": file}, once).json()

    first = send(THREE)
    assert send(THREE) == first
    for other in (send(THREE[::-1]), send(THREE, name="b.jsonl"), send(b"x")):
        assert other["error"]["code"] == "key_reused"
    assert send(THREE, once="")["error"]["code"] == "bad_key"
    assert BatchFile.objects.count() == 1
    assert send(THREE, once="another")["id"] != first["id"]
    assert send(THREE, once=None)["id"] != first["id"]


def test_an_account_has_so_many_files_and_batches(
    batches: BatchProgram, settings: Settings
) -> None:
    settings.BATCHES_MAX = 1
    settings.BATCH_FILES_MAX = 2
    batches.begin(THREE)
    assert batches.begin(THREE).json()["error"]["code"] == "too_many_batches"
    assert batches.upload(THREE).json()["error"]["code"] == "too_many_files"


def test_files_that_are_no_files_are_refused(
    batches: BatchProgram, settings: Settings
) -> None:
    assert batches.upload(THREE, purpose="fine-tune").json()["error"]["param"] == (
        "purpose"
    )
    assert batches.upload(b"").json()["error"]["code"] == "empty_file"
    settings.BATCH_FILE_MAX_BYTES = 10
    assert batches.upload(THREE).json()["error"]["code"] == "file_too_large"
    assert batches.ask("POST", "files", {"purpose": "batch"}).status_code == 400


@pytest.mark.parametrize(
    ("field", "param"),
    [("expires_after[seconds]", "expires_after"), ("lines", "lines"), ("a", "a")],
)
def test_a_form_with_an_unknown_field_is_refused_by_its_name(
    batches: BatchProgram, field: str, param: str
) -> None:
    value = SimpleUploadedFile("b", THREE) if field == "a" else "3600"
    answer = batches.send(
        {"purpose": "batch", "file": SimpleUploadedFile("f", THREE), field: value}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert batches.upload(THREE, lines="").status_code == 200


def test_forms_that_cannot_be_read_are_refused(batches: BatchProgram) -> None:
    fields = {f"field{number}": "x" for number in range(3000)}
    assert batches.upload(THREE, **fields).status_code == 400
    files = [SimpleUploadedFile("a", b"x") for _ in range(150)]
    assert batches.send({"purpose": "batch", "file": files}).status_code == 400
    for charset in ("base64", "latin-1"):
        for kind in FORMS:
            answer = batches.send_raw(FORM, f"{kind}; charset={charset}")
            assert answer.status_code == 400, answer.content


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=-1", "limit=000001", "limit=10001", "limit=\u0661"),
        *(f"limit={'9' * 5000}", f"limit=00001{'9' * 5000}", "order=up"),
        *("purpose=%00", "purpose=a%00"),
        "&".join(f"a{number}=1" for number in range(3000)),
    ],
    ids=lambda query: query[:20],
)
def test_wrong_questions_for_lists_are_refused(
    query: str, batches: BatchProgram
) -> None:
    assert batches.ask("GET", f"files?{query}").status_code == 400
    if not query.startswith("purpose"):
        assert batches.ask("GET", f"batches?{query}").status_code == 400


def test_old_batches_are_erased(batches: BatchProgram, site: Site) -> None:
    batches.batch(in_lines([line("a")]))
    site.answer_all()
    Batch.objects.update(expires_at=timezone.now() - timedelta(days=31))
    _new_keepers_sweep(site)
    assert not Batch.objects.exists()
    assert not BatchLine.objects.exists()


def _new_keepers_sweep(site: Site) -> None:
    for _ in range(3):
        type(site.keeper)().sweep()


def test_a_large_file_is_read_in_many_sweeps(
    batches: BatchProgram, account: User
) -> None:
    count = 3 * LINES_PER_STEP + 1
    large = batches.begin(in_lines([line(str(n)) for n in range(count)])).json()["id"]
    other = User.objects.create_user("other", None)
    program = BatchProgram(make_key(other, "theirs", can_batch=True)[1])
    small = program.begin(THREE).json()["id"]
    reader = FileReader(itertools.count(step=READ_SECONDS).__next__)
    for _ in range(6):
        run_batches(reader)
    assert program.state(small)["status"] == "in_progress"
    assert batches.state(large)["status"] == "validating"
    while batches.state(large)["status"] == "validating":
        run_batches(reader)
    assert batches.state(large)["request_counts"]["total"] == count
    assert BatchLine.objects.filter(batch__owner=account).count() == count


@pytest.mark.parametrize("sweeps", [0, 6])
def test_a_batch_that_is_cancelled_while_it_is_read_counts_what_was_read(
    sweeps: int, batches: BatchProgram
) -> None:
    content = in_lines([line(str(n)) for n in range(4 * LINES_PER_STEP)])
    pk = batches.begin(content).json()["id"]
    reader, late = (
        FileReader(itertools.count(step=READ_SECONDS).__next__) for _ in range(2)
    )
    for _ in range(sweeps):
        run_batches(reader)
        late.read()
    steps = validate(Batch.objects.get())
    for _ in range(sweeps):
        next(steps)
    assert batches.state(pk)["status"] == "validating"
    batches.ask("POST", f"batches/{pk}/cancel")
    list(steps)  # another keeper, which has not noticed
    while (state := batches.state(pk))["status"] == "cancelling":
        run_batches(reader)
    read = 2 * LINES_PER_STEP if sweeps else 0
    assert state["status"] == "cancelled"
    counts = {"total": read, "completed": 0, "failed": read}
    assert state["request_counts"] == counts
    names = [one["custom_id"] for one in batches.results(pk, "error")]
    assert names == [str(number) for number in range(read)]
