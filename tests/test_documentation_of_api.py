"""What docs/api.md says of calls, fields and error codes is what the code has."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client
from pydantic import BaseModel
from pytest_django.live_server_helper import LiveServer

from chat.accounts.api_keys import make_key
from chat.accounts.data_export import export_user
from chat.api.schemas import MessageData, ReplyData, ReplyError, ReplyTimes
from chat.api.settings_data import ChosenSettings, EffectiveSettingsData
from chat.models import (
    ApiKey,
    BatchLine,
    Conversation,
    DeletedTurn,
    Message,
    PushSubscription,
    Reply,
    Session,
    User,
)
from chat.services.batches.batches import BatchRequest, begin_batch
from chat.services.batches.files import save_file
from chat.services.limits.rules import PERSONAL, LimitKind
from chat.services.sharing.links import make_link
from chat.services.webhooks.endpoints import make_endpoint
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.api import operations
from tests.chat.conversation_data import long_conversation
from tests.documents import DOCUMENTS, rows_of
from tests.processes import ROOT, celery_worker

API = DOCUMENTS["docs/api.md"]


#: Codes of refusals that no call of the API can meet.
OF_PAGES_ALONE = {
    "invalid_subscription",
    "too_many_mails",
    "too_many_sign_ups",
}
#: Codes of batches, which docs/openai.md explains.
OF_BATCHES = {
    *("file_too_large", "empty_file", "too_many_files", "file_in_use"),
    *("too_many_batches", "batch_unfinished"),
}


def test_every_call_of_the_api_is_documented() -> None:
    called = {
        f"{call.method} /api/v1/{call.path.replace('<uuid:pk>', '<id>')}"
        for call in operations.CALLS
    }
    assert {cell.strip("`") for cell, _ in rows_of(API, "Calls")} == called


@pytest.mark.parametrize(
    ("heading", "shapes"),
    [
        ("A reply", (ReplyData, ReplyTimes, ReplyError)),
        ("A message", (MessageData,)),
        ("Settings", (ChosenSettings, EffectiveSettingsData)),
    ],
)
def test_every_field_is_documented(
    heading: str, shapes: tuple[type[BaseModel], ...]
) -> None:
    names = {name for shape in shapes for name in shape.model_fields}
    assert len(names) > 8
    documented = " ".join(" ".join(row) for row in rows_of(API, heading))
    assert {name for name in names if f"`{name}`" not in documented} == set()


#: What is called with the code of an error.
RAISED = {"ApiError", "MessageRefused", "TitleRefused", "_admit"}


def codes_in(module: ast.Module) -> Iterator[str]:
    """What a module gives as the code of an error: in the call of the exception, as the
    first of what a function returns, or under the name ``code``."""
    for node in ast.walk(module):
        values: list[ast.expr] = []
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in RAISED:
                values = node.args
            case ast.Return(value=ast.Tuple(elts=[first, *_])):
                values = [first]
            case ast.Assign(targets=[ast.Name(id="code")]):
                values = [node.value]
        for value in values:
            either = [value.body, value.orelse] if isinstance(value, ast.IfExp) else []
            for one in either or [value]:
                said = one.value if isinstance(one, ast.Constant) else None
                if isinstance(said, str) and re.fullmatch("[a-z]+(_[a-z]+)*", said):
                    yield said


def error_codes() -> set[str]:
    """Every code that a call of the API may be answered with."""
    raising = ("ApiError(", "MessageRefused(")
    sources = [path.read_text() for path in (ROOT / "chat").rglob("*.py")]
    raised = [ast.parse(text) for text in sources if any(r in text for r in raising)]
    codes = {code for module in raised for code in codes_in(module)}
    # How many may wait has codes of its own.
    limits = {str(kind) for kind in PERSONAL if kind is not LimitKind.REPLIES_WAITING}
    whose = {f"{of}_{one}" for of in ("network", "key") for one in limits}
    of_site = {"copied_per_day", "network_copied_per_day", "imports_per_day"}
    return (codes | limits | whose | of_site) - OF_PAGES_ALONE - OF_BATCHES


def test_every_error_code_has_a_sentence_of_its_own() -> None:
    rows = rows_of(API, "Errors")
    sentences = [row[2] for row in rows]
    assert {row[1].strip("`") for row in rows} == error_codes()
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_every_error_code_of_batches_is_explained() -> None:
    text = DOCUMENTS["docs/openai.md"]
    missing = {code for code in OF_BATCHES if f"`{code}`" not in text}
    assert missing == {"batch_unfinished"}  # only the page deletes batches


def test_every_reason_of_a_failure_has_a_sentence_of_its_own() -> None:
    rows = rows_of(API, "Why a reply failed")
    assert {row[0].strip("`") for row in rows} == {str(one) for one in wire.ErrorCode}
    assert len({row[1] for row in rows}) == len(rows)


def downloaded(owner: User) -> str:
    conversation = Conversation.objects.create(owner=owner, title="Bees")
    session = Session.objects.create(
        session_key="k", user=owner, expire_date="2999-01-01T00:00:00Z"
    )
    address = "https://push.example/secret"
    PushSubscription.objects.create(owner=owner, session=session, endpoint=address)
    message = Message.objects.create(
        conversation=conversation, owner=owner, role=wire.Role.ASSISTANT
    )
    Reply.objects.create(message=message, model="gpt2", seed=1)
    turn = DeletedTurn(conversation=conversation, message=message.pk, asked=[])
    turn.replies, turn.followers = [], {}
    turn.keep([message])
    turn.save()
    make_key(owner, "a program")
    file = save_file(owner, "calls.jsonl", 2, [b"{}"])
    batch = begin_batch(owner, BatchRequest(file))
    BatchLine.objects.create(batch=batch, number=1, custom_id="a", body="{}")
    make_endpoint(owner, url="https://example.org/", events=["reply.done"])
    make_link(long_conversation(owner, 2))
    return "".join(export_user(owner))


def objects_in(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield from objects_in(one)


@pytest.mark.django_db
def test_every_column_is_in_the_download_or_named_as_not() -> None:
    heading = "The download of a user's data"
    rows = rows_of(DOCUMENTS["docs/accounts.md"], heading)
    models = {one.__name__: one for one in apps.get_app_config("chat").get_models()}
    assert {row[0] for row in rows} == set(models)
    owner = User.objects.create_user("ada", "a long password")
    keys = {key for one in objects_in(json.loads(downloaded(owner))) for key in one}
    for name, inside, outside in rows:
        meta = models[name]._meta
        columns = {field.name for field in (*meta.fields, *meta.many_to_many)}
        given = re.findall(r"`(\w+)`(?: \(`(\w+)`\))?", inside)
        left_out = set(re.findall(r"`(\w+)`", outside))
        assert {column for column, _ in given} | left_out >= columns, name
        assert {column for column, _ in given} <= columns, name
        assert {other or column for column, other in given} <= keys, name


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_the_example_for_programs_runs(
    live_server: LiveServer, box: Mailbox, tmp_path: Path
) -> None:
    block = API.split("<!-- A test runs this block. -->")[1].split("```")[1]
    script = block.removeprefix("sh\n").replace(
        "http://127.0.0.1:8000", live_server.url
    )
    with celery_worker():
        done = subprocess.run(
            ["bash", "-eu", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.count('"state"') == 3
    assert '"error":null' in done.stdout


@pytest.mark.django_db(transaction=True)
def test_the_example_with_a_key_runs(live_server: LiveServer, box: Mailbox) -> None:
    block = API.split("<!-- A test runs this block with a key. -->")[1].split("```")[1]
    script = block.removeprefix("sh\n").replace(
        "http://127.0.0.1:8000", live_server.url
    )
    _, secret = make_key(User.objects.create_user("ada", None), "a program")
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        env={**os.environ, "CHATSITE_KEY": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["state"] == "queued"


def blocks_of(text: str) -> list[str]:
    """The examples of a document, without their fences."""
    found = re.findall(r"^(`{3,})\w*\n(.*?)^\1$", text, re.DOTALL | re.MULTILINE)
    return [block for _, block in found]


def test_every_example_has_a_test() -> None:
    """The first two have theirs above, the others below."""
    begins = ["curl", "curl", ".venv/bin/python manage.py api_key", "```py title", "{"]
    blocks = blocks_of(API)
    assert len(blocks) == len(begins)
    for block, begin in zip(blocks, begins, strict=True):
        assert block.startswith(begin)


@pytest.mark.django_db
def test_the_commands_for_keys_run(capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("ada", None)
    printed = ""
    for line in blocks_of(API)[2].splitlines():
        words = line.partition(" #")[0].split()[2:]
        values = {"NAME": "program", "USER": "ada", "KEY": printed.strip()[:12]}
        call_command(*(values.get(word, word) for word in words))
        said = capsys.readouterr().out
        printed = said if words[1] == "make" else printed
    assert ApiKey.objects.get(name="program").revoked_at is not None


@pytest.mark.django_db(transaction=True)
def test_the_example_of_an_attached_file_is_left_out_of_the_title(box: Mailbox) -> None:
    sent = Client().post(
        "/api/v1/messages",
        {"text": blocks_of(API)[3]},
        content_type="application/json",
    )
    assert sent.status_code == 202
    assert Conversation.objects.get().title == "What does this print?"


@pytest.mark.django_db(transaction=True)
def test_the_example_of_an_error_is_one(box: Mailbox) -> None:
    refused = Client().post(
        "/api/v1/messages", {"text": " "}, content_type="application/json"
    )
    assert refused.json() == json.loads(blocks_of(API)[4])
