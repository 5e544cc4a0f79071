"""Every setting of the service, read from the environment; secrets have no default and no setting weakens a guard."""

from pathlib import Path
from urllib.parse import urlsplit

import environ

from config.logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if env.bool("GOVERNANCE_READ_ENV_FILE", True) and (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")
VAR_DIR = Path(env.str("GOVERNANCE_VAR_DIR", str(BASE_DIR / "var")))

# --- Mode: embedded demonstration over http on this machine, or production behind TLS -------------------------------
DEMO = env.bool("GOVERNANCE_DEMO", False)
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

GOVERNANCE_DEMO = DEMO
#: Where the root keys are: local (a key file), vault, kms, pkcs11, or env (development only).
GOVERNANCE_KEY_PROVIDER = env.str("GOVERNANCE_KEY_PROVIDER", "local")
key_file = env.str("GOVERNANCE_KEY_FILE") if GOVERNANCE_KEY_PROVIDER == "local" else env.str("GOVERNANCE_KEY_FILE", "")
GOVERNANCE_KEY_FILE = str(BASE_DIR / key_file) if key_file else ""
GOVERNANCE_KEYRING = env.str("GOVERNANCE_KEYRING", "")
#: Days for which a controller's emptied key is kept after its rotation: as long as copies of the key table are.
GOVERNANCE_DESTROY_COMPROMISED = env.bool("GOVERNANCE_DESTROY_COMPROMISED", False)
GOVERNANCE_EPOCH_RETENTION_DAYS = env.int("GOVERNANCE_EPOCH_RETENTION_DAYS", 0)
#: Seconds that one call to a key store may take, tries and waiting included.
GOVERNANCE_KEY_STORE_SECONDS = env.float("GOVERNANCE_KEY_STORE_SECONDS", 5.0)
GOVERNANCE_VAULT_ADDRESS = env.str("GOVERNANCE_VAULT_ADDRESS", "")
GOVERNANCE_VAULT_KEY = env.str("GOVERNANCE_VAULT_KEY", "")
GOVERNANCE_VAULT_MOUNT = env.str("GOVERNANCE_VAULT_MOUNT", "transit")
GOVERNANCE_VAULT_NAMESPACE = env.str("GOVERNANCE_VAULT_NAMESPACE", "")
GOVERNANCE_VAULT_TOKEN = env.str("GOVERNANCE_VAULT_TOKEN", "")
GOVERNANCE_VAULT_TOKEN_FILE = env.str("GOVERNANCE_VAULT_TOKEN_FILE", "")
GOVERNANCE_VAULT_CA_FILE = env.str("GOVERNANCE_VAULT_CA_FILE", "")
GOVERNANCE_KMS_KEY = env.str("GOVERNANCE_KMS_KEY", "")
GOVERNANCE_PKCS11_MODULE = env.str("GOVERNANCE_PKCS11_MODULE", "")
GOVERNANCE_PKCS11_TOKEN = env.str("GOVERNANCE_PKCS11_TOKEN", "")
GOVERNANCE_PKCS11_PIN = env.str("GOVERNANCE_PKCS11_PIN", "")
GOVERNANCE_PKCS11_KEY = env.str("GOVERNANCE_PKCS11_KEY", "")
#: The append-only file outside the database that names every erasure, so that a restored copy brings nobody back.
erasures = f"{GOVERNANCE_KEY_FILE or VAR_DIR / 'keyring'}.erasures"
GOVERNANCE_ERASURE_LEDGER = str(BASE_DIR / env.str("GOVERNANCE_ERASURE_LEDGER", erasures))
#: Hours in which an erased person's key is only disabled and an officer can take the erasure back; 0 destroys at once.
GOVERNANCE_ERASURE_GRACE_HOURS = env.int("GOVERNANCE_ERASURE_GRACE_HOURS", 0)
#: The name in the first line of each checkpoint of the ledger (C2SP tlog-checkpoint).
GOVERNANCE_LOG_ORIGIN = env.str("GOVERNANCE_LOG_ORIGIN", "governance.local/ledger")
#: Policy file (C2SP tlog-policy) of the witnesses that cosign the ledger's checkpoints and their quorum.
GOVERNANCE_WITNESS_POLICY = env.str("GOVERNANCE_WITNESS_POLICY", "")
#: Seconds after which an event that waits for its position raises the alarm: the sequencer does not run.
GOVERNANCE_LEDGER_LATE_SECONDS = env.int("GOVERNANCE_LEDGER_LATE_SECONDS", 900)
#: Where customers and staff reach this service; links in letters begin with it. A demonstration notes where it serves.
noted = VAR_DIR / "address"
served = noted.read_text("utf-8").strip() if DEMO and noted.is_file() else "http://localhost:8000"
GOVERNANCE_PUBLIC_URL = env.str("GOVERNANCE_PUBLIC_URL", served)
GOVERNANCE_KEY_PREFIX = env.str("GOVERNANCE_KEY_PREFIX", "cxg")
#: In production, connected SQLite files must lie here; none may when it is empty.
GOVERNANCE_SQLITE_FOLDER = env.str("GOVERNANCE_SQLITE_FOLDER", "")
#: Largest body of any door, in bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("GOVERNANCE_MAX_BODY", 1_048_576)

#: Indexes of identifiers that are kept beside the exact ones, such as `email.domain,phone.last_4`; each tells whoever
#: holds the database a little more, which `manage.py check` reckons for the expected number of people.
GOVERNANCE_SEARCH_INDEXES = env.list("GOVERNANCE_SEARCH_INDEXES", default=[])
#: How many people one controller is expected to know; what the leak budget of indexes is reckoned from.
GOVERNANCE_EXPECTED_PEOPLE = env.int("GOVERNANCE_EXPECTED_PEOPLE", 1_000_000)
#: Days between the end of a request and the destruction of its own key (contact address, findings, package, letters).
GOVERNANCE_REQUEST_PURGE_DAYS = env.int("GOVERNANCE_REQUEST_PURGE_DAYS", 30)
#: Seconds after which a worker that stopped answering loses its step on a connected system to another one.
GOVERNANCE_STEP_LEASE_SECONDS = env.int("GOVERNANCE_STEP_LEASE_SECONDS", 120)

#: Plain decisions are counted in memory and one in so many is kept for replay; written every some seconds (0: never).
GOVERNANCE_DECISION_FLUSH_SECONDS = env.float("GOVERNANCE_DECISION_FLUSH_SECONDS", 5.0)
GOVERNANCE_DECISION_SAMPLE = env.int("GOVERNANCE_DECISION_SAMPLE", 100)
#: The sample is a ring of so many rows and days, whichever ends first.
GOVERNANCE_DECISION_LOG_ROWS = env.int("GOVERNANCE_DECISION_LOG_ROWS", 100_000)
GOVERNANCE_DECISION_LOG_DAYS = env.int("GOVERNANCE_DECISION_LOG_DAYS", 30)

# --- Apps -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "consent.apps.ConsentConfig",
    "dsar.apps.DsarConfig",
    "governance.apps.GovernanceConfig",
    "config.apps.ConsoleAdminConfig",
    "config.demo",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "guardian",
    "auditlog",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "django_structlog",
]
AUTH_USER_MODEL = "governance.StaffUser"

