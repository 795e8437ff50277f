"""The collector of how many shared links there are, which the database counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chat.models import SharedLink


class SharedLinkCollector(Collector):
    """Shared links that open; no metric while the database is away."""

    def collect(self) -> Iterator[Metric]:
        """Count them."""
        try:
            count = SharedLink.objects.count_open(timezone.now())
        except DatabaseError:
            return
        yield GaugeMetricFamily(
            "chatsite_shared_links", "Shared links that open.", value=count
        )

    def describe(self) -> Iterable[Metric]:
        """Return nothing: to register it the database need not be asked."""
        return ()
