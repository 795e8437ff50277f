from django.urls import path, re_path

from chat.api import views

app_name = "api"
urlpatterns = [
    path("messages", views.messages, name="messages"),
    path("replies/<uuid:pk>", views.reply, name="reply"),
    path("replies/<uuid:pk>/stop", views.stop, name="stop"),
    re_path("", views.nothing),
]
