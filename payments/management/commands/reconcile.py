"""`manage.py reconcile`: do our books agree with themselves, and with a gateway or a bank?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from dossiers.reports import periods
from dossiers.reports.periods import Period
from payments import books, reconcile
from payments.books import Scope
from payments.models import Payment
from procedures.models import Agency
from procedures.postings import at_or_below
from procedures.tables import Unreadable


class Command(BaseCommand):
    """Prints nothing where all agrees, else a line for each difference and ends with 1."""

    help = "Đối chiếu tiền: sổ của cổng với chính nó, với tệp của cổng thanh toán hoặc sao kê."

    def add_arguments(self, parser: CommandParser) -> None:
        """[--method WAY] [--day DAY | --from DAY --to DAY] [--file PATH] [--agency CODE]"""
        parser.add_argument("--method", choices=Payment.Method.values, default="")
        parser.add_argument("--day", default="", metavar="YYYY-MM-DD")
        parser.add_argument("--from", default="", dest="first", metavar="YYYY-MM-DD")
        parser.add_argument("--to", default="", dest="last", metavar="YYYY-MM-DD")
        parser.add_argument("--file", default="", metavar="PATH")
        parser.add_argument("--agency", default="", metavar="CODE")

    def handle(self, **options: Any) -> None:
        """Compare, print, and say by the exit code whether all agrees."""
        agency = _agency(options["agency"])
        offices = at_or_below([agency.pk]) if agency else None
        scope = Scope(offices, options["method"], _period(options))
        lines = self._lines(scope, options, agency)
        for line in lines:
            self.stdout.write(line)
        if lines:
            raise SystemExit(1)

    def _lines(self, scope: Scope, options: dict[str, Any], agency: Agency | None) -> list[str]:
        is_compared = options["file"] or scope.method in Payment.GATEWAYS
        if not is_compared:
            return [str(row) for row in books.differences(scope)]
        if not scope.method:
            raise CommandError(_("Hãy ghi --method để biết tệp này của ai."))
        if scope.method == Payment.Method.VIETQR and agency is None:
            raise CommandError(_("Hãy ghi --agency để biết sao kê này của tài khoản nào."))
        path = Path(options["file"])
        try:
            content = path.read_bytes() if options["file"] else None
            found = reconcile.compare(
                scope.method, scope, agency=agency, name=path.name, content=content
            )
        except (OSError, Unreadable) as error:
            raise CommandError(str(error)) from error
        faults = [reconcile.text_of_fault(fault) for fault in found.faults]
        return faults + [str(row) for row in found.differences]


def _agency(code: str) -> Agency | None:
    if not code:
        return None
    agency = Agency.objects.filter(code=code).first()
    if agency is None:
        raise CommandError(_("Không có cơ quan mã %(code)s.") % {"code": code})
    return agency


def _period(options: dict[str, Any]) -> Period | None:
    first = options["day"] or options["first"]
    last = options["day"] or options["last"] or first
    if not (first or last):
        return None
    try:
        return periods.read(first or last, last, "")
    except periods.BadPeriod as error:
        raise CommandError(str(error)) from error
