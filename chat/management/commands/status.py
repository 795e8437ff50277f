"""Prints workers, waiting replies, and replies that lost a worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chat.models import Reply
from chat.services.jobs.workers import ModelOverview, SiteOverview, site_overview
from chatsite import wire


class Command(BaseCommand):
    """Prints lines for people, or JSON."""

    help = "Show workers, waiting replies, and replies that lost a worker in 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept ``--json``."""
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the overview. Raises ``CommandError`` without a database."""
        try:
            seen = site_overview()
        except DatabaseError as error:
            raise CommandError(
                "No site was started with this DATA_DIR or DATABASE_URL yet, or its "
                f"database is away: {error}"
            ) from None
        text = (
            json.dumps(_to_json(seen)) if options["json"] else "\n".join(_lines(seen))
        )
        self.stdout.write(text)


def _lines(seen: SiteOverview) -> Iterator[str]:
    if seen.models is None:
        yield "This REDIS_URL does not answer; what is sent waits in the database."
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
    yield f"{model.name}: {model.waiting} waiting, {workers}"
    yield from (
        f"  {worker.worker}: {_worker_status(worker)}" for worker in model.workers
    )


def _worker_status(worker: wire.Announcement) -> str:
    if worker.progress is not None:
        return f"{worker.stage}, {worker.progress:.0%}"
    if not worker.rows:
        return worker.stage
    rows = f"{worker.rows - worker.free} of {worker.rows} rows busy"
    on = f" on {worker.device}" if worker.device else ""
    on += f" in {worker.precision}" if worker.precision else ""
    return f"{worker.stage}, {rows}, {worker.tokens_per_second:g} tokens/s{on}"


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
