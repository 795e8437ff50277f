from __future__ import annotations

import pytest

from chat.models import Message, Reply, User
from chat.services.exports.markdown import conversation_markdown
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db


def test_the_path_shown_is_written_with_authors_and_times(owner: User) -> None:
    conversation = long_conversation(owner, 3)
    conversation.title, conversation.instructions = (
        "Bees\n# and wax",
        "Be brief.\nAlways",
    )
    Message.objects.update(created_at="2026-11-30T12:05:00Z")
    assert "".join(conversation_markdown(conversation)) == (
        "# Bees # and wax\n\n> Be brief.\n> Always\n"
        "\n## You · 2026-11-30 12:05\n\nprompt 0\n"
        "\n## scripted · 2026-11-30 12:05\n\nreply 1\n"
        "\n## You · 2026-11-30 12:05\n\nprompt 2\n"
    )


def test_a_reply_that_did_not_end_by_itself_says_so(owner: User) -> None:
    conversation = long_conversation(owner, 2)
    for state, said in (
        ("failed", "*The reply failed.*"),
        ("stopped", "*The reply was stopped.*"),
        ("held", "*The reply is not finished.*"),
    ):
        Reply.objects.update(state=state)
        assert "".join(conversation_markdown(conversation)).endswith(f"\n\n{said}\n")


def test_messages_keep_their_order_over_many_reads(owner: User) -> None:
    text = "".join(conversation_markdown(long_conversation(owner, 250)))
    places = [
        text.index(f"\n{who} {n}\n") for n, who in enumerate(("prompt", "reply") * 125)
    ]
    assert places == sorted(places)
