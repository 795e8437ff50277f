"""Django applications: the site and its admin."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ChatConfig(AppConfig):
    """The web tier."""

    name = "chat"
    default = True

    def ready(self) -> None:
        """Register the system checks."""
        import chatsite.checks  # noqa: F401 - registers the system checks


class SupportConfig(admin.AdminConfig):
    """Django's admin with the site of ``chat.admin_site``."""

    default = False
    default_site = "chat.admin_site.ChatAdminSite"
