"""The web process for ASGI servers; every view is synchronous and short."""

from django.core.asgi import get_asgi_application

from chatsite import entry

entry.begin()
application = get_asgi_application()
