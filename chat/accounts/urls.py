"""The account pages. View, URL name, template and test share one word."""

from __future__ import annotations

from django.urls import path

from chat.accounts.views.account import account
from chat.accounts.views.download import download
from chat.accounts.views.email import confirm, email
from chat.accounts.views.erase import erase
from chat.accounts.views.invitations import invitations, revoke
from chat.accounts.views.log_in import log_in
from chat.accounts.views.log_out import elsewhere, end_session, log_out
from chat.accounts.views.merge import merge
from chat.accounts.views.password import password
from chat.accounts.views.reset import forgotten, reset
from chat.accounts.views.sign_up import invited, sign_up

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
    path("download/", download, name="download"),
    path("erase/", erase, name="erase"),
    path("invitations/", invitations, name="invitations"),
    path("invitations/<uuid:pk>/revoke/", revoke, name="revoke"),
]
