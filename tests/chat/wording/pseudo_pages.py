"""Pages in the pseudo language, checked for words that were not translated."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from chat.models import Reply
from chatsite.model_choice import current_catalog
from tests.chat.pages import text_of
from tests.chat.wording.pseudo_language import untranslated

HTMX = {"HX-Request": "true"}


#: Said as they are in every language.
NAMES = (
    "chatsite",
    *(entry.label for entry in current_catalog().models.values()),
    *dict(settings.LANGUAGES).values(),
)


def check(answer: Any, status: int = 200, *, names: tuple[str, ...] = NAMES) -> Any:
    """Its texts are translated; and it has some."""
    assert answer.status_code == status
    html = text_of(answer)
    assert "⟦" in html
    assert untranslated(html, names) == []
    return answer


def page_of(reply: Reply) -> str:
    return reverse("conversation", args=[reply.message.conversation_id])
