"""Django settings: everything from the environment, loud on a bad value.

Read by both tiers: the worker uses the values below without Django's apps or ORM,
so nothing that only the web tier installs may be imported here.
"""

from __future__ import annotations

import re
from pathlib import Path

from chatsite.cookie_names import HOST_PREFIX, cookie_names
from chatsite.database_file import prepare_file
from chatsite.environment import Environment
from chatsite.hosts import allowed_hosts
from chatsite.logs import logging_at
from chatsite.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")

# Where things are
# What people wrote lies in it: closed to other accounts of the machine.
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")
REDIS_CA_FILE = env.file("REDIS_CA_FILE")
REDIS_URL = env.redis_url("REDIS_URL", "redis://127.0.0.1:6379/0")
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "chatsite.sqlite3")}
BIND = env.bind("BIND", "127.0.0.1")
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 1, minimum=1, maximum=64)
WEB_THREADS = env.integer("WEB_THREADS", 16, minimum=1, maximum=1024)
#: How long a write waits for other writers, here and in other processes.
DATABASE_WAIT_SECONDS = env.number("DATABASE_WAIT_SECONDS", 10, minimum=0.1)
#: The other threads go on reading while another process holds the database.
WRITERS_WAITING_MAX = env.integer(
    "WRITERS_WAITING_MAX", max(1, WEB_THREADS // 2), minimum=1
)
# Of each process. A browser has up to six connections, a school of 100 one address.
WEB_CONNECTIONS = env.integer("WEB_CONNECTIONS", 2000, minimum=10, maximum=1_000_000)
WEB_CONNECTIONS_PER_NETWORK = env.integer(
    "WEB_CONNECTIONS_PER_NETWORK", 600, minimum=1, maximum=1_000_000
)
WEB_BUFFER_MB = env.integer("WEB_BUFFER_MB", 64, minimum=1, maximum=1_000_000)
# How long a client may take for its part: the longest message needs 2 kB/s.
WEB_IDLE_SECONDS = env.integer("WEB_IDLE_SECONDS", 20, minimum=1, maximum=3600)
WEB_HEAD_SECONDS = env.integer("WEB_HEAD_SECONDS", 10, minimum=1, maximum=3600)
WEB_BODY_SECONDS = env.integer("WEB_BODY_SECONDS", 120, minimum=1, maximum=86_400)
WEB_SEND_SECONDS = env.integer("WEB_SEND_SECONDS", 30, minimum=1, maximum=3600)
# A process that does not go on is replaced: its main loop, or all of its threads.
WEB_FROZEN_SECONDS = env.integer("WEB_FROZEN_SECONDS", 10, minimum=2, maximum=3600)
WEB_STUCK_SECONDS = env.integer("WEB_STUCK_SECONDS", 60, minimum=1, maximum=86_400)

# What is asked and answered
CHAT_CATALOG = env.path("CHAT_CATALOG", BASE_DIR / "catalog.toml")
CHAT_MODEL = env.text("CHAT_MODEL", "")
# A character takes up to 12 bytes in a form. Text of twice the limit still fits, and
# comes back with its form; a larger body is refused unread.
BODY_BYTES_PER_CHARACTER = 24
BODY_BYTES_BESIDE_TEXT = 65_536
BODY_BYTES_LIMIT = 1_000_000_000
TEXT_LIMIT = (BODY_BYTES_LIMIT - BODY_BYTES_BESIDE_TEXT) // BODY_BYTES_PER_CHARACTER
PROMPT_MAX_CHARACTERS = env.integer(
    "PROMPT_MAX_CHARACTERS", 8000, minimum=1, maximum=TEXT_LIMIT
)
INSTRUCTIONS_MAX_CHARACTERS = env.integer(
    "INSTRUCTIONS_MAX_CHARACTERS", 4000, minimum=1, maximum=TEXT_LIMIT
)
BODY_MAX_BYTES = env.integer(
    "BODY_MAX_BYTES",
    BODY_BYTES_BESIDE_TEXT
    + BODY_BYTES_PER_CHARACTER
    * max(PROMPT_MAX_CHARACTERS, INSTRUCTIONS_MAX_CHARACTERS),
    minimum=1024,
    maximum=BODY_BYTES_LIMIT,
)
REQUEST_MAX_CHARACTERS = env.integer("REQUEST_MAX_CHARACTERS", 24_000, minimum=1)
MESSAGES_SHOWN = env.integer("MESSAGES_SHOWN", 50, minimum=2, maximum=1000)
PROMPTS_AHEAD_MAX = env.integer("PROMPTS_AHEAD_MAX", 20, minimum=1)
VARIANTS_AT_ONCE_MAX = env.integer("VARIANTS_AT_ONCE_MAX", 4, minimum=1, maximum=20)
QUEUE_REPLIES_MAX = env.integer("QUEUE_REPLIES_MAX", 5000, minimum=1)
REPLY_MAX_TOKENS = env.integer("REPLY_MAX_TOKENS", 4000, minimum=1)
REPLY_MAX_SECONDS = env.number("REPLY_MAX_SECONDS", 3600, minimum=1)
DELETED_KEEP_HOURS = env.number("DELETED_KEEP_HOURS", 24, minimum=0, maximum=876_000)
REPLY_EXPIRY_SECONDS = env.number("REPLY_EXPIRY_SECONDS", 86_400, minimum=1)

# Who may ask
GUESTS = env.flag("GUESTS", True)
SIGNUP = env.one_of("SIGNUP", "open", ("open", "invitation", "closed"))
GUEST_IDLE_DAYS = env.number("GUEST_IDLE_DAYS", 30, minimum=1, maximum=36_500)
HTTPS_ONLY = env.flag("HTTPS_ONLY", False)
# The server itself speaks no TLS: with HTTPS there is a proxy, mostly on this machine.
TRUSTED_PROXIES = env.proxies(
    "TRUSTED_PROXIES", ["127.0.0.1", "::1"] if HTTPS_ONLY else []
)

# How much: of a guest, of an account, and of all guests of one network together
GUEST_PROMPTS_PER_MINUTE = env.limit("GUEST_PROMPTS_PER_MINUTE", 60)
GUEST_PROMPTS_PER_DAY = env.limit("GUEST_PROMPTS_PER_DAY", 1000)
GUEST_REPLIES_WAITING = env.limit("GUEST_REPLIES_WAITING", 100)
GUEST_TOKENS_PER_DAY = env.limit("GUEST_TOKENS_PER_DAY", 1_000_000)
ACCOUNT_PROMPTS_PER_MINUTE = env.limit("ACCOUNT_PROMPTS_PER_MINUTE", 120)
ACCOUNT_PROMPTS_PER_DAY = env.limit("ACCOUNT_PROMPTS_PER_DAY", 3000)
ACCOUNT_REPLIES_WAITING = env.limit("ACCOUNT_REPLIES_WAITING", 200)
ACCOUNT_TOKENS_PER_DAY = env.limit("ACCOUNT_TOKENS_PER_DAY", 3_000_000)
NETWORK_PROMPTS_PER_MINUTE = env.limit("NETWORK_PROMPTS_PER_MINUTE", 300)
NETWORK_PROMPTS_PER_DAY = env.limit("NETWORK_PROMPTS_PER_DAY", 5000)
NETWORK_REPLIES_WAITING = env.limit("NETWORK_REPLIES_WAITING", 500)
NETWORK_TOKENS_PER_DAY = env.limit("NETWORK_TOKENS_PER_DAY", 5_000_000)
NETWORK_GUESTS_PER_HOUR = env.limit("NETWORK_GUESTS_PER_HOUR", 500)
NETWORK_SIGNUPS_PER_HOUR = env.limit("NETWORK_SIGNUPS_PER_HOUR", 60)
NETWORK_MAILS_PER_HOUR = env.limit("NETWORK_MAILS_PER_HOUR", 30)

# How often somebody may be wrong about a password
LOGIN_FAILURES_MAX = env.integer("LOGIN_FAILURES_MAX", 10, minimum=1)
LOGIN_LOCK_MINUTES = env.number(
    "LOGIN_LOCK_MINUTES", 15, minimum=0.01, maximum=52_560_000
)
NETWORK_LOGIN_FAILURES_PER_HOUR = env.integer(
    "NETWORK_LOGIN_FAILURES_PER_HOUR", 100, minimum=1
)

PASSWORD_MIN_CHARACTERS = env.integer("PASSWORD_MIN_CHARACTERS", 10, minimum=8)
#: Conversations that nobody touched for so long are deleted; 0 keeps them.
RETENTION_DAYS = env.number("RETENTION_DAYS", 0, minimum=0, maximum=36_500)

# Where the site is reached, and how mail leaves it
#: The path under which a proxy has the site. Gunicorn's name for it counts, too.
URL_PREFIX = env.prefix("URL_PREFIX", "SCRIPT_NAME")
SITE_URL = env.site("SITE_URL", URL_PREFIX)
globals().update(env.mail("EMAIL_URL"))
HAS_MAIL = bool(env.text("EMAIL_URL", ""))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.sender("MAIL_FROM", "chatsite@localhost")
PASSWORD_RESET_TIMEOUT = 86_400

# How the tiers work together
LEASE_SECONDS = env.number("LEASE_SECONDS", 10, minimum=1)
MAX_LOSSES = env.integer("MAX_LOSSES", 3, minimum=1)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 1, minimum=0.05)
POLL_SECONDS = env.number("POLL_SECONDS", 0.4, minimum=0.05)
POLL_IDLE_SECONDS = env.number("POLL_IDLE_SECONDS", 20, minimum=1)

