"""The pages. View, URL name, template and test share one word."""

from __future__ import annotations

from django.urls import path

from chat.views import batches, imports, notifications, presets
from chat.views.conversation_deletion import delete, delete_all, restore
from chat.views.conversation_keeping import archive, keep, pin, unarchive, unpin
from chat.views.conversation_list import archived, conversation_list, toggle_list
from chat.views.conversation_rename import rename
from chat.views.conversations import conversation, earlier, home
from chat.views.exports import export_json, export_markdown
from chat.views.feedback import feedback
from chat.views.fork import fork
from chat.views.health import live, ready
from chat.views.held_messages import edit, proceed, remove
from chat.views.messages import edit_message, send
from chat.views.metrics import metrics
from chat.views.model_menu import conversation_model, default_model
from chat.views.model_notice import dismiss_model_notice
from chat.views.operator import actions
from chat.views.operator.page import history, operator
from chat.views.poll import poll
from chat.views.preset_menu import conversation_preset, preset_menu
from chat.views.replies import (
    choose,
    details,
    repeat,
    resume,
    retry,
    run_now,
    stop,
    vary,
)
from chat.views.reply_iframe import frame
from chat.views.rewrite import rewrite
from chat.views.search import search
from chat.views.settings import conversation_settings, settings
from chat.views.shared_copy import continue_shared, shared
from chat.views.shared_links import renew_link, revoke_link, share, shared_links
from chat.views.status import status
from chat.views.turn_deletion import delete_turn, restore_turn

urlpatterns = [
    path("", home, name="home"),
    path("c/<uuid:pk>/", conversation, name="conversation"),
    path("c/<uuid:pk>/earlier/", earlier, name="earlier"),
    path("c/<uuid:pk>/send/", send, name="send"),
    path("c/<uuid:pk>/settings/", conversation_settings, name="conversation_settings"),
    path("c/<uuid:pk>/preset/", conversation_preset, name="conversation_preset"),
    path("presets/", presets.presets, name="presets"),
    path("presets/menu/", preset_menu, name="preset_menu"),
    path("presets/new/", presets.new_preset, name="new_preset"),
    path("presets/<uuid:pk>/", presets.preset, name="preset"),
    path("presets/<uuid:pk>/delete/", presets.delete_preset, name="delete_preset"),
    path("settings/", settings, name="settings"),
    path("settings/push/", notifications.subscribe_browser, name="subscribe"),
    path(
        "settings/push/remove/",
        notifications.unsubscribe_browser,
        name="unsubscribe",
    ),
    path("service-worker.js", notifications.service_worker, name="service_worker"),
    path("manifest.webmanifest", notifications.manifest, name="manifest"),
    path("c/<uuid:pk>/model/", conversation_model, name="conversation_model"),
    path("model/", default_model, name="default_model"),
    path("c/<uuid:pk>/rename/", rename, name="rename"),
    path("c/<uuid:pk>/export.json", export_json, name="export_json"),
    path("c/<uuid:pk>/export.md", export_markdown, name="export_markdown"),
    path("c/<uuid:pk>/delete/", delete, name="delete"),
    path("c/<uuid:pk>/restore/", restore, name="restore"),
    path("c/<uuid:pk>/pin/", pin, name="pin"),
    path("c/<uuid:pk>/unpin/", unpin, name="unpin"),
    path("c/<uuid:pk>/keep/", keep, name="keep"),
    path("c/<uuid:pk>/archive/", archive, name="archive"),
    path("c/<uuid:pk>/unarchive/", unarchive, name="unarchive"),
    path("archive/", archived, name="archived"),
    path("history/", conversation_list, name="conversation_list"),
    path("history/toggle/", toggle_list, name="toggle_list"),
    path("model-notice/dismiss/", dismiss_model_notice, name="dismiss_model_notice"),
    path("delete-all/", delete_all, name="delete_all"),
    path("send/", send, name="send"),
    path("r/<uuid:pk>/stop/", stop, name="stop"),
    path("r/<uuid:pk>/run-now/", run_now, name="run_now"),
    path("m/<uuid:pk>/choose/", choose, name="choose"),
    path("m/<uuid:pk>/fork/", fork, name="fork"),
    path("m/<uuid:pk>/delete/", delete_turn, name="delete_turn"),
    path("m/<uuid:pk>/restore/", restore_turn, name="restore_turn"),
    path("m/<uuid:pk>/edit/", edit_message, name="edit_message"),
    path("r/<uuid:pk>/vary/", vary, name="vary"),
    path("r/<uuid:pk>/repeat/", repeat, name="repeat"),
    path("r/<uuid:pk>/resume/", resume, name="resume"),
    path("r/<uuid:pk>/details/", details, name="details"),
    path("r/<uuid:pk>/rewrite/", rewrite, name="rewrite"),
    path("r/<uuid:pk>/feedback/", feedback, name="feedback"),
    path("r/<uuid:pk>/retry/", retry, name="retry"),
    path("r/<uuid:pk>/proceed/", proceed, name="proceed"),
    path("r/<uuid:pk>/edit/", edit, name="edit"),
    path("r/<uuid:pk>/remove/", remove, name="remove"),
    path("r/<uuid:pk>/frame/", frame, name="frame"),
    path("c/<uuid:pk>/share/", share, name="share"),
    path("shared/", shared_links, name="shared_links"),
    path("shared/<uuid:pk>/renew/", renew_link, name="renew_link"),
    path("shared/<uuid:pk>/revoke/", revoke_link, name="revoke_link"),
    path("s/<str:secret>/", shared, name="shared"),
    path("s/<str:secret>/continue/", continue_shared, name="continue_shared"),
    path("batches/", batches.batches, name="batches"),
    path("batches/<uuid:pk>/", batches.batch, name="batch"),
    path("batches/<uuid:pk>/cancel/", batches.cancel, name="cancel_batch"),
    path("batches/<uuid:pk>/delete/", batches.delete, name="delete_batch"),
    path("batches/<uuid:pk>/output/", batches.output, name="batch_output"),
    path("batches/<uuid:pk>/errors/", batches.errors, name="batch_errors"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<uuid:pk>/", imports.show_import, name="import"),
    path("imports/<uuid:pk>/confirm/", imports.confirm, name="confirm_import"),
    path("imports/<uuid:pk>/delete/", imports.delete, name="delete_import"),
    path("search/", search, name="search"),
    path("status/", status, name="status"),
    path("operator/", operator, name="operator"),
    path("operator/history/", history, name="operator_history"),
    path("operator/worker/", actions.order_worker, name="operator_order"),
    path("operator/model/", actions.pause_model, name="operator_pause"),
    path("operator/retry/", actions.retry, name="operator_retry"),
    path("operator/notice/", actions.notice, name="operator_notice"),
    path("poll/", poll, name="poll"),
    path("healthz", live, name="health"),
    path("livez", live, name="live"),
    path("readyz", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
