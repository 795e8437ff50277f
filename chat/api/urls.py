"""URLs of the API."""

from django.urls import path, re_path

from chat.api import conversations, views
from chat.api.reply import reply

app_name = "api"
urlpatterns = [
    path("messages", views.messages, name="messages"),
    path("replies/<uuid:pk>", reply, name="reply"),
    path("replies/<uuid:pk>/stop", views.stop, name="stop"),
    path("replies/<uuid:pk>/retry", views.retry, name="retry"),
    path("replies/<uuid:pk>/proceed", views.proceed, name="proceed"),
    path("replies/<uuid:pk>/edit", views.edit, name="edit"),
    path("replies/<uuid:pk>/remove", views.remove, name="remove"),
    path("conversations/<uuid:pk>/rename", conversations.rename, name="rename"),
    path("conversations/<uuid:pk>/delete", conversations.delete, name="delete"),
    path("conversations/<uuid:pk>/restore", conversations.restore, name="restore"),
    path("search", views.search, name="search"),
    path("allowances", views.allowances, name="allowances"),
    re_path("", views.not_found),
]
