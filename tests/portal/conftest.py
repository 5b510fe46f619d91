"""Mail and messages of a test for itself, and the cache's table, as in production."""

import pytest
from django.core.management import call_command


@pytest.fixture
def accounts_at_work(db, settings, tmp_path):
    """Mail into `mail.outbox`, SMS into the folder that is returned, limits in the database."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    settings.MESSAGES_DIR = tmp_path / "messages"
    settings.SMS_BACKEND = "dossiers.channels.console.ToFiles"
    call_command("createcachetable", verbosity=0)
    return settings.MESSAGES_DIR