MIDDLEWARE = [
    "governance.api.correlation.OwnCorrelation",
    # The decision doors end here: sessions, messages and pages are not for them.
    "governance.api.lean.LeanDoors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "governance.api.headers.PrivateResponses",
    "django_structlog.middlewares.RequestMiddleware",
    "governance.api.unrouted.WrongMethod",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.demo.context.demonstration",
            ]
        },
    }
]

# --- Database: SQLite embedded, PostgreSQL in production ------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    name = DATABASES["default"]["NAME"]
    if name and name != ":memory:" and not Path(name).is_absolute():
        DATABASES["default"]["NAME"] = str(BASE_DIR / name)
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        # Without it INSERT OR REPLACE deletes a row past the triggers of append-only tables.
        "PRAGMA recursive_triggers=ON;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", 60)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Caches and background work: the database is the queue, Celery is the clock -------------------------------------
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].endswith("LocMemCache"):
    # Django keeps 300 and throws a third away: whoever comes from many places would wash the limits out.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 100_000)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "filesystem://")
BROKER_DIR = Path(env.str("GOVERNANCE_BROKER_DIR", str(VAR_DIR / "broker")))
CELERY_TICK_SECONDS = env.float("GOVERNANCE_TICK_SECONDS", 2.0)

# --- People: staff sign in, data subjects never do ------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/console/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "governance.access.sign_in.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
#: Seconds for which a second factor, once shown, opens sealed data and the person's own sign-in settings.
GOVERNANCE_FRESH_FACTOR_SECONDS = env.int("GOVERNANCE_FRESH_FACTOR_SECONDS", 600)
ACCOUNT_REAUTHENTICATION_TIMEOUT = GOVERNANCE_FRESH_FACTOR_SECONDS
#: Minutes for which a broken glass lasts; an hour at most, whatever is set.
GOVERNANCE_BREAK_GLASS_MINUTES = env.int("GOVERNANCE_BREAK_GLASS_MINUTES", 30)
MFA_ADAPTER = "governance.access.second_factor.StaffFactorAdapter"
MFA_FORMS = {
    "activate_totp": "governance.access.factor_forms.EnrolAppForm",
    "authenticate": "governance.access.factor_forms.SignInCodeForm",
    "authenticate_webauthn": "governance.access.factor_forms.SignInKeyForm",
    "reauthenticate": "governance.access.factor_forms.ConfirmCodeForm",
    "reauthenticate_webauthn": "governance.access.factor_forms.ConfirmKeyForm",
}
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
#: Proxies in front of this service that add to X-Forwarded-For; 0 believes none of that header.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("GOVERNANCE_TRUSTED_PROXIES", 0)
#: Limits of the sign-in page are counted by address and e-mail; their names in the cache are keyed digests.
CACHES["default"]["KEY_FUNCTION"] = "governance.keys.cache_keys.digest"
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
#: guardian is one term of our policy, read in access/grants.py; as a backend it would be a second authority.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

