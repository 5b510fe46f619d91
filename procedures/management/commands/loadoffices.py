"""`manage.py loadoffices FOLDER`: offices, life events and the calendar of an office."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from procedures.loading.calendar import CalendarError, load_calendar
from procedures.loading.offices import ListError, load_life_events, load_offices

LISTS = {
    "calendar.yaml": load_calendar,
    "offices.yaml": load_offices,
    "life_events.yaml": load_life_events,
}


class Command(BaseCommand):
    """All or nothing; what is there already stays as it is."""

    help = "Nạp cơ quan, sự kiện và lịch làm việc từ một thư mục."

    def add_arguments(self, parser: CommandParser) -> None:
        """FOLDER"""
        parser.add_argument("folder", type=Path, metavar="FOLDER")

    def handle(self, *, folder: Path, **options: object) -> None:
        """Load each list that the folder has."""
        found = [name for name in LISTS if (folder / name).is_file()]
        if not found:
            raise CommandError(
                _("Thư mục %(folder)s không có %(names)s.")
                % {"folder": folder, "names": ", ".join(LISTS)}
            )
        try:
            with transaction.atomic():
                for name in found:
                    LISTS[name](folder / name)
        except (ListError, CalendarError) as error:
            raise CommandError(str(error)) from error
