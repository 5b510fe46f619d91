"""Settings of Một Cửa, all of them read from the environment.

Without any environment the portal runs in demo mode: SQLite and files under `var/`,
demo people, a sandbox payment gateway and a demo signing key. `PRODUCTION=1` turns
every one of those off and demands what a real office needs; `portal/checks.py` says
which setting is missing.
"""

import secrets
from pathlib import Path

import bootstrap_wrapper
import environ
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

PRODUCTION = env.bool("PRODUCTION", default=False)
DEMO = env.bool("DEMO", default=not PRODUCTION)
DEBUG = env.bool("DEBUG", default=False)

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _local_secret(name: str) -> str:
    """A random secret kept in `var/`, so that a demo keeps its sessions between starts."""
    path = VAR_DIR / name
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii")


SECRET_KEY = env.str("SECRET_KEY", default="") or (
    "" if PRODUCTION else _local_secret("secret_key")
)

# By which the ledger's daily roots are sealed; without it, one derived from SECRET_KEY.
LEDGER_KEY = env.str("LEDGER_KEY", default="")

PORT = env.int("PORT", default=8000)
SITE_URL = env.str("SITE_URL", default="" if PRODUCTION else f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
# Where procedures are filed whose official place is the national portal; may hold a {code}.
NATIONAL_PORTAL_URL = env.str("NATIONAL_PORTAL_URL", default="https://dichvucong.gov.vn/")
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []

# --- Apps -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "portal.apps.OfficialsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "procedures",
    "dossiers",
    "payments",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.PermissionsPolicy",
    # Before WhiteNoise, which answers for static files by itself: they carry the policy too.
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.middleware.ChosenLanguage",
    "django.middleware.common.CommonMiddleware",
    "portal.middleware.NormaliseText",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.TooManyRequests",
    "portal.locking.ScreenLock",
    "portal.sessions.SessionTimeouts",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.NoStoreForPeople",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "portal.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csp",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
CRISPY_FAIL_SILENTLY = False

# --- Data -----------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Django's default mode loses concurrent writes: it upgrades a read lock too late.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        # Bound on the server, so that a failing statement is not logged with people's data.
        "server_side_binding": True,
        "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL", default=8), "timeout": 5},
        "options": "-c statement_timeout=10s -c lock_timeout=3s"
        " -c idle_in_transaction_session_timeout=30s",
    }

