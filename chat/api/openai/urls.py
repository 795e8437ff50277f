"""URLs of the API that clients of OpenAI speak."""

from django.urls import path, re_path

from chat.api.openai import views

app_name = "openai"
urlpatterns = [
    path("models", views.models, name="models"),
    path("models/<str:name>", views.model, name="model"),
    path("chat/completions", views.chat_completions, name="chat_completions"),
    path("completions", views.completions, name="completions"),
    re_path("", views.not_found),
]
