"""Every page and state that a person can meet.

A scene in one of the lists becomes part of the accessibility tests and of the
pictures.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.account_states import ACCOUNT_STATES
from tests.browser.conversation_states import CONVERSATION_STATES
from tests.browser.keeping_states import KEEPING_STATES
from tests.browser.stage import Stage

SCENES: dict[str, Callable[[Stage], None]] = {
    scene.__name__: scene
    for scene in (*CONVERSATION_STATES, *ACCOUNT_STATES, *KEEPING_STATES)
}
#: Scenes in a browser in which no script runs.
UNSCRIPTED = {"unscripted"}
