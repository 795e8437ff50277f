from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.models import ConversationImport, ImportStatus, User
from chat.services.imports.imports import begin_import, confirm_import
from chat.services.imports.runner import ImportRunner


def run(of_import: ConversationImport, runner: ImportRunner | None = None) -> None:
    """As many sweeps as the import needs."""
    runner = runner or ImportRunner()
    before = of_import.status
    while of_import.status == before:
        runner.run()
        of_import.refresh_from_db()


@pytest.fixture
def read(owner: User) -> Callable[..., ConversationImport]:
    """Send a file, and have it read."""

    def sent(content: bytes, owner: User = owner) -> ConversationImport:
        made = begin_import(owner, "conversations.json", len(content), [content])
        run(made)
        return made

    return sent


@pytest.fixture
def imported(
    read: Callable[..., ConversationImport],
) -> Callable[..., ConversationImport]:
    """Send a file, and import all that is in it."""

    def done(content: bytes, **more: User) -> ConversationImport:
        made = read(content, **more)
        if made.status == ImportStatus.READY and confirm_import(made):
            run(made)
        return made

    return done
