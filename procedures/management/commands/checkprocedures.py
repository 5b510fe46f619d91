"""`manage.py checkprocedures PATH…`: say what is wrong with procedure files, change nothing."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures.loading.checking import check_files
from procedures.loading.schema import ProcedureSpec
from procedures.loading.yamltext import Document


class ProcedureFilesCommand(BaseCommand):
    """A command that takes procedure files, or folders of them."""

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH…"""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")

    def checked(self, paths: list[Path]) -> list[tuple[Document, ProcedureSpec]]:
        """The procedures in `paths`; prints one line a fault and stops if there is any."""
        good, documents = check_files(self._files(paths))
        faults = [fault for document in documents for fault in document.faults]
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            raise CommandError(
                ngettext(
                    "%(count)d lỗi; chưa có gì được nạp.",
                    "%(count)d lỗi; chưa có gì được nạp.",
                    len(faults),
                )
                % {"count": len(faults)}
            )
        return good

    def _files(self, paths: list[Path]) -> list[Path]:
        files: list[Path] = []
        for path in paths:
            if path.is_dir():
                files += sorted(path.rglob("*.yaml")) + sorted(path.rglob("*.yml"))
            elif path.is_file():
                files.append(path)
            else:
                raise CommandError(_("Không có tệp hay thư mục %(path)s.") % {"path": path})
        if not files:
            raise CommandError(_("Không có tệp .yaml nào."))
        return files


class Command(ProcedureFilesCommand):
    """Only checks."""

    help = "Kiểm tra tệp thủ tục, không nạp."

    def handle(self, *, paths: list[Path], **options: object) -> None:
        """Print the level of each procedure, or its faults."""
        for document, spec in self.checked(paths):
            self.stdout.write(
                _("%(file)s: %(code)s mức độ %(level)d, không có lỗi.")
                % {"file": document.file, "code": spec.code, "level": spec.service_level}
            )
