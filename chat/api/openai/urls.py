"""URLs of the API that clients of OpenAI speak."""

from django.urls import path, re_path

from chat.api.openai import views
from chat.api.openai.batches import views as batches

app_name = "openai"
urlpatterns = [
    path("models", views.models, name="models"),
    path("models/<str:name>", views.model, name="model"),
    path("chat/completions", views.chat_completions, name="chat_completions"),
    path("completions", views.completions, name="completions"),
    path("files", batches.files, name="files"),
    path("files/<str:pk>", batches.file, name="file"),
    path("files/<str:pk>/content", batches.file_content, name="file_content"),
    path("batches", batches.batches, name="batches"),
    path("batches/<str:pk>", batches.read_batch, name="batch"),
    path("batches/<str:pk>/cancel", batches.stop_batch, name="cancel_batch"),
    re_path("", views.not_found),
]
