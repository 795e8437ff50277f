"""URLs of the account pages. View, URL name, template and test share one word."""

from __future__ import annotations

from django.urls import path

from chat.views.accounts.account import account
from chat.views.accounts.download import download, download_conversations
from chat.views.accounts.email import confirm, email
from chat.views.accounts.erase import erase
from chat.views.accounts.invitations import invitations, revoke
from chat.views.accounts.keys import keys, revoke_key
from chat.views.accounts.log_in import log_in
from chat.views.accounts.log_out import elsewhere, end_session, log_out
from chat.views.accounts.merge import merge
from chat.views.accounts.password import password
from chat.views.accounts.ready_mail import ready_mail, stop_ready_mail
from chat.views.accounts.reset import forgotten, reset
from chat.views.accounts.sign_up import invited, sign_up
from chat.views.accounts.webhook import (
    change_webhook,
    delete_webhook,
    retry_delivery,
    rotate_webhook,
    switch_webhook,
    try_webhook,
    webhook,
)
from chat.views.accounts.webhooks import webhooks

urlpatterns = [
    path("", account, name="account"),
    path("sign-up/", sign_up, name="sign_up"),
    path("invited/<str:secret>/", invited, name="invited"),
    path("log-in/", log_in, name="log_in"),
    path("merge/", merge, name="merge"),
    path("log-out/", log_out, name="log_out"),
    path("elsewhere/", elsewhere, name="elsewhere"),
    path("sessions/<str:name>/end/", end_session, name="end_session"),
    path("password/", password, name="password"),
    path("forgotten/", forgotten, name="forgotten"),
    path("reset/<uuid:pk>/<str:token>/", reset, name="reset"),
    path("email/", email, name="email"),
    path("email/<str:token>/", confirm, name="confirm"),
    path("ready-mail/", ready_mail, name="ready_mail"),
    path("ready-mail/<str:token>/", stop_ready_mail, name="stop_ready_mail"),
    path("download/", download, name="download"),
    path(
        "download/conversations/",
        download_conversations,
        name="download_conversations",
    ),
    path("erase/", erase, name="erase"),
    path("keys/", keys, name="keys"),
    path("keys/<uuid:pk>/revoke/", revoke_key, name="revoke_key"),
    path("webhooks/", webhooks, name="webhooks"),
    path("webhooks/<uuid:pk>/", webhook, name="webhook"),
    path("webhooks/<uuid:pk>/change/", change_webhook, name="change_webhook"),
    path("webhooks/<uuid:pk>/test/", try_webhook, name="try_webhook"),
    path("webhooks/<uuid:pk>/switch/", switch_webhook, name="switch_webhook"),
    path("webhooks/<uuid:pk>/secret/", rotate_webhook, name="rotate_webhook"),
    path("webhooks/<uuid:pk>/delete/", delete_webhook, name="delete_webhook"),
    path("deliveries/<uuid:pk>/retry/", retry_delivery, name="retry_delivery"),
    path("invitations/", invitations, name="invitations"),
    path("invitations/<uuid:pk>/revoke/", revoke, name="revoke"),
]
