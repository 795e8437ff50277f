"""The process beside a web process, which runs ``bench/web/inside.py``."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from bench.site import Checkout
from bench.web.browser import Request


class Inside:
    """Has a process in the environment of the site call functions."""

    def __init__(
        self, checkout: Checkout, environment: Mapping[str, str], url: str
    ) -> None:
        script = Path(__file__).with_name("inside.py")
        self._process = subprocess.Popen(
            [checkout.python, "-P", str(script), urlsplit(url).netloc],
            cwd=checkout.root,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._requests = cast(IO[str], self._process.stdin)
        self._answers = cast(IO[str], self._process.stdout)

    def call(self, name: str, *arguments: Any) -> Any:
        """Call one of its functions. Raises ``RuntimeError`` if it ends."""
        self._requests.write(json.dumps([name, arguments]) + "\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"the process beside the site failed at {name}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.communicate("")


def as_json(request: Request) -> dict[str, Any]:
    """A request as ``Inside`` takes it."""
    return {**asdict(request), "body": base64.b64encode(request.body).decode()}
