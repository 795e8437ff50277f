"""Prints workers, waiting replies, and replies that lost a worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chat.models import Reply
from chat.services.operation.overview import (
    ModelOverview,
    SiteOverview,
    busy_rows,
    site_overview,
)
from chatsite import wire

STOPPED = "The site is not running. Start it with: make run"
AWAY = "This REDIS_URL does not answer; what is sent waits in the database."


class Command(BaseCommand):
    """Prints lines for people, or JSON."""

    help = "Show workers, waiting replies, and replies that lost a worker in 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept ``--json`` and ``--stopped``."""
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--stopped", action="store_true", help="make run is known not to run here"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the overview. Raises ``CommandError`` without a database."""
        try:
            seen = site_overview()
        except DatabaseError as error:
            if options["stopped"] and not options["json"]:
                self.stdout.write(STOPPED)
                return
            raise CommandError(
                "No site was started with this DATA_DIR or DATABASE_URL yet, or its "
                f"database is away: {error}"
            ) from None
        lines = _lines(seen, is_stopped=options["stopped"])
        text = json.dumps(_to_json(seen)) if options["json"] else "\n".join(lines)
        self.stdout.write(text)


def _lines(seen: SiteOverview, *, is_stopped: bool) -> Iterator[str]:
    if seen.models is None:
        yield STOPPED if is_stopped else AWAY
    for model in seen.models or ():
        yield from _model_lines(model)
    yield f"to come: {_counts(seen.unfinished)}"
    yield f"ended in 24 hours: {_counts(seen.ended)}"
    if seen.errors:
        yield f"  failed for: {_counts(seen.errors)}"
    yield f"lost with a worker in 24 hours: {len(seen.lost) or 'none'}"
    yield from (f"  {_loss_line(reply)}" for reply in seen.lost)


def _model_lines(model: ModelOverview) -> Iterator[str]:
    count = len(model.workers)
    workers = f"{count or 'no'} worker{'s' * (count != 1)}"
    paused = ", paused" if model.is_paused else ""
    yield f"{model.name}: {model.waiting} waiting, {workers}{paused}"
    yield from (f"  the model: {_worker_status(one)}" for one in model.preparing)
    yield from (
        f"  {worker.worker}: {_worker_status(worker)}" for worker in model.workers
    )


def _worker_status(worker: wire.Announcement) -> str:
    if worker.progress is not None:
        return f"{worker.stage}, {worker.progress:.0%}"
    if not worker.rows:
        return ": ".join(filter(None, (worker.stage, worker.step)))
    rows = f"{busy_rows(worker)} of {worker.rows} rows busy"
    speed = f"{worker.tokens_per_second:g} tokens/s {worker.computation}".rstrip()
    return f"{worker.stage}, {rows}, {speed}"


def _loss_line(reply: Reply) -> str:
    times = f"{reply.losses} times" if reply.losses > 1 else "once"
    by = f" by {reply.worker}" if reply.worker else ""
    return f"{reply.queued_at:%Y-%m-%d %H:%M:%S} {reply.pk} {times}; {reply.state}{by}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _to_json(seen: SiteOverview) -> dict[str, Any]:
    return {
        "models": seen.models and [asdict(model) for model in seen.models],
        "unfinished": seen.unfinished,
        "ended": seen.ended,
        "errors": seen.errors,
        "lost": [
            {
                "reply": str(reply.pk),
                "losses": reply.losses,
                "state": reply.state,
                "worker": reply.worker,
            }
            for reply in seen.lost
        ],
    }
