"""Stores texts in the database of the served site, as if a worker had written them.

Rows are copies of rows that the site made, so that a new column needs no change here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from playwright.sync_api import Page

from chat.text_cleanup import as_lines, without_blank_edges
from tests.browser.conftest import Worker, open_database
from tests.browser.user_actions import answered

TITLE_CHARACTERS = 200
PROMPT_CHARACTERS = 8000


def begin_shelf(page: Page, worker: Worker) -> StoredTexts:
    """Of the guest whose page it is, with a conversation of one turn that is open."""
    page.goto("/")
    answered(page, worker, "a first question", "and its answer")
    return StoredTexts(urlsplit(page.url).path.split("/")[2])


class StoredTexts:
    """Copies one conversation of one turn, which is there already."""

    def __init__(self, conversation: str) -> None:
        self._pk = UUID(conversation).hex
        self._now = datetime.now(UTC).replace(tzinfo=None)

    def put(self, word: str, outputs: Sequence[str]) -> UUID:
        """A conversation with a turn for each of ``outputs``; its prompts hold them,
        too, behind ``word``. Each also becomes the title of a conversation."""
        with closing(open_database()) as database, database:
            database.row_factory = sqlite3.Row
            for output in outputs:
                self._conversation(database, _plain(output)[:TITLE_CHARACTERS])
            conversation = self._conversation(database, f"{word} {outputs[0]}"[:200])
            leaf = None
            for output in outputs:
                said = f"{word} {_plain(output)}"[:PROMPT_CHARACTERS]
                leaf = self._turn(database, conversation, leaf, said, output)
            database.execute(
                "UPDATE chat_conversation SET active_leaf_id = ? WHERE id = ?",
                [leaf, conversation],
            )
        return UUID(conversation)

    def _conversation(self, database: sqlite3.Connection, title: str) -> str:
        chosen = {"title": title, "active_leaf_id": None, "updated_at": self._later()}
        where = "id = ?", self._pk
        return self._copy(database, "chat_conversation", where, **chosen)

    def _turn(
        self,
        database: sqlite3.Connection,
        conversation: str,
        parent: str | None,
        said: str,
        answer: str,
    ) -> str:
        chosen: dict[str, Any] = {
            "conversation_id": conversation,
            "created_at": self._later(),
        }
        of_role = "conversation_id = ? AND role = '{}'".format
        where = of_role("user"), self._pk
        chosen |= {"text": said, "parent_id": parent}
        prompt = self._copy(database, "chat_message", where, **chosen)
        where = of_role("assistant"), self._pk
        chosen |= {"text": answer.replace("\0", ""), "parent_id": prompt}
        message = self._copy(database, "chat_message", where, **chosen)
        where = (
            "message_id IN (SELECT id FROM chat_message WHERE conversation_id = ?)",
            self._pk,
        )
        self._copy(database, "chat_reply", where, key="message_id", message_id=message)
        return message

    def _copy(
        self,
        database: sqlite3.Connection,
        table: str,
        where: tuple[str, str],
        key: str = "id",
        **changed: Any,
    ) -> str:
        """Id of the copy."""
        condition, value = where
        query = f"SELECT * FROM {table} WHERE {condition} LIMIT 1"
        row = dict(database.execute(query, [value]).fetchone())
        row |= {key: uuid4().hex, **changed}
        marks = ", ".join("?" * len(row))
        names = ", ".join(row)
        database.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", [*row.values()]
        )
        return str(row[key])

    def _later(self) -> str:
        self._now += timedelta(milliseconds=1)
        return str(self._now)


def _plain(output: str) -> str:
    """As a title or a prompt is kept."""
    return without_blank_edges(as_lines(output)) or "x"
