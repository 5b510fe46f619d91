"""`manage.py exportprocedures [CODE…] --to FOLDER|FILE.xlsx`: the catalogue back as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures.loading import workbook
from procedures.loading.export import yaml_of
from procedures.loading.saving import drafts
from procedures.models import Revision, make_slug


class Command(BaseCommand):
    """What is in force, or the drafts; loading the files again changes nothing."""

    help = "Ghi thủ tục đang áp dụng (hoặc bản thảo) ra tệp YAML, hoặc ra một bảng tính Excel."

    def add_arguments(self, parser: CommandParser) -> None:
        """[CODE…] --to FOLDER|FILE.xlsx [--drafts]"""
        parser.add_argument("codes", nargs="*", metavar="CODE", help="Mã thủ tục; trống: tất cả.")
        parser.add_argument("--to", type=Path, required=True, metavar="FOLDER|FILE.xlsx")
        parser.add_argument("--drafts", action="store_true", help="Ghi bản thảo.")

    def handle(self, *, codes: list[str], to: Path, **options: object) -> None:
        """A file for each procedure, named for its code and short name; or one workbook."""
        found = drafts() if options["drafts"] else Revision.objects.filter(status="published")
        if codes:
            found = found.filter(procedure__code__in=codes)
            self._refuse_unknown(set(codes) - set(found.values_list("procedure__code", flat=True)))
        write = _as_workbook if to.suffix.lower() == ".xlsx" else _as_files
        count = write(_newest(found), to)
        self.stdout.write(
            ngettext(
                "Đã ghi %(count)d thủ tục vào %(folder)s.",
                "Đã ghi %(count)d thủ tục vào %(folder)s.",
                count,
            )
            % {"count": count, "folder": to}
        )

    def _refuse_unknown(self, codes: set[str]) -> None:
        if codes:
            raise CommandError(
                _("Không có thủ tục %(codes)s.") % {"codes": ", ".join(sorted(codes))}
            )


def _as_files(rows: Iterable[tuple[str, str, dict]], folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for code, short_name, definition in rows:
        file = folder / f"{code}-{make_slug(short_name)[:60].strip('-')}.yaml"
        file.write_text(yaml_of(definition), "utf-8")
        count += 1
    return count


def _as_workbook(rows: Iterable[tuple[str, str, dict]], file: Path) -> int:
    definitions = [definition for _code, _name, definition in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(workbook.write(definitions))
    return len(definitions)


def _newest(revisions) -> Iterator[tuple[str, str, dict]]:
    """Code, name and definition of each procedure; the last of several drafts."""
    last = None
    rows = revisions.order_by("procedure__code", "-number").values_list(
        "procedure__code", "short_name", "definition"
    )
    for code, short_name, definition in rows.iterator(chunk_size=200):
        if code != last:
            yield code, short_name, definition
        last = code
