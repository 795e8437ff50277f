"""The collector that asks the mailbox at each scrape: every process says the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from chat.services.metrics import reply_counts
from chat.services.wait_estimate import ready_workers
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.mailbox.overview import MailboxOverview, ModelLine

#: What is always reported, so that a rate exists before the first of a kind.
OUTCOMES = (wire.Outcome.DONE, wire.Outcome.STOPPED, wire.Outcome.FAILED)
KINDS = ("prompt", "reply")


class MailboxCollector(Collector):
    """Metrics of the queue, the workers and the replies of the whole site."""

    def collect(self) -> Iterator[Metric]:
        """Ask the mailbox once; while it is away only that is reported."""
        try:
            seen = open_mailbox().overview()
        except MailboxAway:
            seen = None
        yield GaugeMetricFamily(
            "chatsite_mailbox_up",
            "Whether Redis answers.",
            value=float(seen is not None),
        )
        if seen is None:
            return
        yield _keeper(seen)
        yield from _lines(seen.models)
        yield _workers(seen.models)
        yield from _replies(seen.counts)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: to register it the mailbox need not be asked."""
        return ()


def _keeper(seen: MailboxOverview) -> Metric:
    seconds = math.inf if seen.keeper_seconds is None else seen.keeper_seconds
    return GaugeMetricFamily(
        "chatsite_keeper_sweep_age_seconds",
        "Seconds since a keeper last swept; infinite if none has for half a minute.",
        value=seconds,
    )


def _lines(models: Iterable[ModelLine]) -> Iterator[Metric]:
    gauges = {
        name: GaugeMetricFamily(f"chatsite_{name}", about, labels=["model"])
        for name, about in (
            ("replies_waiting", "Replies in line, helper jobs included."),
            ("oldest_wait_seconds", "How long the oldest reply in line has waited."),
            ("replies_running", "Replies that workers write."),
            ("slots", "Replies that ready workers can write at once."),
            ("worker_tokens_per_second", "New tokens a second of all ready workers."),
        )
    }
    for line in models:
        ready = ready_workers(line.workers)
        for name, value in (
            ("replies_waiting", line.waiting),
            ("oldest_wait_seconds", line.oldest_seconds),
            ("replies_running", line.running),
            ("slots", sum(worker.rows for worker in ready)),
            (
                "worker_tokens_per_second",
                sum(worker.tokens_per_second for worker in ready),
            ),
        ):
            gauges[name].add_metric([line.name], value)
    yield from gauges.values()


def _workers(models: Iterable[ModelLine]) -> Metric:
    family = GaugeMetricFamily(
        "chatsite_workers", "Workers by stage.", labels=["model", "stage"]
    )
    for line in models:
        stages = Counter(worker.stage for worker in line.workers)
        for stage in wire.Stage:
            family.add_metric([line.name, stage.value], stages[stage])
    return family


def _replies(counts: Mapping[str, float]) -> Iterator[Metric]:
    outcomes = CounterMetricFamily(
        "chatsite_replies", "Replies that ended, by outcome.", labels=["outcome"]
    )
    for outcome in OUTCOMES:
        outcomes.add_metric(
            [outcome], counts.get(f"{reply_counts.OUTCOME}{outcome}", 0)
        )
    yield outcomes
    failures = CounterMetricFamily(
        "chatsite_replies_failed", "Replies that failed, by reason.", labels=["error"]
    )
    for error in wire.ErrorCode:
        failures.add_metric([error], counts.get(f"{reply_counts.ERROR}{error}", 0))
    yield failures
    yield CounterMetricFamily(
        "chatsite_replies_lost",
        "Replies that were taken back from a worker that fell silent.",
        value=counts.get(reply_counts.LOSSES, 0),
    )
    tokens = CounterMetricFamily(
        "chatsite_tokens", "Tokens of replies that ended.", labels=["kind"]
    )
    for kind in KINDS:
        tokens.add_metric([kind], counts.get(f"{reply_counts.TOKENS}{kind}", 0))
    yield tokens
    yield HistogramMetricFamily(
        "chatsite_time_to_first_text_seconds",
        "Seconds from joining the line to the first text.",
        buckets=reply_counts.first_text_buckets(counts),
        sum_value=counts.get(reply_counts.FIRST_TEXT_SUM, 0),
    )
