"""The pages. View, URL name, template and test share one word."""

from __future__ import annotations

from django.urls import path

from chat.views.conversation import conversation
from chat.views.edit import edit
from chat.views.frame import frame
from chat.views.health import health
from chat.views.home import home
from chat.views.poll import poll
from chat.views.proceed import proceed
from chat.views.remove import remove
from chat.views.retry import retry
from chat.views.search import search
from chat.views.send import send
from chat.views.stop import stop

urlpatterns = [
    path("", home, name="home"),
    path("c/<uuid:pk>/", conversation, name="conversation"),
    path("c/<uuid:pk>/send/", send, name="send"),
    path("send/", send, name="send"),
    path("r/<uuid:pk>/stop/", stop, name="stop"),
    path("r/<uuid:pk>/retry/", retry, name="retry"),
    path("r/<uuid:pk>/proceed/", proceed, name="proceed"),
    path("r/<uuid:pk>/edit/", edit, name="edit"),
    path("r/<uuid:pk>/remove/", remove, name="remove"),
    path("r/<uuid:pk>/frame/", frame, name="frame"),
    path("search/", search, name="search"),
    path("poll/", poll, name="poll"),
    path("healthz", health, name="health"),
]
