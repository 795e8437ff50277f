"""Follows a reply to its end: by its id, so a lost connection loses nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from chatsite.cli.client import Client, quoted
from chatsite.cli.errors import CliError, Exit
from chatsite.cli.terminal import Terminal

#: How long one call waits for news; while a place is shown it is asked more often.
WAIT_SECONDS = 30
PLACE_SECONDS = 2
#: A server on which too many calls wait answers at once that nothing is new.
BUSY_SECONDS = 1
OVER = ("done", "stopped", "failed")


class Follower:
    """Writes the text of one reply as it grows, and the place in line before that."""

    def __init__(
        self,
        client: Client,
        terminal: Terminal,
        sent: dict[str, Any],
        *,
        is_streamed: bool,
    ) -> None:
        """``sent`` is the answer to the message."""
        self._client = client
        self._terminal = terminal
        self._path = f"/api/v1/replies/{sent['id']}"
        self._conversation: str = sent["conversation"]
        self._has_looked_for_workers = False
        self._is_streamed = is_streamed
        self._written = ""
        self._is_stopping = False

    def follow(self) -> dict[str, Any]:
        """Return the reply as it ended. Ctrl+C stops it; once more leaves it."""
        while True:
            try:
                return self._to_its_end()
            except KeyboardInterrupt:
                if self._is_stopping:
                    raise
                self._is_stopping = True
                self._terminal.say("\nStopping the reply …")
                self._client.post(f"{self._path}/stop", {}, once=None)

    @property
    def was_stopped(self) -> bool:
        """Whether Ctrl+C has stopped it."""
        return self._is_stopping

    def _to_its_end(self) -> dict[str, Any]:
        answer = self._client.get(self._path)
        reply: dict[str, Any] = answer.data
        while True:
            self._show(reply)
            if reply["state"] in OVER:
                return reply
            is_waiting = reply["place"] is not None and self._terminal.has_progress
            seconds = PLACE_SECONDS if is_waiting else WAIT_SECONDS
            asked = time.monotonic()
            answer = self._client.get(f"{self._path}?wait={seconds}", answer.etag)
            if answer.data is not None:
                reply = answer.data
            elif time.monotonic() - asked < BUSY_SECONDS:
                time.sleep(BUSY_SECONDS)

    def _show(self, reply: dict[str, Any]) -> None:
        if reply["state"] in ("held", "queued"):
            self._say_if_unserved(reply)
            self._terminal.progress(waiting_text(reply))
        elif self._is_streamed:
            self._write(reply["text"])
        if reply["state"] == "held" and reply.get("is_paused"):
            raise CliError(
                "The reply before it failed or was stopped, so this message waits. "
                "Decide on the page whether it is sent.",
                Exit.FAILED,
            )

    def _say_if_unserved(self, reply: dict[str, Any]) -> None:
        """Say once if no worker serves the model, on sites that tell."""
        is_coming = reply["state"] == "held" or reply.get("expected_wait")
        if is_coming or self._has_looked_for_workers:
            return
        self._has_looked_for_workers = True
        with suppress(CliError):
            if model := unserved_model(self._client, self._conversation):
                self._terminal.say(
                    f"No worker serves {model} now; the message waits. Ctrl+C stops it."
                )

    def _write(self, text: str) -> None:
        if not text.startswith(self._written):
            said = "\nThe worker was lost, and another one began again:"
            self._terminal.say(said)
            self._written = ""
        new = text[len(self._written) :]
        if new:
            self._terminal.text(new)
        self._written = text


def unserved_model(client: Client, conversation: str) -> str:
    """Return the model of a conversation if no worker serves it, otherwise nothing.

    Raises ``CliError`` if the site does not tell.
    """
    models = client.get("/api/v1/status").data["models"]
    # While its queue is away, the site knows neither workers nor messages.
    known = [one for one in models if one["waiting"] is not None]
    unserved = {one["name"] for one in known if not one["workers"]}
    if not unserved:
        return ""
    path = f"/api/v1/conversations/{quoted(conversation)}/settings"
    model: str = client.get(path).data["effective"]["model"]
    return model if model in unserved else ""


def waiting_text(reply: dict[str, Any]) -> str:
    """Say how many replies are ahead of one that waits, and about how long."""
    if reply["state"] == "held":
        return "Waits for the reply before it in its conversation …"
    if reply.get("when_idle"):
        return "Waits until the workers are idle …"
    ahead = (reply["place"] or 1) - 1
    said = f"{ahead} ahead of you" if ahead else "You are next"
    wait = reply.get("expected_wait") or {}  # older sites tell none
    low, high = wait.get("low") or 0.0, wait.get("high")
    if low and not high:
        said += f", at least {duration(low)}"
    elif high:
        said += f", {duration(low)} to {duration(high)}"
    return f"{said} …"


def duration(seconds: float) -> str:
    """Return seconds or minutes, rounded."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
