"""`manage.py checkprocedures PATH…`: say what is wrong with procedure files, change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from procedures.loading.planning import Plan, make_plan
from procedures.loading.report import grouped
from procedures.loading.sources import SourceError, count_rows, find_files


class ProcedureFilesCommand(BaseCommand):
    """A command that takes procedure files, or folders of them.

    It ends with exit status 0 when all went well, and 1 when anything was refused.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH…"""
        parser.add_argument(
            "paths",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="Tệp .yaml, .xlsx, .jsonl, .jsonl.xz, hoặc thư mục chứa tệp .yaml.",
        )

    def planned(self, files: list[Path], *, keep_going: bool = False) -> Plan:
        """What the files say; prints the faults, and stops at any unless told to go on."""
        try:
            with self.progress(_("Kiểm tra"), count_rows(files)) as advance:
                plan = make_plan(files, progress=advance)
        except SourceError as error:
            raise CommandError(str(error)) from error
        for line in grouped(plan.report.faults):
            self.stderr.write(line)
        for line in grouped(plan.report.warnings):
            self.stderr.write(_("Lưu ý: %(warning)s") % {"warning": line})
        self._tell_levels(row for row in plan.report.rows if row["faults"])
        faults = len(plan.report.faults)
        if faults and not keep_going:
            raise CommandError(
                ngettext(
                    "%(count)d lỗi; chưa có gì được nạp.",
                    "%(count)d lỗi; chưa có gì được nạp.",
                    faults,
                )
                % {"count": faults}
            )
        return plan

    def _tell_levels(self, rows: Iterable[dict[str, Any]], *, said: int = 0) -> None:
        """Which level each file reaches and what it lacks for the next, but for lines `said`."""
        for row in rows:
            if row["faults"] and row["advice"]:
                self.stderr.write(f"{row['file']}:")
            out = self.stderr if row["faults"] else self.stdout
            for line in row["advice"][said:]:
                out.write(f"    {line}")

    def files(self, paths: list[Path]) -> list[Path]:
        """The files that the paths name."""
        try:
            return find_files(paths)
        except SourceError as error:
            raise CommandError(str(error)) from error

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """A function that moves a bar on by one; without a terminal there is no bar."""
        console = Console(stderr=True)
        if not console.is_terminal or total < 2:
            yield lambda: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                   TimeElapsedColumn())  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)


class Command(ProcedureFilesCommand):
    """Only checks."""

    help = "Kiểm tra tệp thủ tục, không nạp."

    def handle(self, *, paths: list[Path], **options: object) -> None:
        """Print the level of each procedure that the office wrote, or the faults."""
        plan = self.planned(self.files(paths))
        rows = [row for row in plan.report.rows if row["advice"]]
        for row in rows:
            self.stdout.write(
                _("%(file)s: %(code)s mức độ %(level)d, không có lỗi.")
                % {"file": row["file"], "code": row["code"], "level": row["level"]}
            )
            self._tell_levels([row], said=1)
        self.stdout.write(plan.report.summary())