# The worker
WORKERS = env.integer("WORKERS", 1, minimum=0, maximum=64)
WORKER_SLOTS = env.integer("WORKER_SLOTS", 8, minimum=1, maximum=1024)
WORKER_MEMORY_MB = env.integer("WORKER_MEMORY_MB", 0, minimum=0)
WORKER_PREFILL_TOKENS = env.integer("WORKER_PREFILL_TOKENS", 0, minimum=0)
WORKER_DEVICE = env.device("WORKER_DEVICE", "auto")
WORKER_THREADS = env.integer("WORKER_THREADS", 0, minimum=0)
WORKER_FLUSH_SECONDS = env.number("WORKER_FLUSH_SECONDS", 0.25, minimum=0.05)
WORKER_STALL_SECONDS = env.number("WORKER_STALL_SECONDS", 120, minimum=1)
WORKER_GRACE_SECONDS = env.number("WORKER_GRACE_SECONDS", 25, minimum=0)

# Django itself
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = secret_key(env, DATA_DIR)
#: What an earlier key signed still counts while it stands here.
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", allowed_hosts(BIND))
# The site's own address is where its forms come from, whatever a proxy makes of it.
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS") + [SITE_URL] * bool(SITE_URL)
FORCE_SCRIPT_NAME = URL_PREFIX or None
ROOT_URLCONF = "chatsite.urls"
WSGI_APPLICATION = "chatsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "chat.User"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
#: English is what the code says; every other one needs its folder in ``locale``.
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]