REDIS_URL = env.str("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    # In the database, not in a process: rate limits must hold across workers.
    else {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Django keeps 300, so that a flood of addresses would push rate limits out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

S3_BUCKET = env.str("AWS_STORAGE_BUCKET_NAME", default="")
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.str("AWS_S3_ENDPOINT_URL", default=None),
            "file_overwrite": False,
            "default_acl": None,
            "querystring_expire": 60,
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files", "base_url": None},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_TEMP_DIR = str(VAR_DIR / "uploads")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_PERMISSIONS = 0o600
# An editor loads the files of thirty procedures at once; a dossier counts its own.
DATA_UPLOAD_MAX_NUMBER_FILES = 50
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
MAX_UPLOAD_MB = env.int("MAX_UPLOAD_MB", default=10)
# One request, with all its files; it is refused before anything is stored.
MAX_REQUEST_MB = env.int("MAX_REQUEST_MB", default=220)
FILE_UPLOAD_HANDLERS = [
    "portal.uploadhandlers.BoundedRequest",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# What one person may send in a day, and how many files are opened at once on this machine.
MAX_UPLOAD_MB_A_DAY = env.int("MAX_UPLOAD_MB_A_DAY", default=300)
READERS_AT_ONCE = env.int("READERS_AT_ONCE", default=3)
# A clamd that looks at every file first, "host:port" or the path of its socket; empty: none.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")
# A file of procedures that an editor uploads, and what a packed one may unpack to.
CATALOGUE_FILE_MB = env.int("CATALOGUE_FILE_MB", default=100)
CATALOGUE_UNPACKED_MB = env.int("CATALOGUE_UNPACKED_MB", default=500)

# A draft that nobody touches is deleted after so many days, and its owner warned before.
DRAFT_DAYS = env.int("DRAFT_DAYS", default=90)
DRAFT_WARNING_DAYS = env.int("DRAFT_WARNING_DAYS", default=14)
# One person files no more in an hour: room for a proxy, too little to bury an office.
FILINGS_PER_HOUR = env.int("FILINGS_PER_HOUR", default=30)

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", Path(bootstrap_wrapper.__file__).parent.parent / "bootstrap" / "css"),
]
SEARCH_DIR = VAR_DIR / "search"

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

# --- Language and time ----------------------------------------------------------------

LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", _("Tiếng Việt")), ("en", _("Tiếng Anh"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
# Django's Vietnamese formats read 03/02 as the second of March.
FORMAT_MODULE_PATH = ["portal.formats"]
TIME_ZONE = "Asia/Ho_Chi_Minh"
USE_TZ = True

# --- Accounts -------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["portal.roles.PostingBackend"]
PASSWORD_HASHERS = [
    "portal.hashers.Argon2id",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    # A citizen number has twelve digits too.
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "portal.passwords.NotOnlyLocalWords"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dossiers:mine"
PASSWORD_RESET_TIMEOUT = 3600

ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "account_number"
ACCOUNT_LOGIN_METHODS = {"email", "phone", "username"}
# The form asks for one of the two; allauth wants the address starred where it is confirmed.
ACCOUNT_SIGNUP_FIELDS = ["email*", "phone", "password1*"]
SOCIALACCOUNT_EMAIL_REQUIRED = False
# An account number is for logging in; nobody registers with one.
SILENCED_SYSTEM_CHECKS = ["account.W001"]
ACCOUNT_SIGNUP_FORM_CLASS = "portal.accounts.PersonForm"
ACCOUNT_FORMS = {
    "login": "portal.accountforms.LoginForm",
    "signup": "portal.accountforms.SignupForm",
    "reset_password": "portal.accountforms.ResetPasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT = {"numeric": True, "length": 8, "dashed": False}
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_USER_DISPLAY = "portal.accounts.display_name"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Một Cửa] "
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/300s/key,30/d/key",
    # A code by SMS costs money and rings somebody's telephone.
    "verify_phone": "1/30s/key,10/d/key,5/m/ip",
    "change_phone": "3/m/user",
    "reset_password": "20/m/ip,5/m/key,20/d/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
MFA_FORMS = {
    "add_webauthn": "portal.keyforms.AddKeyForm",
    "edit_webauthn": "portal.keyforms.EditKeyForm",
}
MFA_ADAPTER = "portal.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Một Cửa"

# The slip with which a person takes over an account that the counter opened.
ACTIVATION_DAYS = env.int("ACTIVATION_DAYS", default=30)
# How long the copy of one's data stays to be fetched.
EXPORT_DAYS = env.int("EXPORT_DAYS", default=7)

# Nobody at the screen for so many minutes: the session ends; an official's in any case
# after so many hours.
CITIZEN_IDLE_MINUTES = env.int("CITIZEN_IDLE_MINUTES", default=60)
OFFICIAL_IDLE_MINUTES = env.int("OFFICIAL_IDLE_MINUTES", default=30)
# The screen locks earlier (0: by its button alone); the password opens the same page again.
SCREEN_LOCK_MINUTES = env.int("SCREEN_LOCK_MINUTES", default=10)
OFFICIAL_SESSION_HOURS = env.int("OFFICIAL_SESSION_HOURS", default=10)

# Logging in through VNeID or any other OpenID Connect service; without an issuer, not offered.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="").rstrip("/")
OIDC_NAME = env.str("OIDC_NAME", default="VNeID")
OIDC_CITIZEN_NUMBER_CLAIM = env.str("OIDC_CITIZEN_NUMBER_CLAIM", default="citizen_number")
OIDC_SCOPE = env.list("OIDC_SCOPE", default=["openid", "profile", "email", "phone"])
SOCIALACCOUNT_ADAPTER = "portal.openid.OpenIdAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "portal.openid.Provider",
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID", default=""),
                "secret": env.str("OIDC_CLIENT_SECRET", default=""),
                "settings": {
                    "server_url": OIDC_ISSUER,
                    "scope": env.list(
                        "OIDC_SCOPE", default=["openid", "profile", "email", "phone"]
                    ),
                },
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}

# --- Security -------------------------------------------------------------------------

SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_AGE = 60 * 60 * 10
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31536000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.int("TRUSTED_PROXY_COUNT", default=0) else None
)
X_FRAME_OPTIONS = "DENY"

# Where the browser may be sent to pay: our own sandbox, and the gateway of production.
VNPAY_PAY_URL = env.str(
    "VNPAY_PAY_URL", default="" if PRODUCTION else f"{SITE_URL}/thanh-toan/cong-thu/"
)
VNPAY_TMN_CODE = env.str("VNPAY_TMN_CODE", default="" if PRODUCTION else "GIOLINH1")
VNPAY_HASH_SECRET = env.str(
    "VNPAY_HASH_SECRET", default="" if PRODUCTION else "SANDBOX-SECRET-NOT-FOR-MONEY"
)
VNPAY_QUERY_URL = env.str(
    "VNPAY_QUERY_URL", default="" if PRODUCTION else f"{SITE_URL}/thanh-toan/cong-thu/truy-van/"
)
MOMO_URL = env.str("MOMO_URL", default="" if PRODUCTION else f"{SITE_URL}/thanh-toan/cong-thu/momo")
MOMO_PARTNER_CODE = env.str("MOMO_PARTNER_CODE", default="" if PRODUCTION else "GIOLINH1")
MOMO_ACCESS_KEY = env.str("MOMO_ACCESS_KEY", default="" if PRODUCTION else "SANDBOX-ACCESS-KEY")
MOMO_SECRET_KEY = env.str(
    "MOMO_SECRET_KEY", default="" if PRODUCTION else "SANDBOX-SECRET-NOT-FOR-MONEY"
)
PAYMENT_SANDBOX = env.bool("PAYMENT_SANDBOX", default=not PRODUCTION)
# With which the bank signs what it tells of credits; without it that address is not there.
BANK_WEBHOOK_SECRET = env.str(
    "BANK_WEBHOOK_SECRET", default="" if PRODUCTION else "SANDBOX-BANK-SECRET-NOT-FOR-MONEY"
)

# The class that speaks to the office's e-receipt service; empty: no legal receipt from here.
ERECEIPT_BACKEND = env.str(
    "ERECEIPT_BACKEND", default="" if PRODUCTION else "payments.ereceipts.standin.StandIn"
)
ERECEIPT_FORM = env.str("ERECEIPT_FORM", default="01BLP0-001")
# The letters before the year: GL is written as GL-26E in 2026.
ERECEIPT_SIGN = env.str("ERECEIPT_SIGN", default="GL")


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


_gateway_origins = {_origin(VNPAY_PAY_URL), _origin(MOMO_URL)}
# Where the login service's own page is, if not at its issuer's address.
OIDC_ORIGINS = env.list("OIDC_ORIGINS", default=[_origin(OIDC_ISSUER)] if OIDC_ISSUER else [])
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    # Chromium holds redirects after a POST to this too: to the gateway, to the issuer.
    "form-action": [CSP.SELF, *filter(None, [*sorted(_gateway_origins), *OIDC_ORIGINS])],
}

