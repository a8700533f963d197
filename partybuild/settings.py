"""The only settings file. Everything that differs between installations comes from the environment.

README.md lists the variables. A value that cannot be read stops the start with an error that names it.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from partybuild import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- From the environment ----------------------------------------------------------------------

DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.secret(
    "SECRET_KEY",
    debug=DEBUG,
    debug_default="django-insecure-for-debugging-only-never-used-when-debug-is-off",
)
# The record is sealed by the first; the others prove what they sealed before. Never in the database.
SEAL_KEYS = env.keys("SEAL_KEY", debug=DEBUG, debug_default="for-debugging-only-never-used-when-debug-is-off")
# Walled logbooks are encrypted by the first, the others still decrypt; without one there are none.
WALL_KEYS = env.keys(
    "WALL_KEY", debug=DEBUG, debug_default="for-debugging-only-walled-logbooks", required=False
)
SEAL_COPY = env.absolute("SEAL_COPY")  # where the newest seal is noted, outside the database
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
# Who cannot have a lock for so long gets the page that says so; a request must end before gunicorn ends it.
LOCK_WAIT_SECONDS = env.integer("LOCK_WAIT_SECONDS", default=5, least=1, most=20)
STATEMENT_SECONDS = env.integer("STATEMENT_SECONDS", default=30, least=2, most=600)
DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        default_file=BASE_DIR / "var" / "registry.sqlite3",
        base=BASE_DIR,
        lock_wait=LOCK_WAIT_SECONDS,
    )
}
# Pages that only read may come from a server that follows the first, unless it is too far behind.
DATABASE_REPLICA = env.replica(
    "DATABASE_REPLICA_URL", primary=DATABASES["default"], lock_wait=LOCK_WAIT_SECONDS
)
REPLICA_SECONDS = env.integer("REPLICA_SECONDS", default=10, least=1, most=600)
# Are pages served over https? Then cookies go over https only and browsers are told to stay there.
# gunicorn believes X-Forwarded-Proto from a proxy on this machine (elsewhere: FORWARDED_ALLOW_IPS).
# An intranet without certificates sets TLS=0.
TLS = env.boolean("TLS", default=not DEBUG)
# X-Forwarded-For is believed only from these.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
SESSION_IDLE_MINUTES = env.integer("SESSION_IDLE_MINUTES", default=30, least=1, most=43_200)
# So many days after its founding an organization that is not approved is overdue.
APPROVAL_DAYS = env.integer("APPROVAL_DAYS", default=3, least=1, most=365)
PASSWORD_DAYS = env.integer("PASSWORD_DAYS", default=90, least=0, most=3_650)  # 0: a password never gets old
# Photos and files, under names that say nothing; a backup holds it together with the database.
FILES_DIR = env.absolute("FILES_DIR") or BASE_DIR / "var" / "files"
# Backups (registry/operating): where to, how many, and the server on which one is tried out.
BACKUP_DIR = env.absolute("BACKUP_DIR")
BACKUP_DAILY = env.integer("BACKUP_DAILY", default=7, least=1, most=3_650)
BACKUP_WEEKLY = env.integer("BACKUP_WEEKLY", default=4, least=0, most=520)
BACKUP_PROOF_URL = env.text("BACKUP_PROOF_URL")
PG_BIN = env.absolute("PG_BIN")  # PostgreSQL's programs, where they are in no usual place
# So many megabytes of uploaded workbooks are kept, of one user and of one bureau.
UPLOADS_OF_USER_MB = env.integer("UPLOADS_OF_USER_MB", default=60, least=20, most=100_000)
UPLOADS_OF_BUREAU_MB = env.integer("UPLOADS_OF_BUREAU_MB", default=1_000, least=20, most=1_000_000)
EXPORTS_OF_USER_MB = env.integer("EXPORTS_OF_USER_MB", default=200, least=20, most=100_000)
# gunicorn.conf.py: processes, and threads of each. A quarter of the threads at most receive long uploads.
WEB_WORKERS = env.integer("WEB_WORKERS", default=3, least=1, most=64)
WEB_THREADS = env.integer("WEB_THREADS", default=16, least=2, most=64)
UPLOADS_AT_ONCE = max(1, WEB_THREADS // 4)
# So many requests that read are worked on at once in a process (turns.py); 64: none waits.
READERS_AT_ONCE = env.integer("READERS_AT_ONCE", default=2, least=1, most=64)
LOG_DIR = env.directory("LOG_DIR")
LOG_DAYS = env.integer("LOG_DAYS", default=400, least=180, most=36_500)  # the law asks for six months
LOG_MB = env.integer("LOG_MB", default=5_000, least=100, most=10_000_000)  # all files together
LOG_FORMAT = env.choice("LOG_FORMAT", "LINE", ("LINE", "JSON"))  # of what the service manager takes
LOG_REQUESTS = env.boolean("LOG_REQUESTS", default=not DEBUG)  # runserver writes a line of its own
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
# With a mail server, who wants it is sent a line when something waits on the desk; nothing needs it.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", default=25, least=1, most=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_SECURITY = env.choice("EMAIL_SECURITY", "NONE", ("NONE", "STARTTLS", "TLS"))
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "STARTTLS", EMAIL_SECURITY == "TLS"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "registry@localhost")
ADMINS = [(address, address) for address in env.addresses("ADMINS")]  # they are mailed what goes wrong
EMAIL_SUBJECT_PREFIX = "[战时党建组织登记系统] "
READ_ONLY = env.boolean("READ_ONLY", default=False)  # pages are read, nothing is changed
MAINTENANCE = env.boolean("MAINTENANCE", default=False)  # every page says that the registry is closed
# What processes tell each other beside the database: mode, measurements, slow pages.
STATE_DIR = env.absolute("STATE_DIR") or BASE_DIR / "var" / "state"
SLOW_PAGE_MS = env.integer("SLOW_PAGE_MS", default=2_000, least=10, most=600_000)
SLOW_QUERY_MS = env.integer("SLOW_QUERY_MS", default=500, least=1, most=600_000)
# Who may read /metrics; gunicorn.conf.py says where its processes count, and which of them this is.
METRICS_FROM = env.networks("METRICS_FROM", default="127.0.0.1,::1")
METRICS_DIR = env.absolute("PROMETHEUS_MULTIPROC_DIR")
WORKER_PLACE = env.integer("WORKER_PLACE", default=0, least=0, most=1_000)
PORT = env.integer("PORT", default=8000, least=1, most=65_535)  # the one `make run` serves on

# --- Parts -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",
    # Before the libraries whose commands it replaces by recorded ones.
    "registry.apps.RegistryConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "mptt",
    "django_htmx",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_tasks",
    "django_tasks_db",
    "registry.work",
    "registry.web",
    "registry.files",
    "registry.accounts",
    "registry.approvals",
    "registry.imports",
    "registry.closings",
    "registry.exports",
    "registry.compliance",
    "registry.operating",
    "registry.reports",
    "registry.service",
    "registry.logbooks",
    "registry.pages",
    "registry.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registry.web.middleware.RequestNumberMiddleware",
    "registry.operating.requests.RequestLogMiddleware",
    "registry.web.middleware.ClientAddressMiddleware",
    "registry.web.middleware.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "registry.operating.front.FrontMiddleware",
    "registry.web.middleware.BodySizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "registry.web.middleware.SessionEndMiddleware",
    "registry.web.middleware.HierarchyMiddleware",
    # Every page needs a login, unless its view says otherwise.
    "registry.accounts.middleware.LoginRequiredMiddleware",
    "registry.accounts.middleware.PasswordDueMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "registry.operating.replica.ReplicaMiddleware",
    "registry.web.once.OnceMiddleware",
    "registry.web.middleware.ReadOnlyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # Last: it replaces the answer to a locked-out login.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "partybuild.urls"
WSGI_APPLICATION = "partybuild.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "registry.web.context.frame",
            ],
        },
    },
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Login --------------------------------------------------------------------------------------

AUTH_USER_MODEL = "registry.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "registry.accounts.lockout.Backend",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "registry.accounts.passwords.NotLikeTheUser",
        "OPTIONS": {"user_attributes": ("username", "display_name")},
    },
    {
        "NAME": "registry.accounts.passwords.LongEnough",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "registry.accounts.passwords.NotCommon"},
    {"NAME": "registry.accounts.passwords.CharacterKinds"},
    {"NAME": "registry.accounts.strength.HardToGuess"},
    {"NAME": "registry.accounts.passwords.NotRecent"},
]

# After so many wrong passwords the next try waits, twice as long each time, LOGIN_LOCK at most: one account
# at one address (or in a browser that it has come in by before), one account from anywhere, one address.
LOGIN_FIRST_WAIT = timedelta(minutes=1)
LOGIN_LOCK = timedelta(minutes=15)
LOGIN_FORGOTTEN = timedelta(hours=12)  # so long after the last one wrong passwords count no more
LOGIN_FAILURES = {"both": 5, "account": 20, "address": 50}
# Wrong pairs of number and name, and numbers that are taken elsewhere, within that time: all doors together.
PLACING_FAILURES = 50
AXES_HANDLER = "registry.accounts.lockout.LoginHandler"
AXES_FAILURE_LIMIT = LOGIN_FAILURES["both"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_COOLOFF_TIME = LOGIN_FORGOTTEN
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # nobody is locked out for ever by somebody else
AXES_LOCKOUT_CALLABLE = "registry.accounts.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # logins are in the record
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username"]  # somebody may have typed a password there; never logged

OTP_TOTP_ISSUER = "战时党建登记"  # shown by the authenticator

# A session ends when unused for so long, and in any case after SESSION_LONGEST.
SESSION_ENGINE = "registry.models.session"
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60
SESSION_LONGEST = timedelta(hours=12)
SESSION_COOKIE_SECURE = TLS
DEVICE_COOKIE_NAME = "__Host-device" if TLS else "device"
SESSION_COOKIE_NAME = "__Host-sessionid" if TLS else "sessionid"
ENTERING_COOKIE_NAME = "__Host-entering" if TLS else "entering"  # of who enters data: turns.py
CSRF_COOKIE_SECURE = TLS
CSRF_COOKIE_NAME = "__Host-csrftoken" if TLS else "csrftoken"
CSRF_COOKIE_HTTPONLY = True  # pages hand the token to htmx themselves
CSRF_FAILURE_VIEW = "registry.web.errors.csrf_failure"

# --- Long work: `manage.py work` takes it from the database --------------------------------------

# A queue for each user: they take turns (registry.work.queue).
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

# --- Size of requests --------------------------------------------------------------------------

MAX_BODY_BYTES = 21 * 1024 * 1024  # a file of 20 MB with the form around it
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # without files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000  # some hundred people chosen at once, each with a role
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- Security of browsers ----------------------------------------------------------------------

SECURE_SSL_REDIRECT = TLS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from beside the server, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = TLS
# Preloading is for names of the public internet; a registry stands on an intranet.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "publickey-credentials-get",
        "screen-wake-lock",
        "sync-xhr",
        "usb",
        "xr-spatial-tracking",
    )
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# --- Language and time -------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- Files that never change -------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "partybuild.statics.StaticFiles"
    },
}

# --- Log ---------------------------------------------------------------------------------------


def add_request_number(record: logging.LogRecord) -> bool:
    """Add the request number, which the error page shows, to the log line."""
    request = getattr(record, "request", None)
    record.request_number = getattr(request, "request_number", "-")
    return True


LOG_HANDLERS: dict[str, Any] = {
    "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT.lower()},
}
if LOG_DIR:
    LOG_HANDLERS["files"] = {
        "()": "partybuild.logs.DailyFiles",
        "directory": LOG_DIR,
        "days": LOG_DAYS,
        "megabytes": LOG_MB,
        "formatter": "json",
    }
if ADMINS and EMAIL_HOST:
    LOG_HANDLERS["mail"] = {"()": "partybuild.logs.MailAdministrators", "state": STATE_DIR}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_number": {"()": "django.utils.log.CallbackFilter", "callback": add_request_number},
    },
    "formatters": {
        "json": {"()": "partybuild.logs.JsonLines"},
        "line": {"format": "{asctime} {levelname} {name} [{request_number}] {message}", "style": "{"},
    },
    "handlers": {name: {**each, "filters": ["request_number"]} for name, each in LOG_HANDLERS.items()},
    "root": {"handlers": list(LOG_HANDLERS), "level": LOG_LEVEL},
    "loggers": {
        # Otherwise Django's own handlers mail the admins and print some lines twice.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # Logins are in the record; the log has attempts during a lock.
        "axes": {"level": "WARNING"},
    },
}

# What a backup keeps of all this.
SETTINGS_WITHOUT_SECRETS = env.without_secrets()
