"""Users in the admin: found by name, address or id; limits, rights and sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.accounts import account_deletion, password_reset
from chat.accounts.session_end import end_all_sessions
from chat.admin.limits import UserForm
from chat.admin.support import (
    IsSetFilter,
    SupportAdmin,
    count_subquery,
    is_superuser,
    number_subquery,
    search_link,
    short_user_name,
    titled,
)
from chat.models import Conversation, Origin, Reply, User

#: The time for which tokens are counted.
TOKEN_PERIOD = timedelta(hours=24)
#: Fields about a user's activity, with links to the rows.
ACTIVITY_FIELDS = ("conversations", "replies", "sessions", "waiting", "tokens")
#: Characters shown in the list, which has many columns; a user's page shows all.
NAME_CHARACTERS = 24
ADDRESS_CHARACTERS = 20
#: Fields that only superusers change: an address or a right gives power over accounts.
SUPERUSER_FIELDS = ("email", "is_staff", "is_superuser", "groups")


class KindFilter(admin.SimpleListFilter):
    """Filters users by guest or account."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, *_args: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [("guest", _("Guests")), ("account", _("Accounts"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the users of the chosen kind."""
        if self.value() not in ("guest", "account"):
            return queryset
        return queryset.filter(username__isnull=self.value() == "guest")


