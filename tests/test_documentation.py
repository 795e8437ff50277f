"""The documents name what exists, leave nothing out, and their example runs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.urls import resolve
from pytest_django.live_server_helper import LiveServer

from chat.accounts.data_export import export_user
from chat.api import urls as api_urls
from chat.api.serializers import ReplyData, ReplyError, ReplyTimes
from chat.models import Conversation, Message, Reply, Session, User
from chat.services.limits.rules import PERSONAL, LimitKind
from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.settings_table import SETTINGS
from tests.processes import ROOT, celery_worker

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()
#: By path from the root. The changelog also names what is gone.
DOCUMENTS = {
    path: (ROOT / path).read_text()
    for path in TRACKED
    if path.endswith(".md") and path != "CHANGELOG.md" and (ROOT / path).exists()
}
PAGES = sorted(path for path in DOCUMENTS if path.startswith("docs/"))
ARCHITECTURE = DOCUMENTS["docs/architecture.md"]
API = DOCUMENTS["docs/api.md"]

#: Packages within a folder that the layout names.
NOT_IN_THE_LAYOUT = {"chat/management/commands/", "bench/peers/"}
FOLDERS = sorted({path.split("/")[0] for path in TRACKED if "/" in path})
#: The end of what names a file of this repository wherever it stands.
OWN_FILE = re.compile(r"[\w./*-]+\.(?:py|lua|html|css|js|acl|sh|yml|toml|svg|png)\b")

#: What documents name in the same letters, and is no setting.
OTHER_VARIABLES = {
    "ADMIN_NAME",
    "ADMIN_PASSWORD",
    "CONTENT_SECURITY_POLICY",
    "PR_SET_PDEATHSIG",
    "SAMPLING_SETTINGS",
    "SCRIPT_NAME",
    "TEST_DATABASE",
}

#: Codes of refusals that no call of the API can meet.
OF_PAGES_ALONE = {
    "bad_count",  # several replies at once are asked for on the page alone
    "gone",  # a sent message is changed on the page alone
    "too_many_mails",
    "too_many_sign_ups",
    "unknown_model",  # so is a reply made again as it was
}


def code_in(text: str) -> list[str]:
    """What a document writes as code: its blocks, and its spans."""
    blocks = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"(?sm)^```.*?^```", "", text))
    return blocks + spans


def rows_of(text: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its own heading."""
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]
    ]


def anchors_of(text: str) -> set[str]:
    """The anchors of a document's headings, as the code host makes them."""
    text = re.sub(r"(?sm)^```.*?^```", "", text)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


# What exists.


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", DOCUMENTS[document]):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        assert found.exists(), target
        if anchor:
            name = str(found.relative_to(ROOT))
            assert anchor in anchors_of(DOCUMENTS[name]), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_in_a_document_exists(document: str) -> None:
    folder = "|".join(map(re.escape, FOLDERS))
    text = DOCUMENTS[document]
    in_folders = re.findall(rf"(?<![\w./<-])(?:{folder})/[\w./*-]*", text)
    missing = [
        path for path in in_folders if not any(ROOT.glob(path.rstrip("./") or "."))
    ]
    assert missing == []
    names = {name for code in code_in(text) for name in OWN_FILE.findall(code)}
    own = [name for name in names if "*" not in name and not name.startswith("/")]
    ends = tuple(f"/{path}" for path in TRACKED)
    assert [name for name in own if not any(e.endswith(f"/{name}") for e in ends)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_a_document_exists(document: str) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    commands = set(get_commands())
    for code in code_in(DOCUMENTS[document]):
        for target in re.findall(r"(?:^|\s)make (?:-s )?([a-z-]+)", code):
            assert target in targets, f"make {target}"
        for command in re.findall(r"manage\.py (\w+)", code):
            assert command in commands, f"manage.py {command}"
        for module in re.findall(r"-m ((?:bench|launch|tests|worker)[\w.]*)", code):
            path = ROOT / module.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").exists(), module


def test_every_setting_that_a_document_names_exists() -> None:
    known = {*SETTINGS, *OTHER_VARIABLES}
    for document, text in DOCUMENTS.items():
        if document == "docs/settings.md":  # names the earlier names, too
            continue
        spans = re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", text)
        named = {one for one in spans if not one.startswith("CHAOS_")}
        assert named - known == set(), document


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_name_of_code_in_a_document_exists(document: str) -> None:
    code = (".py", ".lua", ".html", ".js", "Makefile")
    sources = [ROOT / path for path in TRACKED if path.endswith(code)]
    words = set(re.findall(r"\w+", "\n".join(path.read_text() for path in sources)))
    spans = re.findall(r"`([A-Za-z_]+(?:\.\w+)*)(?:\(\))?`", DOCUMENTS[document])
    names = [one for one in spans if not OWN_FILE.fullmatch(one)]
    assert len(names) > 5
    assert [one for one in names if not words.issuperset(one.split("."))] == []


def test_every_document_that_the_code_names_exists() -> None:
    for path in TRACKED:
        if path.endswith((".py", ".yml", ".sh", ".acl", ".toml", "Makefile", ".env")):
            text = (ROOT / path).read_text() if (ROOT / path).exists() else ""
            for page in re.findall(r"\bdocs/[\w-]+\.md\b", text):
                assert (ROOT / page).exists(), f"{path} names {page}"


# What is left out.


def test_every_target_of_make_is_explained() -> None:
    targets = re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text())
    commands = [row[0] for row in rows_of(DOCUMENTS["CONTRIBUTING.md"], "Commands")]
    assert {f"`make {one}`" for one in targets} - set(commands) == set()


