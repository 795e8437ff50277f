"""Django settings: everything from the environment, loud on a bad value.

Read by both tiers: the worker uses the values below without Django's apps or ORM,
so nothing that only the web tier installs may be imported here.
"""

from __future__ import annotations

from pathlib import Path

from chatsite.environment import Environment, allowed_hosts, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")

# Where things are
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "data")
# What people wrote lies in it: closed to other accounts of the machine.
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
REDIS_URL = env.redis_url("REDIS_URL", "redis://127.0.0.1:6379/0")
DATABASES = {
    "default": env.database(
        "DATABASE_URL", f"sqlite:///{DATA_DIR / 'chatsite.sqlite3'}"
    )
}
BIND = env.text("BIND", "127.0.0.1")
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 1, minimum=1, maximum=64)
WEB_THREADS = env.integer("WEB_THREADS", 16, minimum=1, maximum=1024)

# What is asked and answered
CHAT_CATALOG = env.path("CHAT_CATALOG", BASE_DIR / "catalog.toml")
CHAT_MODEL = env.text("CHAT_MODEL", "")
PROMPT_MAX_CHARACTERS = env.integer("PROMPT_MAX_CHARACTERS", 8000, minimum=1)
INSTRUCTIONS_MAX_CHARACTERS = env.integer(
    "INSTRUCTIONS_MAX_CHARACTERS", 4000, minimum=1
)
REQUEST_MAX_CHARACTERS = env.integer("REQUEST_MAX_CHARACTERS", 24_000, minimum=1)
MESSAGES_SHOWN = env.integer("MESSAGES_SHOWN", 50, minimum=2, maximum=1000)
PROMPTS_AHEAD_MAX = env.integer("PROMPTS_AHEAD_MAX", 20, minimum=1)
VARIANTS_AT_ONCE_MAX = env.integer("VARIANTS_AT_ONCE_MAX", 4, minimum=1, maximum=20)
OWNER_REPLIES_MAX = env.integer("OWNER_REPLIES_MAX", 100, minimum=1)
QUEUE_REPLIES_MAX = env.integer("QUEUE_REPLIES_MAX", 5000, minimum=1)
REPLY_MAX_TOKENS = env.integer("REPLY_MAX_TOKENS", 4000, minimum=1)
REPLY_MAX_SECONDS = env.number("REPLY_MAX_SECONDS", 3600, minimum=1)
DELETED_KEEP_HOURS = env.number("DELETED_KEEP_HOURS", 24, minimum=0)
REPLY_EXPIRY_SECONDS = env.number("REPLY_EXPIRY_SECONDS", 86_400, minimum=1)

# Who may ask
GUESTS = env.flag("GUESTS", True)
SIGNUP = env.one_of("SIGNUP", "open", ("open", "invitation", "closed"))
GUEST_IDLE_DAYS = env.number("GUEST_IDLE_DAYS", 30, minimum=1)
TRUSTED_PROXIES = env.proxies("TRUSTED_PROXIES")

# How the tiers work together
LEASE_SECONDS = env.number("LEASE_SECONDS", 10, minimum=1)
MAX_LOSSES = env.integer("MAX_LOSSES", 3, minimum=1)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 1, minimum=0.05)
POLL_SECONDS = env.number("POLL_SECONDS", 0.4, minimum=0.05)
POLL_IDLE_SECONDS = env.number("POLL_IDLE_SECONDS", 20, minimum=1)

# The worker
WORKERS = env.integer("WORKERS", 1, minimum=1, maximum=64)
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
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", allowed_hosts(BIND))
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
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
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "chat",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Around static files too: what was compressed beforehand passes as it is.
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "chat.views.time_zone.TimeZone",
    "chat.views.errors.DatabaseGuard",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chat.views.theme.theme",
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
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    folder = Path(str(DATABASES["default"]["NAME"])).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
else:
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)

# Sessions live in the database: cached ones do not outlive a dead cache.
SESSION_ENGINE = "chat.accounts.sessions"
SESSION_COOKIE_AGE = 86_400 * env.integer("SESSION_DAYS", 365, minimum=1)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS_ONLY = env.flag("HTTPS_ONLY", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "chat.views.errors.csrf_failure"

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
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'self'"],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"

# Django's cache is not used; most of its backends would keep pickles.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"

# Room for a prompt far too long, so that its form can come back with the text kept.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(4_194_304, 16 * PROMPT_MAX_CHARACTERS)

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.text("STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

LOG_LEVEL = env.one_of("LOG_LEVEL", "info", LOG_LEVELS).upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
