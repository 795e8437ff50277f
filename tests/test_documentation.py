"""The documentation names what exists, and its example runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from chatsite.mailbox import Mailbox
from tests.processes import ROOT, celery_worker

README = (ROOT / "README.md").read_text()
DEFENCE = (ROOT / "docs" / "security.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


#: Part of a folder that the layout names.
NOT_IN_THE_LAYOUT = {"chat/management/commands/", "bench/peers/"}


def settings_read() -> set[str]:
    """Every variable that the settings and the launcher read."""
    sources = [ROOT / "chatsite" / "settings.py", *(ROOT / "launch").glob("*.py")]
    call = re.compile(r"env\.\w+\(\s*\"([A-Z_]+)\"")
    return {name for source in sources for name in call.findall(source.read_text())}


def test_every_setting_stands_in_the_readme() -> None:
    table = README.split("## Settings")[1].split("## Scale it")[0]
    assert len(settings_read()) > 20
    assert settings_read() - set(re.findall(r"`([A-Z_]+)`", table)) == set()


def test_every_package_stands_in_the_architecture() -> None:
    layout = ARCHITECTURE.split("## Layout")[1].split("\n## ")[0]
    packages = {
        f"{folder.parent.relative_to(ROOT)}/"
        for top in ("bench", "chat", "chatsite", "launch", "worker")
        for folder in (ROOT / top).rglob("__init__.py")
    }
    assert len(packages) > 15
    assert {one for one in packages if f"`{one}`" not in layout} <= NOT_IN_THE_LAYOUT


@pytest.mark.parametrize(
    "text",
    [README, ARCHITECTURE, DEFENCE],
    ids=["readme", "architecture", "security"],
)
def test_every_file_a_document_links_to_exists(text: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        folder = ROOT if text is README else ROOT / "docs"
        assert (folder / target).exists(), target


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_the_example_for_programs_runs(
    live_server: LiveServer, box: Mailbox, tmp_path: Path
) -> None:
    block = README.split("<!-- A test runs this block. -->")[1].split("```")[1]
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
