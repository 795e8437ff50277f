"""How templates are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as site
from django.template import Context, Template

from tests.dom import dom

FOLDER = Path(site.BASE_DIR, "templates")
LINE_CHARACTERS = 200


@pytest.mark.parametrize(
    "template",
    sorted(path for path in FOLDER.rglob("*") if path.is_file()),
    ids=lambda path: str(path.relative_to(FOLDER)),
)
def test_no_line_is_too_long_to_read(template: Path) -> None:
    lines = template.read_text().splitlines()
    assert [line for line in lines if len(line) > LINE_CHARACTERS] == []


def test_a_form_is_sent_to_one_address_with_htmx_and_without() -> None:
    template = Template("{% load words %}<form {% post_attributes url %}></form>")
    form = dom(template.render(Context({"url": '/r/1/stop/?a="b"&c'}))).one("form")
    assert form["action"] == form["hx-post"] == '/r/1/stop/?a="b"&c'
    assert form["hx-include"] == "#poller"
    assert form["hx-swap"] == "none"
