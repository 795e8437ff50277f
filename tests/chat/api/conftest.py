"""What a worker does while a call of the API waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from chat.services.live.hub import hub


@pytest.fixture
def meanwhile(until: Callable[..., None]) -> Callable[[Callable[[], Any]], Future[Any]]:
    """Do something in another thread as soon as a call waits."""

    def do(act: Callable[[], Any]) -> Future[Any]:
        def act_then() -> Any:
            until(lambda: len(hub()))
            try:
                return act()
            finally:
                connections.close_all()  # those of this thread

        return ThreadPoolExecutor(1).submit(act_then)

    return do
