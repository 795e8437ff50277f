"""No template has words of its own: all are translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as site

from tests.chat.wording.page_texts import is_worded, texts_of
from tests.chat.wording.pseudo_language import spoken, untranslated

pytestmark = pytest.mark.django_db


FOLDER = Path(site.BASE_DIR, "templates")


#: Those of accounts have their own test, those of the admin have Django's texts.
ELSEWHERE = {*FOLDER.glob("accounts/*"), *FOLDER.glob("admin/**/*")}


TEMPLATES = sorted({*FOLDER.rglob("*.html")} - ELSEWHERE)


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    with spoken():
        yield


@pytest.mark.parametrize(
    ("html", "bare"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p>⟦Hello⟧ there</p>", ["⟦Hello⟧ there"]),
        ("<p>⟦Expected in ⟦5 s⟧.⟧ · 12 %</p>", []),
        ('<a aria-label="Close">×</a>', ["Close"]),
        ('<input placeholder="Message" title="⟦Title⟧">', ["Message"]),
        ("<textarea>typed</textarea><pre>code</pre><svg>drawn</svg>", []),
        ('<script>run()</script><script id="texts">{"a": "b c", "d": "Oh"}</script>',
         ["Oh"]),
        ("<title>⟦Settings⟧ · chatsite</title>", []),
    ],
)  # fmt: skip
def test_what_was_forgotten_is_found(html: str, bare: list[str]) -> None:
    assert untranslated(html, ["chatsite"]) == bare


def source_of(template: Path) -> str:
    """A template without what is put in, and without what is translated."""
    text = template.read_text()
    text = re.sub(r"{#.*?#}", "", text)
    text = re.sub(
        r"{%\s*blocktranslate.*?endblocktranslate\s*%}", "", text, flags=re.DOTALL
    )
    return re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER))
)
def test_no_template_says_anything_by_itself(template: Path) -> None:
    bare = [text.replace("chatsite", "") for text in texts_of(source_of(template))]
    assert [text for text in bare if is_worded(text)] == []
    # Words handed to a filter; `_("…")` is how they are translated.
    literal = r"\|(?:default|default_if_none|yesno):[\"']\w+|\|pluralize"
    assert re.findall(literal, template.read_text()) == []