def test_every_page_stands_in_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", DOCUMENTS["README.md"]))
    assert set(PAGES) - linked == set()


@pytest.mark.parametrize("document", PAGES)
def test_every_page_begins_with_what_it_answers(document: str) -> None:
    assert "?" in DOCUMENTS[document].split("\n\n")[1]


def test_every_package_stands_in_the_architecture() -> None:
    layout = ARCHITECTURE.split("## Layout")[1].split("\n## ")[0]
    packages = {
        f"{folder.parent.relative_to(ROOT)}/"
        for top in ("bench", "chat", "chatsite", "launch", "worker")
        for folder in (ROOT / top).rglob("__init__.py")
    }
    assert len(packages) > 15
    assert {one for one in packages if f"`{one}`" not in layout} <= NOT_IN_THE_LAYOUT


def test_every_call_of_the_api_is_documented() -> None:
    routes = [str(one.pattern) for one in api_urls.urlpatterns]
    paths = {f"/api/v1/{re.sub('<.+?>', '<id>', one)}" for one in routes if one}
    documented = {cell.strip("`").split()[1] for cell, _ in rows_of(API, "Calls")}
    assert documented == paths
    for path in paths:
        assert resolve(path.replace("<id>", "0" * 32 + "")).app_name == "api"


def test_every_field_of_a_reply_is_documented() -> None:
    shapes = (ReplyData, ReplyTimes, ReplyError)
    names = {name for shape in shapes for name in shape.__annotations__}
    assert len(names) > 10
    documented = " ".join(" ".join(row) for row in rows_of(API, "A reply"))
    assert {name for name in names if f"`{name}`" not in documented} == set()


def codes_in(module: ast.Module) -> Iterator[str]:
    """What a module gives as the code of an error: in the call of the exception, as the
    first of what a function returns, or under the name ``code``."""
    for node in ast.walk(module):
        values: list[ast.expr] = []
        match node:
            case ast.Call(func=ast.Name(id="ApiError" | "MessageRefused" | "_admit")):
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
    return (codes | limits | {f"network_{one}" for one in limits}) - OF_PAGES_ALONE


def test_every_error_code_has_a_sentence_of_its_own() -> None:
    rows = rows_of(API, "Errors")
    sentences = [row[2] for row in rows]
    assert {row[1].strip("`") for row in rows} == error_codes()
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_every_reason_of_a_failure_has_a_sentence_of_its_own() -> None:
    rows = rows_of(API, "Why a reply failed")
    assert {row[0].strip("`") for row in rows} == {str(one) for one in wire.ErrorCode}
    assert len({row[1] for row in rows}) == len(rows)


def downloaded(owner: User) -> str:
    conversation = Conversation.objects.create(owner=owner, title="Bees")
    Session.objects.create(
        session_key="k", user=owner, expire_date="2999-01-01T00:00:00Z"
    )
    message = Message.objects.create(
        conversation=conversation, owner=owner, role=wire.Role.ASSISTANT
    )
    Reply.objects.create(message=message, model="gpt2", seed=1)
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


# What runs.


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
    assert done.stdout.count('"state"') == 2
    assert '"error": null' in done.stdout
