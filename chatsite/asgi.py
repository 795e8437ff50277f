"""The application for ASGI servers. Every view is synchronous and short."""

from django.core.asgi import get_asgi_application

from chatsite import startup

startup.begin()
application = get_asgi_application()
