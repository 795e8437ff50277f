"""Notes which conversations may get a better title than their first words."""

from __future__ import annotations

from django.conf import settings

from chat.models import Reply, TitleJob
from chat.models.conversation import title_from
from chat.services.effective_settings import catalog_entry
from chatsite import wire

#: A message of so few words is its own title, and no title has more.
WORDS_MAX = 6


def want_title(reply: Reply) -> None:
    """Note that the conversation of a first reply may get a better title.

    Call it in the transaction that ends the reply.
    """
    prompt = reply.message.parent
    conversation = reply.message.conversation
    if (
        settings.TITLES_BY_MODEL
        and reply.state == wire.State.DONE
        and prompt is not None
        and prompt.parent_id is None
        and not conversation.is_hidden
        and conversation.title == title_from(prompt.text)
        and len(prompt.text.split()) > WORDS_MAX
        and catalog_entry(reply.model).titles
    ):
        TitleJob.objects.get_or_create(conversation=conversation)