@admin.register(User)
class UserAdmin(SupportAdmin):
    """The list of users, the form for one, and actions on sessions and accounts."""

    form = UserForm
    ordering = ("-joined_at",)
    list_display = (
        *("short_name", "address", "joined", "seen"),
        *("conversations", "waiting", "tokens"),
    )
    list_filter = (
        KindFilter,
        ("is_active", titled(_("active"), admin.BooleanFieldListFilter)),
        ("is_staff", titled(_("staff"), admin.BooleanFieldListFilter)),
        ("joined_at", titled(_("joined"))),
        ("seen_at", titled(_("last seen"))),
        ("closed_at", titled(_("closed"), IsSetFilter)),
    )
    search_fields = ("username", "email")
    search_help_text = _("A name, an email address or an id.")
    readonly_fields = (
        *("id", "name", "joined_at", "seen_at", "last_login", "closed_at"),
        *ACTIVITY_FIELDS,
    )
    fieldsets = (
        (None, {"fields": ("name", "id", "email")}),
        (_("Usage"), {"fields": ACTIVITY_FIELDS}),
        (_("Times"), {"fields": ("joined_at", "seen_at", "last_login", "closed_at")}),
        (_("Limits"), {"fields": ("limits",)}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
    )
    filter_horizontal = ("groups",)
    actions = ("sign_out_everywhere", "close_and_erase")
    change_form_template = "admin/chat/user/change_form.html"

    @admin.display(description=_("Name"))
    def name(self, user: User) -> str:
        """Return the name on the page of the user."""
        return str(user)

    @admin.display(description=_("Name"), ordering="username")
    def short_name(self, user: User) -> str:
        """Return the name for the list."""
        return Truncator(short_user_name(user)).chars(NAME_CHARACTERS)

    @admin.display(description=_("Email"), ordering="email")
    def address(self, user: User) -> str:
        """Return the email address for the list."""
        return Truncator(user.email).chars(ADDRESS_CHARACTERS)

    @admin.display(description=_("Joined"), ordering="joined_at")
    def joined(self, user: User) -> str:
        """Return the day of the first message or sign-up."""
        return _day(user.joined_at)

    @admin.display(description=_("Last seen"), ordering="seen_at")
    def seen(self, user: User) -> str:
        """Return the day of the last visit."""
        return _day(user.seen_at)

    @admin.display(description=_("Conversations"))
    def conversations(self, user: Any) -> SafeString:
        """Link to the user's conversations, with their number."""
        return search_link("conversation", user.pk, user.conversation_count)

    @admin.display(description=_("Waiting"))
    def waiting(self, user: Any) -> int:
        """Count the user's replies that have not ended."""
        return int(user.waiting_count)

    @admin.display(description=_("Tokens in 24 h"))
    def tokens(self, user: Any) -> int:
        """Count the tokens of the last 24 hours."""
        return int(user.token_count)

    @admin.display(description=_("Replies"))
    def replies(self, user: User) -> SafeString:
        """Link to the user's replies."""
        return search_link("reply", user.pk, _("Show"))

    @admin.display(description=_("Sessions"))
    def sessions(self, user: User) -> SafeString:
        """Link to the user's sessions."""
        return search_link("session", user.pk, _("Show"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return rows without texts, with the counts as annotations."""
        replies = Reply.objects.filter(message__owner=OuterRef("pk"))
        conversations = Conversation.objects.listed().filter(owner=OuterRef("pk"))
        found: QuerySet[Any] = super().get_queryset(request)
        found = found.defer("instructions", "settings")
        return cast(
            "QuerySet[Any]",
            found.annotate(
                conversation_count=count_subquery(conversations, "owner"),
                waiting_count=count_subquery(replies.unfinished(), "message__owner"),
                token_count=_token_count(replies),
            ),
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only superusers change staff, and no one a user who is being erased."""
        may = super().has_change_permission(request, obj)
        if obj is None or is_superuser(request.user):
            return may and (obj is None or obj.closed_at is None)
        return may and not (obj.is_staff or obj.is_superuser or obj.closed_at)

    def has_superuser_permission(self, request: HttpRequest) -> bool:
        """Whether the editor may close and erase users."""
        return is_superuser(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that this editor may not change of this user."""
        fields = [*super().get_readonly_fields(request, obj)]
        if not is_superuser(request.user):
            fields += SUPERUSER_FIELDS
        elif obj is not None and obj.is_guest:
            fields += SUPERUSER_FIELDS  # without a name there is nothing to log in with
        return fields

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the form class, which knows its editor."""
        form: Any = super().get_form(request, *args, **kwargs)
        form.editor = request.user
        return form

    def save_model(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Any,
        form: Any,
        change: bool,  # noqa: ARG002
    ) -> None:
        """Save changed fields only, so that the user's own changes meanwhile stay."""
        chosen = [field.name for field in obj._meta.concrete_fields]
        obj.save(update_fields=[name for name in form.changed_data if name in chosen])
        if not obj.is_active:
            end_all_sessions(obj)

    @admin.action(permissions=["change"], description=_("Log out everywhere"))
    def sign_out_everywhere(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> None:
        """End all sessions of users whom the editor may change."""
        users = [user for user in queryset if self.has_change_permission(request, user)]
        count = 0
        for user in users:
            count += end_all_sessions(user)
            self.log_change(request, user, "Logged out everywhere.")
        message = ngettext("%s session ended.", "%s sessions ended.", count)
        self.message_user(request, message % count, messages.SUCCESS)

    @admin.action(permissions=["superuser"], description=_("Close and delete"))
    def close_and_erase(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Close users after a second page has asked, but never the editor."""
        users = list(queryset.exclude(pk=request.user.pk).filter(closed_at=None))
        if not users:
            message = gettext("None of these users can be closed here.")
            self.message_user(request, message, messages.WARNING)
            return None
        if "confirmed" not in request.POST:
            return self._page(request, "close.html", _("Close and delete"), users=users)
        for user in users:
            account_deletion.close_account(user)
            self.log_change(request, user, "Closed, to be deleted.")
        count = len(users)
        message = ngettext(
            "%s user is being deleted.", "%s users are being deleted.", count
        )
        self.message_user(request, message % count, messages.SUCCESS)
        return None

    def get_urls(self) -> list[URLPattern]:
        """Add the page that makes a link to a new password."""
        link = path(
            "<uuid:pk>/reset-link/",
            self.admin_site.admin_view(self.reset_link),
            name="chat_user_reset_link",
        )
        return [link, *super().get_urls()]

    def reset_link(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Show a link to a new password once, for the editor to pass on."""
        if not is_superuser(request.user):
            raise PermissionDenied
        user = User.objects.filter(pk=pk, closed_at=None).exclude(username=None).first()
        if request.method != "POST" or user is None:
            raise Http404
        try:
            link = password_reset.reset_link(user, request)
        except ValueError as refused:
            raise Http404 from refused
        self.log_change(request, user, "Created a password reset link.")
        title = _("Password reset link")
        return self._page(request, "reset_link.html", title, original=user, link=link)

    def _page(
        self, request: HttpRequest, template: str, title: Any, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
            **more,
        }
        return TemplateResponse(request, f"admin/chat/user/{template}", context)


def _day(moment: datetime | None) -> str:
    """Return a day without its time, which the page of the user shows."""
    if moment is None:
        return "–"
    return date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT")


def _token_count(replies: QuerySet[Any]) -> Any:
    """The tokens read and written for replies that ended within ``TOKEN_PERIOD``."""
    since = timezone.now() - TOKEN_PERIOD
    recent = replies.filter(finished_at__gte=since, origin=Origin.GENERATED).order_by()
    read, written = Coalesce("prompt_tokens", 0), Coalesce("new_tokens", 0)
    grouped = recent.values("message__owner").annotate(sum=Sum(read + written))
    return number_subquery(grouped.values("sum"))