INSTALLED_APPS = [
    "chat.apps.SupportConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "chat",
]
MIDDLEWARE = [
    # Around everything, so that no answer leaves without them.
    "chat.views.headers.Headers",
    "csp.middleware.CSPMiddleware",
    # What follows may believe what a request says of its scheme, host and path.
    "chat.views.proxy.Proxy",
    "chat.views.headers.AdminPolicy",
    "django.middleware.security.SecurityMiddleware",
    # Around static files too: what was compressed beforehand passes as it is.
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Around the session, which is saved by then.
    "chat.accounts.presence.Presence",
    "chat.accounts.own_cookies.OwnCookies",
    "chat.accounts.session_cookie.SessionCookie",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chat.accounts.authentication.Authentication",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "chat.accounts.gate.Gate",
    "chat.views.time_zone.TimeZone",
    # Within the zone of whoever asks: it tells a time.
    "chat.accounts.locked.Locked",
    "chat.views.errors.DatabaseGuard",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # those of Django's admin
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chat.views.theme.theme",
                "chat.accounts.context.cookies",
                "chat.accounts.context.accounts",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# Database: short transactions, and on SQLite one writer at a time who waits its turn.
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "chatsite.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_WAIT_SECONDS,
        # FULL syncs the log at each commit: NORMAL would lose acknowledged messages in
        # a power cut. On macOS a sync reaches the disk itself only with ``fullfsync``.
        # What is erased is overwritten in the file as well.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA fullfsync=ON;"
            "PRAGMA secure_delete=ON;"
        ),
    }
    prepare_file(Path(str(DATABASES["default"]["NAME"])), DATA_DIR)
