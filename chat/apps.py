from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        import chatsite.checks  # noqa: F401 - registers the system checks
