"""The collector of what people think of replies, which the database counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chat.services.feedback import rating_totals


class RatingCollector(Collector):
    """Rated replies of each model; no metric while the database is away."""

    def collect(self) -> Iterator[Metric]:
        """Count them."""
        try:
            totals = rating_totals()
        except DatabaseError:
            return
        family = GaugeMetricFamily(
            "chatsite_rated_replies",
            "Replies that their owners rated, as far as they are kept.",
            labels=["model", "rating"],
        )
        for of in totals:
            family.add_metric([of.model, "up"], of.up)
            family.add_metric([of.model, "down"], of.down)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Return nothing: to register it the database need not be asked."""
        return ()
