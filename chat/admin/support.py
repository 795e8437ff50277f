"""Base classes and helpers of the admin pages: no row is added or deleted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, IntegerField, Model, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from chat.models import User

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin

PER_PAGE = 50


class SupportAdmin(Admin):
    """A list and a page for each row; all operations are actions."""

    list_per_page = list_max_show_all = PER_PAGE
    #: Counting all rows beside those found costs a pass over the table.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # the same for each filter
    #: Fields in which an id that was typed into the search may stand.
    id_fields: tuple[str, ...] = ("pk",)

    def lookup_allowed(
        self, lookup: str, value: str, request: HttpRequest | None = None
    ) -> bool:
        """Allow only the filters that the page offers.

        A filter by the beginning of a key, hash or title would reveal all of it, letter
        by letter.
        """
        offered = lookup.partition("__")[0] in {*map(_filter_name, self.list_filter)}
        return offered and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows by an id in any spelling, else search as Django does."""
        try:
            pk = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        found = Q(*((name, pk) for name in self.id_fields), _connector=Q.OR)
        return queryset.filter(found), False

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        """Log a change without a name: the entry stays after the user is erased."""
        entry = super().log_change(request, obj, message)
        entry.object_repr = str(obj.pk)
        entry.save(update_fields=["object_repr"])
        return entry


class IsSetFilter(admin.EmptyFieldListFilter):
    """Filters by whether a time is set; says yes and no, not empty and not empty."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the choices: all, no, yes."""
        words = (gettext("All"), gettext("No"), gettext("Yes"))
        for choice, word in zip(super().choices(changelist), words, strict=True):
            yield {**choice, "display": word}


def titled(title: Any, base: Any = admin.DateFieldListFilter) -> Any:
    """A class of filters under another title than the name of their field."""

    class Titled(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = title

    return Titled


class ReadOnlyAdmin(SupportAdmin):
    """Rows are not edited; users who may change them may use the actions."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the editor may use the actions."""
        return super().has_change_permission(request)


def _filter_name(of: Any) -> str:
    """The name of a filter in the address of the page."""
    if isinstance(of, type) and issubclass(of, admin.SimpleListFilter):
        return str(of.parameter_name)
    return str(of if isinstance(of, str) else of[0])


def count_subquery(rows: QuerySet[Any], whose: str) -> Combinable:
    """Count ``rows`` for each value of the field ``whose``, as a subquery."""
    grouped = rows.order_by().values(whose).annotate(count=Count("pk"))
    return number_subquery(grouped.values("count"))


def number_subquery(number: QuerySet[Any, Any]) -> Combinable:
    """Return a number from another table, 0 if it has no row."""
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def short_user_name(user: User) -> str:
    """Return a name short enough for a column; guests are named by part of their id."""
    if user.closed_at is not None:
        return gettext("being deleted %s") % _short_id(user)
    return user.username or gettext("guest %s") % _short_id(user)


def _short_id(user: User) -> str:
    return f"{user.pk.hex[:8]}…"


def user_link(user: User) -> SafeString:
    """Link to the page of a user."""
    page = reverse("admin:chat_user_change", args=[user.pk])
    return format_html('<a href="{}">{}</a>', page, short_user_name(user))


def search_link(model: str, pk: UUID, label: object) -> SafeString:
    """Link to the rows of ``model`` that have this id, or whose owner has it."""
    page = reverse(f"admin:chat_{model}_changelist", query={"q": str(pk)})
    return format_html('<a href="{}">{}</a>', page, label)


def is_superuser(user: User | AnonymousUser) -> bool:
    """Whether this is an active superuser."""
    return user.is_active and user.is_superuser
