"""Django settings. The table of settings (``chatsite.settings_table``) names them all.

A bad value stops the start in one line that names the variable. Both tiers read this
module: the worker uses the values without Django's apps or ORM, so nothing that only
the web tier installs may be imported here.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from chatsite import machine
from chatsite.cookie_names import HOST_PREFIX, cookie_names
from chatsite.databases import connection_settings
from chatsite.environment import rename_variables
from chatsite.hosts import allowed_hosts
from chatsite.logs import logging_at
from chatsite.secret_key import secret_key
from chatsite.security_headers import content_security_policy
from chatsite.server_url import passwords_in
from chatsite.settings_table import (
    NEW_NAMES,
    accounts,
    addresses,
    api,
    batches,
    imports,
    limits,
    mail,
    messages,
    model,
    notifications,
    operation,
    recovery,
    sharing,
    storage,
    web_server,
    webhooks,
    worker,
)
from chatsite.tracing import is_installed as is_tracing_installed
from chatsite.trusted_proxies import TrustedProxies

for warning in rename_variables(NEW_NAMES):
    print(warning, file=sys.stderr, flush=True)

BASE_DIR = Path(__file__).resolve().parent.parent

# Ports and data
DATA_DIR = storage.DATA_DIR.make()
REDIS_CA_FILE = storage.REDIS_CA_FILE.read()
REDIS_URL = storage.REDIS_URL.read()
BIND = storage.BIND.read()
PORT = storage.PORT.read()

# Web server
WEB_THREADS = web_server.WEB_THREADS.read()
WEB_CONNECTIONS = web_server.WEB_CONNECTIONS.read()
WEB_CONNECTIONS_PER_NETWORK = web_server.WEB_CONNECTIONS_PER_NETWORK.read()
WEB_PARKED = web_server.WEB_PARKED.read()
STREAM_SECONDS = web_server.STREAM_SECONDS.read()
LONG_POLL_SECONDS = web_server.LONG_POLL_SECONDS.read()
WEB_BUFFER_MB = web_server.WEB_BUFFER_MB.read()
WEB_HEAD_SECONDS = web_server.WEB_HEAD_SECONDS.read()
WEB_BODY_SECONDS = web_server.WEB_BODY_SECONDS.read()
WEB_SEND_SECONDS = web_server.WEB_SEND_SECONDS.read()
WEB_IDLE_SECONDS = web_server.WEB_IDLE_SECONDS.read()
WEB_FROZEN_SECONDS = web_server.WEB_FROZEN_SECONDS.read()
WEB_STUCK_SECONDS = web_server.WEB_STUCK_SECONDS.read()
DATABASE_WAIT_SECONDS = web_server.DATABASE_WAIT_SECONDS.read()
WRITERS_WAITING_MAX = web_server.WRITERS_WAITING_MAX.read(max(1, WEB_THREADS // 2))

# The model, messages and replies
CHAT_CATALOG = model.CHAT_CATALOG.read()
CHAT_MODEL = model.CHAT_MODEL.read()
CHAT_MODELS = model.CHAT_MODELS.read()
MESSAGE_MAX_CHARACTERS = messages.MESSAGE_MAX_CHARACTERS.read()
FEEDBACK_MAX_CHARACTERS = messages.FEEDBACK_MAX_CHARACTERS.read()
INSTRUCTIONS_MAX_CHARACTERS = messages.INSTRUCTIONS_MAX_CHARACTERS.read()
BODY_MAX_BYTES = messages.BODY_MAX_BYTES.read(
    messages.default_body_bytes(
        max(MESSAGE_MAX_CHARACTERS, INSTRUCTIONS_MAX_CHARACTERS)
    )
)
REQUEST_MAX_CHARACTERS = messages.REQUEST_MAX_CHARACTERS.read()
TITLES_BY_MODEL = messages.TITLES_BY_MODEL.read()
MESSAGES_SHOWN = messages.MESSAGES_SHOWN.read()
ATTACHED_FILES_MAX = messages.ATTACHED_FILES_MAX.read()
PRESETS_MAX = messages.PRESETS_MAX.read()
HELD_MESSAGES_MAX = messages.HELD_MESSAGES_MAX.read()
EMPTY_CONVERSATIONS_MAX = messages.EMPTY_CONVERSATIONS_MAX.read()
VERSIONS_AT_ONCE_MAX = messages.VERSIONS_AT_ONCE_MAX.read()
QUEUE_REPLIES_MAX = messages.QUEUE_REPLIES_MAX.read()
REPLY_MAX_TOKENS = messages.REPLY_MAX_TOKENS.read()
REPLY_MAX_SECONDS = messages.REPLY_MAX_SECONDS.read()
REPLY_EXPIRY_SECONDS = messages.REPLY_EXPIRY_SECONDS.read()
DELETED_KEEP_HOURS = messages.DELETED_KEEP_HOURS.read()
RETENTION_DAYS = messages.RETENTION_DAYS.read()
POLL_SECONDS = messages.POLL_SECONDS.read()
POLL_IDLE_SECONDS = messages.POLL_IDLE_SECONDS.read()

# Sharing
SHARING = sharing.SHARING.read()
SHARED_LINKS_MAX = sharing.SHARED_LINKS_MAX.read()
SHARED_MAX_CHARACTERS = sharing.SHARED_MAX_CHARACTERS.read()

# Guests and accounts
GUESTS = accounts.GUESTS.read()
SIGNUP = accounts.SIGNUP.read()
GUEST_IDLE_DAYS = accounts.GUEST_IDLE_DAYS.read()
PASSWORD_MIN_CHARACTERS = accounts.PASSWORD_MIN_CHARACTERS.read()
LOGIN_FAILURES_MAX = accounts.LOGIN_FAILURES_MAX.read()
LOGIN_LOCK_MINUTES = accounts.LOGIN_LOCK_MINUTES.read()
NETWORK_LOGIN_FAILURES_PER_HOUR = accounts.NETWORK_LOGIN_FAILURES_PER_HOUR.read()
SESSION_COOKIE_AGE = 86_400 * accounts.SESSION_DAYS.read()

# Limits
GUEST_MESSAGES_PER_MINUTE = limits.GUEST_MESSAGES_PER_MINUTE.read()
GUEST_MESSAGES_PER_DAY = limits.GUEST_MESSAGES_PER_DAY.read()
GUEST_REPLIES_WAITING = limits.GUEST_REPLIES_WAITING.read()
GUEST_TOKENS_PER_DAY = limits.GUEST_TOKENS_PER_DAY.read()
GUEST_COPIED_MESSAGES_PER_DAY = limits.GUEST_COPIED_MESSAGES_PER_DAY.read()
ACCOUNT_MESSAGES_PER_MINUTE = limits.ACCOUNT_MESSAGES_PER_MINUTE.read()
ACCOUNT_MESSAGES_PER_DAY = limits.ACCOUNT_MESSAGES_PER_DAY.read()
ACCOUNT_REPLIES_WAITING = limits.ACCOUNT_REPLIES_WAITING.read()
ACCOUNT_TOKENS_PER_DAY = limits.ACCOUNT_TOKENS_PER_DAY.read()
ACCOUNT_COPIED_MESSAGES_PER_DAY = limits.ACCOUNT_COPIED_MESSAGES_PER_DAY.read()
ACCOUNT_IMPORTS_PER_DAY = limits.ACCOUNT_IMPORTS_PER_DAY.read()
NETWORK_MESSAGES_PER_MINUTE = limits.NETWORK_MESSAGES_PER_MINUTE.read()
NETWORK_MESSAGES_PER_DAY = limits.NETWORK_MESSAGES_PER_DAY.read()
NETWORK_REPLIES_WAITING = limits.NETWORK_REPLIES_WAITING.read()
NETWORK_TOKENS_PER_DAY = limits.NETWORK_TOKENS_PER_DAY.read()
NETWORK_COPIED_MESSAGES_PER_DAY = limits.NETWORK_COPIED_MESSAGES_PER_DAY.read()
NETWORK_GUESTS_PER_HOUR = limits.NETWORK_GUESTS_PER_HOUR.read()
NETWORK_SIGNUPS_PER_HOUR = limits.NETWORK_SIGNUPS_PER_HOUR.read()
NETWORK_MAILS_PER_HOUR = limits.NETWORK_MAILS_PER_HOUR.read()

# API keys
API_KEYS_MAX = api.API_KEYS_MAX.read()
TEMPORARY_MINUTES = api.TEMPORARY_MINUTES.read()
API_UNKEPT_MINUTES = api.API_UNKEPT_MINUTES.read()
CALLER_LOST_SECONDS = api.CALLER_LOST_SECONDS.read()
BATCHES_MAX = batches.BATCHES_MAX.read()
BATCH_LINES_MAX = batches.BATCH_LINES_MAX.read()
BATCH_FILE_MAX_BYTES = batches.BATCH_FILE_MAX_BYTES.read()
BATCH_FILES_MAX = batches.BATCH_FILES_MAX.read()
BATCH_KEEP_DAYS = batches.BATCH_KEEP_DAYS.read()
BATCH_WINDOW_HOURS_MAX = batches.BATCH_WINDOW_HOURS_MAX.read()
BATCH_LINES_AHEAD = batches.BATCH_LINES_AHEAD.read()

IMPORTS_MAX = imports.IMPORTS_MAX.read()
IMPORT_FILE_MAX_BYTES = imports.IMPORT_FILE_MAX_BYTES.read()
IMPORT_UNPACKED_MAX_BYTES = imports.IMPORT_UNPACKED_MAX_BYTES.read()
IMPORT_RATIO_MAX = imports.IMPORT_RATIO_MAX.read()
IMPORT_ARCHIVE_FILES_MAX = imports.IMPORT_ARCHIVE_FILES_MAX.read()
IMPORT_CONVERSATIONS_MAX = imports.IMPORT_CONVERSATIONS_MAX.read()
IMPORT_CONVERSATION_MAX_BYTES = imports.IMPORT_CONVERSATION_MAX_BYTES.read()
IMPORT_TEXT_MAX_BYTES = imports.IMPORT_TEXT_MAX_BYTES.read()
IMPORT_DEPTH_MAX = imports.IMPORT_DEPTH_MAX.read()
IMPORT_READ_SECONDS_MAX = imports.IMPORT_READ_SECONDS_MAX.read()
IMPORT_KEEP_HOURS = imports.IMPORT_KEEP_HOURS.read()
NETWORK_WRONG_KEYS_PER_HOUR = api.NETWORK_WRONG_KEYS_PER_HOUR.read()

# Webhooks
WEBHOOKS_MAX = webhooks.WEBHOOKS_MAX.read()
WEBHOOK_PRIVATE_NETWORKS = webhooks.WEBHOOK_PRIVATE_NETWORKS.read()
WEBHOOK_HTTP = webhooks.WEBHOOK_HTTP.read()
WEBHOOK_SECONDS = webhooks.WEBHOOK_SECONDS.read()
WEBHOOK_SENDERS = webhooks.WEBHOOK_SENDERS.read()
WEBHOOK_TEXT_CHARACTERS = webhooks.WEBHOOK_TEXT_CHARACTERS.read()
WEBHOOK_LOG_DAYS = webhooks.WEBHOOK_LOG_DAYS.read()

# Notifications
VAPID_PRIVATE_KEY = notifications.VAPID_PRIVATE_KEY.read()
VAPID_CONTACT = notifications.VAPID_CONTACT.read()
HAS_PUSH = bool(VAPID_PRIVATE_KEY and VAPID_CONTACT)
PUSH_SUBSCRIPTIONS_MAX = notifications.PUSH_SUBSCRIPTIONS_MAX.read()
PUSH_PRIVATE_NETWORKS = notifications.PUSH_PRIVATE_NETWORKS.read()
PUSH_SECONDS = notifications.PUSH_SECONDS.read()
NOTICE_DELAY_SECONDS = notifications.NOTICE_DELAY_SECONDS.read()
NOTICE_KEEP_MINUTES = notifications.NOTICE_KEEP_MINUTES.read()
NOTICE_SENDERS = notifications.NOTICE_SENDERS.read()
READY_MAIL_MINUTES = notifications.READY_MAIL_MINUTES.read()
READY_MAILS_PER_HOUR = notifications.READY_MAILS_PER_HOUR.read()

# Operation
HISTORY_DAYS = operation.HISTORY_DAYS.read()
PUBLIC_STATUS = operation.PUBLIC_STATUS.read()
METRICS_TOKEN = operation.METRICS_TOKEN.read()
METRICS_NETWORKS = operation.METRICS_NETWORKS.read(() if METRICS_TOKEN else None)

# Addresses and mail
HTTPS_ONLY = addresses.HTTPS_ONLY.read()
# The server itself speaks no TLS: with HTTPS there is a proxy, mostly on this machine.
TRUSTED_PROXIES = addresses.TRUSTED_PROXIES.read(
    TrustedProxies.parse(["127.0.0.1", "::1"] if HTTPS_ONLY else [])
)
URL_PREFIX = addresses.URL_PREFIX.read()
SITE_URL = addresses.SITE_URL.read_below(URL_PREFIX)
globals().update(mail.EMAIL_URL.read())
HAS_MAIL = mail.EMAIL_URL.is_set()
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = mail.MAIL_FROM.read()
HAS_READY_MAIL = bool(HAS_MAIL and SITE_URL and READY_MAILS_PER_HOUR)
PASSWORD_RESET_TIMEOUT = 86_400

# Workers and recovery
LEASE_SECONDS = recovery.LEASE_SECONDS.read()
MAX_LOSSES = recovery.MAX_LOSSES.read()
MAX_FAULTS = recovery.MAX_FAULTS.read()
SWEEP_SECONDS = recovery.SWEEP_SECONDS.read()
WORKERS = worker.WORKERS.read()
WORKER_SLOTS = worker.WORKER_SLOTS.read()
REMOTE_ROWS_MAX = worker.REMOTE_ROWS_MAX.read()
WORKER_MEMORY_MB = worker.WORKER_MEMORY_MB.read()
WORKER_PREFILL_TOKENS = worker.WORKER_PREFILL_TOKENS.read()
WORKER_STEP_FACTOR = worker.WORKER_STEP_FACTOR.read()
WORKER_PROMPT_LOOKUP = worker.WORKER_PROMPT_LOOKUP.read()
WORKER_DEVICE = worker.WORKER_DEVICE.read()
WORKER_PRECISION = worker.WORKER_PRECISION.read()
WORKER_THREADS = worker.WORKER_THREADS.read()
WORKER_FLUSH_SECONDS = worker.WORKER_FLUSH_SECONDS.read()
WORKER_STALL_SECONDS = worker.WORKER_STALL_SECONDS.read()
WORKER_GRACE_SECONDS = worker.WORKER_GRACE_SECONDS.read()

# Django itself
DEBUG = storage.DEBUG.read()
SECRET_KEY = secret_key(DATA_DIR)
#: Cookies and links that these keys signed still count.
SECRET_KEY_FALLBACKS = addresses.SECRET_KEY_FALLBACKS.read()
ALLOWED_HOSTS = addresses.ALLOWED_HOSTS.read(allowed_hosts(BIND))
# Forms come from the site's own address, whatever a proxy makes of it.
CSRF_TRUSTED_ORIGINS = [
    *addresses.CSRF_TRUSTED_ORIGINS.read(),
    *([SITE_URL] if SITE_URL else []),
]
FORCE_SCRIPT_NAME = URL_PREFIX or None
ROOT_URLCONF = "chatsite.urls"
WSGI_APPLICATION = "chatsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "chat.User"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = "chatsite.formats"
LANGUAGE_CODE = "en"
#: The code is in English; every other language needs its folder in ``locale``.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]

INSTALLED_APPS = [
    "chat.apps.SupportConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "chat",
]
MIDDLEWARE = [
    # Outside of all that writes to the log.
    "chat.middleware.request_id.RequestIdMiddleware",
    "chat.middleware.request_metrics.RequestMetricsMiddleware",
    # Outside of all that answers, so that every response has these headers.
    "chat.middleware.security_headers.SecurityHeadersMiddleware",
    "chat.middleware.security_headers.ContentSecurityPolicyMiddleware",
    "chat.middleware.no_content.NoContentMiddleware",
    # After it, scheme, host and path of a request can be trusted.
    "chat.middleware.proxy_headers.ProxyHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Before all that a health check does not need.
    "chat.views.health.HealthMiddleware",
    "chat.views.metrics.MetricsMiddleware",
    # Static files as well; files that are compressed already pass unchanged.
    "chat.middleware.compression.CompressionMiddleware",
    "chatsite.static_version.VersionedStaticFilesMiddleware",
    "chat.middleware.language.LanguageMiddleware",
    # Before all that a poll does not need which only looks into the mailbox.
    "chat.views.poll.QuietPollMiddleware",
    "chat.middleware.security_headers.AdminPolicyMiddleware",
    # Outside of all that reads cookies to see who asks.
    "chat.middleware.api_keys.ApiKeyMiddleware",
    # Outside of the session, which is saved when they see the response.
    "chat.middleware.last_seen.LastSeenMiddleware",
    "chat.middleware.renamed_cookies.RenamedCookiesMiddleware",
    "chat.middleware.session_cookie.SessionCookieMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chat.middleware.authentication.GuestAuthenticationMiddleware",
    "chat.middleware.security_headers.AdminMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "chat.middleware.page_version.PageVersionMiddleware",
    "chat.middleware.login_required.LoginRequiredMiddleware",
    "chat.middleware.time_zone.TimeZoneMiddleware",
    # Inside of the visitor's time zone, since it shows a time.
    "chat.middleware.login_lockout.LoginLockoutMiddleware",
    "chat.views.errors.DatabaseErrorMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # for Django's admin
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chat.http.theme.theme",
                "chat.http.sidebar.sidebar",
                "chat.context_processors.cookies",
                "chat.context_processors.accounts",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

DATABASES = {"default": connection_settings(DATA_DIR, DATABASE_WAIT_SECONDS)}
WEB_PROCESSES = web_server.WEB_PROCESSES.read(
    web_server.default_processes(
        machine.cores(),
        machine.memory_bytes(),
        has_sqlite=DATABASES["default"]["ENGINE"] == "chatsite.sqlite",
    )
)

AUTHENTICATION_BACKENDS = [
    "chat.accounts.backend.AccountBackend",
    # Checks no password, but keeps sessions that were begun under its name.
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "chat.accounts.hashers.LowMemoryArgon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "email")},
    },
    {
        "NAME": f"{_VALIDATION}.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_CHARACTERS},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "log_in"
LOGIN_REDIRECT_URL = "home"

# Sessions are in the database: a cache would lose them when it dies.
SESSION_ENGINE = "chat.accounts.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
#: Names that are the site's own; with HTTPS browsers accept them only from this host.
COOKIE_NAMES = cookie_names(
    HOST_PREFIX if HTTPS_ONLY else "",
    addresses.COOKIE_SUFFIX.read(),
    SECRET_KEY,
    SECRET_KEY_FALLBACKS,
)
SESSION_COOKIE_NAME = COOKIE_NAMES.own("sessionid")
# Not HttpOnly: the script puts the current token into forms that were opened earlier.
CSRF_COOKIE_NAME = COOKIE_NAMES.own("csrftoken")
LANGUAGE_COOKIE_NAME = COOKIE_NAMES.own("language")
# Only the admin uses messages.
MESSAGE_STORAGE = "chat.http.message_storage.MessageStorage"
CSRF_FAILURE_VIEW = "chat.views.csrf_failure.csrf_failure"

# For a proxy that speaks HTTPS. ``chat.middleware.proxy_headers`` first removes the
# header from requests of others.
PROXY_SCHEME_HEADER = addresses.PROXY_SCHEME_HEADER.read()
SECURE_PROXY_SSL_HEADER = (PROXY_SCHEME_HEADER, "https")
SECURE_SSL_REDIRECT = HTTPS_ONLY
# Health checks and scrapes ask inside a container, without a proxy.
_PROBES = "healthz|livez|metrics|readyz"
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{URL_PREFIX}/'[1:])}({_PROBES})$"]
HSTS_DAYS = addresses.HSTS_DAYS.read()
SECURE_HSTS_SECONDS = 86_400 * HSTS_DAYS if HTTPS_ONLY else 0
# Whether subdomains and preload lists of browsers are included, the operator decides.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if not HTTPS_ONLY:
    # These need HTTPS, which one machine or a private network may not have.
    SILENCED_SYSTEM_CHECKS += [
        "security.W004",
        "security.W008",
        "security.W011",
        "security.W016",
    ]

CONTENT_SECURITY_POLICY = content_security_policy(
    is_https_only=HTTPS_ONLY, has_push=HAS_PUSH
)
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# The site does not use Django's cache, most of whose backends store pickles.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"

DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX_BYTES

STATIC_URL = f"{URL_PREFIX}/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "chatsite.stylesheet.StylesheetFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STATIC_ROOT = storage.STATIC_ROOT.read()
# Another account than the one that collects the files may serve them.
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chatsite.static_version.VersionedStorage"},
}
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

LOG_LEVEL = storage.LOG_LEVEL.read().upper()
_URLS = (storage.REDIS_URL, storage.DATABASE_URL, mail.EMAIL_URL)
TRACING = operation.TRACING.read()
if TRACING and not is_tracing_installed():
    raise ImproperlyConfigured(
        "TRACING=on needs packages: pip install --require-hashes -r locks/tracing.txt"
    )
LOG_FORMAT = storage.LOG_FORMAT.read()
LOGGING = logging_at(
    LOG_LEVEL,
    passwords_in(*(setting.raw() for setting in _URLS))
    | {SECRET_KEY, *filter(None, [VAPID_PRIVATE_KEY])},
    LOG_FORMAT,
)
