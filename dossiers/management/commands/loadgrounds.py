"""`manage.py loadgrounds FILE`: the grounds in law for refusing and stopping."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from dossiers import grounds


class Command(BaseCommand):
    """All or nothing; what is there already stays as it is."""

    help = "Nạp căn cứ pháp lý để từ chối, dừng giải quyết hồ sơ."

    def add_arguments(self, parser: CommandParser) -> None:
        """FILE"""
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *, file: Path, **options: object) -> None:
        """Load the file, or say what is wrong with it."""
        try:
            count = grounds.load(file)
        except grounds.GroundsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_("Đã nạp %(count)d căn cứ.") % {"count": count})
