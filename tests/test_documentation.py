"""The documents name what exists, leave nothing out, and their example runs."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from chatsite.settings_table import SETTINGS
from tests.documents import DOCUMENTS, TRACKED, rows_of
from tests.processes import ROOT

PAGES = sorted(path for path in DOCUMENTS if path.startswith("docs/"))


ARCHITECTURE = DOCUMENTS["docs/architecture.md"]


#: Packages within a folder that the layout names.
NOT_IN_THE_LAYOUT = {
    "chat/management/commands/",
    "bench/peers/",
    "bench/system/",
    "bench/web/",
}


FOLDERS = sorted({path.split("/")[0] for path in TRACKED if "/" in path})


#: The end of what names a file of this repository wherever it stands.
OWN_FILE = re.compile(
    r"[\w./*-]+\.(?:py|c|h|lua|html|css|js|acl|sh|yml|toml|svg|png)\b"
)


#: What documents name in the same letters, and is no setting.
OTHER_VARIABLES = {
    "PAGE_VERSION",
    "ADMIN_NAME",
    "ADMIN_PASSWORD",
    "CALL_SETTINGS",
    "CHATSITE_API_KEY",
    "CHATSITE_INSTRUCTIONS",
    "CHATSITE_URL",
    "CONTENT_SECURITY_POLICY",
    "GLIBC_TUNABLES",
    "GRAFANA_PASSWORD",
    "OMP_WAIT_POLICY",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "PR_SET_PDEATHSIG",
    "SAMPLING_SETTINGS",
    "SCRIPT_NAME",
    "SITE_HOST",
    "TEST_DATABASE",
    "TEST_FORWARD",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
}


def code_in(text: str) -> list[str]:
    """What a document writes as code: its blocks, and its spans."""
    blocks = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"(?sm)^```.*?^```", "", text))
    return blocks + spans


def anchors_of(text: str) -> set[str]:
    """The anchors of a document's headings, as the code host makes them."""
    text = re.sub(r"(?sm)^```.*?^```", "", text)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


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


@pytest.mark.parametrize(
    "document", ["docs/architecture.md", "docs/engine.md", "CONTRIBUTING.md"]
)
def test_every_name_of_code_in_a_document_exists(document: str) -> None:
    code = (".py", ".lua", ".html", ".js", ".c", ".h", "Makefile")
    sources = [ROOT / path for path in TRACKED if path.endswith(code)]
    source = "\n".join(path.read_text() for path in sources)
    words, called = (
        set(re.findall(r"\w+", source)),
        set(re.findall(r"\w+(?=\()", source)),
    )
    spans = re.findall(r"`([A-Za-z_]+(?:\.\w+)*)(?:\(\))?`", DOCUMENTS[document])
    names = [one for one in spans if not OWN_FILE.fullmatch(one)]
    assert len(names) > 5
    assert [one for one in names if not words.issuperset(one.split("."))] == []
    calls = re.findall(r"`(?:\w+\.)*(\w+)\(\)`", DOCUMENTS[document])
    assert set(calls) <= called


def test_every_document_that_the_code_names_exists() -> None:
    for path in TRACKED:
        if path.endswith((".py", ".yml", ".sh", ".acl", ".toml", "Makefile", ".env")):
            text = (ROOT / path).read_text() if (ROOT / path).exists() else ""
            for page in re.findall(r"\bdocs/[\w-]+\.md\b", text):
                assert (ROOT / page).exists(), f"{path} names {page}"


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
