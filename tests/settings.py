"""The portal's settings under test: its own folder, its own database, no slow hashing.

Loaded by pytest-django before anything of Django's, in the controller of pytest-xdist
first: what it puts in the environment reaches the workers and every process they start.
`TEST_DATABASE=postgres` chooses PostgreSQL; what the developer's environment or `.env`
says about databases and services is overruled.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import postgres

USES_POSTGRES = os.environ.get("TEST_DATABASE", "sqlite") == "postgres"

if "MOT_CUA_TEST_DIR" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="mot-cua-tests-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["MOT_CUA_TEST_DIR"] = _folder
    os.environ["DATABASE_URL"] = f"sqlite:///{_folder}/never-used.sqlite3"
    os.environ.update(PRODUCTION="0", DEBUG="0", PORT="8000", SITE_URL="http://localhost:8000")
    os.environ.update(REDIS_URL="", AWS_STORAGE_BUCKET_NAME="", EMAIL_HOST="", SIGNING_KEY_FILE="")
    if USES_POSTGRES:
        _holder, os.environ["DATABASE_URL"] = postgres.start()
        atexit.register(postgres.stop, _holder)

os.environ["VAR_DIR"] = str(
    Path(os.environ["MOT_CUA_TEST_DIR"]) / os.environ.get("PYTEST_XDIST_WORKER", "main")
)
# Playwright runs an event loop in the thread of the test, which Django would refuse.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from portal.settings import *  # noqa: E402, F403 - the environment above comes first
from portal.settings import DATABASES, STATIC_ROOT, STORAGES, VAR_DIR  # noqa: E402


class _NoMigrations(dict):
    """What Django reads as: no app has migrations."""

    def __contains__(self, app_label: object) -> bool:
        return True

    def __missing__(self, app_label: str) -> None:
        return None


if USES_POSTGRES:
    # Race tests have a thread, and a connection, for each person at once.
    DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 20
else:
    # The tables are made as the models are, which takes a second: every migration runs on
    # PostgreSQL, and on SQLite in `tests/procedures/test_frozen.py`.
    MIGRATION_MODULES = _NoMigrations()
    # A file: live servers, threads and worker processes cannot share one in memory.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Static files are served from where they are written, not from a collected copy.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
