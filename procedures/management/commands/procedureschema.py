"""`manage.py procedureschema`: write the JSON schema of procedure files into `docs/`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from procedures.loading.jsonschema import generated

SCHEMA_FILE = settings.BASE_DIR / "docs" / "procedure.schema.json"


class Command(BaseCommand):
    """Writes one file."""

    help = "Ghi lược đồ JSON của tệp thủ tục vào docs/procedure.schema.json."

    def handle(self, **options: Any) -> None:
        """Write the schema where editors find it."""
        SCHEMA_FILE.write_text(generated(), encoding="utf-8")
        self.stdout.write(str(SCHEMA_FILE.relative_to(settings.BASE_DIR)))