# Papers and results are signed with the office's PKCS#12 key; a demo makes its own.
SIGNING_KEY_FILE = env.str("SIGNING_KEY_FILE", default="")
SIGNING_KEY_PASSWORD = env.str("SIGNING_KEY_PASSWORD", default="")
SIGNING_KEY_DIR = VAR_DIR / "signing"
# {e-mail: password} of the PKCS#12 files in SIGNING_KEY_DIR/people/<e-mail>.p12.
SIGNING_PEOPLE_PASSWORDS = env.json("SIGNING_PEOPLE_PASSWORDS", default={})

# --- Mail and messages ----------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Một Cửa <khong-tra-loi@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
_smtp_host = env.str("EMAIL_HOST", default="")
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": _smtp_host,
            "port": env.int("EMAIL_PORT", default=587),
            "username": env.str("EMAIL_HOST_USER", default=""),
            "password": env.str("EMAIL_HOST_PASSWORD", default=""),
            "use_tls": env.bool("EMAIL_USE_TLS", default=True),
            "timeout": 10,
        },
    }
    if _smtp_host
    else {
        "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": {"file_path": str(VAR_DIR / "mail")},
    }
}

# Classes with `send(to, text)` (`dossiers.channels`); empty closes the channel. A trial
# writes each message into a file.
_to_files = "" if PRODUCTION else "dossiers.channels.console.ToFiles"
SMS_BACKEND = env.str("SMS_BACKEND", default=_to_files)
ZALO_BACKEND = env.str("ZALO_BACKEND", default=_to_files)
MESSAGES_DIR = VAR_DIR / "messages"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "portal.logs.WithoutKeys",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