else:
    DATABASES["default"]["ENGINE"] = "chatsite.postgresql"
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)

AUTHENTICATION_BACKENDS = [
    "chat.accounts.backend.AccountBackend",
    # Asked for nobody's password: sessions begun under this name go on.
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "chat.accounts.hashing.Argon2",
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

# Sessions live in the database: cached ones do not outlive a dead cache.
SESSION_ENGINE = "chat.accounts.sessions"
SESSION_COOKIE_AGE = 86_400 * env.integer(
    "SESSION_DAYS", 365, minimum=1, maximum=36_500
)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
#: A browser takes such a cookie only from this very host, and over HTTPS.
COOKIE_NAMES = cookie_names(
    HOST_PREFIX if HTTPS_ONLY else "",
    env.cookie_suffix("COOKIE_SUFFIX"),
    SECRET_KEY,
    SECRET_KEY_FALLBACKS,
)
SESSION_COOKIE_NAME = COOKIE_NAMES.own("sessionid")
# Not HttpOnly: the script puts a newer token into forms that were opened earlier.
CSRF_COOKIE_NAME = COOKIE_NAMES.own("csrftoken")
LANGUAGE_COOKIE_NAME = COOKIE_NAMES.own("language")
# Only the admin has messages.
MESSAGE_STORAGE = "chat.accounts.message_storage.MessageStorage"
CSRF_FAILURE_VIEW = "chat.views.csrf.csrf_failure"

# Behind a proxy that speaks HTTPS. What others say of the scheme is taken away first
# (``chat.views.proxy``).
PROXY_SCHEME_HEADER = env.scheme_header("PROXY_SCHEME_HEADER", "X-Forwarded-Proto")
SECURE_PROXY_SSL_HEADER = (PROXY_SCHEME_HEADER, "https")
SECURE_SSL_REDIRECT = HTTPS_ONLY
# Asked from inside a container, where no proxy is.
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{URL_PREFIX}/healthz'[1:])}$"]
HSTS_DAYS = env.integer("HSTS_DAYS", 365, minimum=0, maximum=3650)
SECURE_HSTS_SECONDS = 86_400 * HSTS_DAYS if HTTPS_ONLY else 0
# Other hosts below this one's name, and lists inside browsers, are not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if not HTTPS_ONLY:
    # Without HTTPS, on one machine or in a private network, none of this can be.
    SILENCED_SYSTEM_CHECKS += [
        "security.W004",
        "security.W008",
        "security.W011",
        "security.W016",
    ]

# No page needs anything from elsewhere, nor anything inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "manifest-src": ["'self'"],
        "object-src": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["default"],
        "upgrade-insecure-requests": HTTPS_ONLY,
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# Django's cache is not used; most of its backends would keep pickles.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"

DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX_BYTES

STATIC_URL = f"{URL_PREFIX}/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", Path()) if env.text("STATIC_ROOT", "") else None
# Who serves them may be another account than the one that collects them.
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

LOG_LEVEL = env.one_of("LOG_LEVEL", "info", LOG_LEVELS).upper()
LOGGING = logging_at(
    LOG_LEVEL, env.passwords("REDIS_URL", "DATABASE_URL", "EMAIL_URL") | {SECRET_KEY}
)