# --- Audit: django-auditlog keeps a diary of configuration, without values ------------------------------------------
AUDITLOG_LOGENTRY_MODEL = "governance.ChangeLogEntry"
AUDITLOG_MASK_CALLABLE = "governance.audit.change_log.digest"
AUDITLOG_DISABLE_REMOTE_ADDR = True
AUDITLOG_CID_HEADER = None
# Its own table is swapped for ours; left behind unused, it would also keep PostgreSQL from flushing between tests.
MIGRATION_MODULES = {"auditlog": None}

# --- REST -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["governance.api.authentication.ServiceKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["governance.api.permissions.DenyAll"],
    "DEFAULT_PARSER_CLASSES": ["governance.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "governance.api.schema.DoorSchema",
    "EXCEPTION_HANDLER": "governance.api.problem.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Customer data governance",
    "DESCRIPTION": "Consent decisions, sealed personal data, data subject requests and their proof.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "LICENSE": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "SERVERS": [{"url": "/", "description": "Here."}],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # our words are their own description
    "ENUM_NAME_OVERRIDES": {
        "FieldEnd": "dsar.models.FieldOutcome.Outcome",
        "IdentifierType": "governance.subjects.registering.TYPES",
        "RefusalReason": "dsar.models.SubjectRequest.RefusalReason",
        "RequestableRight": "dsar.services.RIGHTS",
        "RevealPurpose": "governance.policy.vocabulary.STAFF_REVEAL_PURPOSES",
        "RightAnswer": "dsar.models.RequestRight.Outcome",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "consent.api.schema.lean_doors",
        "governance.api.schema.problems",
    ],
}

# --- Pages: strict CSP, nothing from elsewhere, nothing kept by caches ----------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
STATIC_URL = "static/"
STATIC_ROOT = env.str("GOVERNANCE_STATIC_ROOT", str(VAR_DIR / "static"))
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEMO)
SECURE_HSTS_SECONDS = 0 if DEMO else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEMO
SECURE_HSTS_PRELOAD = not DEMO
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
#: Set to "HTTP_X_FORWARDED_PROTO=https" behind a proxy that always sets this header itself.
if proxy := env.str("GOVERNANCE_PROXY_TLS_HEADER", ""):
    SECURE_PROXY_SSL_HEADER = tuple(proxy.split("=", 1))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMO
SESSION_COOKIE_NAME = "cxg_session" if DEMO else "__Host-cxg_session"
CSRF_COOKIE_NAME = "cxg_csrf" if DEMO else "__Host-cxg_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# --- Mail, language, time, logs -------------------------------------------------------------------------------------
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="dummymail://")
vars().update(EMAIL_CONFIG)
#: Seconds; a mail server that accepts the connection and says nothing must not hold the worker.
EMAIL_TIMEOUT = EMAIL_CONFIG.get("EMAIL_TIMEOUT") or 30
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"privacy@{urlsplit(GOVERNANCE_PUBLIC_URL).hostname or 'localhost'}")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None
LOGGING_CONFIG = None
logging_config(env.str("GOVERNANCE_LOG_LEVEL", "INFO"))
