"""What an import brings, counted over all its conversations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Sum

from chat.models import ConversationImport, ImportEntry


@dataclass(slots=True)
class ImportSummary:
    """Numbers of an import."""

    #: Conversations by their state.
    states: Counter[str] = field(default_factory=Counter)
    #: Messages that are shown, and those of other versions.
    messages: int = 0
    others: int = 0
    #: What cannot come, by its kind.
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def conversations(self) -> int:
        """All conversations of the file."""
        return self.states.total()


def summary_of(of_import: ConversationImport) -> ImportSummary:
    """Count what an import has so far."""
    found = ImportSummary()
    groups = of_import.entries.order_by().values("state")
    for row in groups.annotate(count=Count("pk"), m=Sum("shown"), o=Sum("others")):
        found.states[row["state"]] = row["count"]
        found.messages += row["m"]
        found.others += row["o"]
    lost = of_import.entries.exclude(left_out={}).order_by()
    for left_out in lost.values_list("left_out", flat=True).iterator(500):
        found.left_out.update(left_out)
    return found


def states_of(imports: Iterable[ConversationImport]) -> dict[UUID, set[str]]:
    """The states that conversations of each import have, by its id."""
    found: dict[UUID, set[str]] = defaultdict(set)
    rows = ImportEntry.objects.filter(of_import__in=[one.pk for one in imports])
    for pk, state in rows.order_by().values_list("of_import", "state").distinct():
        found[pk].add(state)
    return found
