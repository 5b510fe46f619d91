"""`manage.py verifyledger`: recompute every chain and name the first broken link."""

from __future__ import annotations

from itertools import groupby

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from dossiers import ledger
from dossiers.models import Event


class Command(BaseCommand):
    """Reads the whole ledger once, in order."""

    help = "Tính lại chuỗi mã băm của nhật ký mọi hồ sơ."

    def handle(self, **options: object) -> None:
        """Exit with an error where any chain is broken."""
        events = Event.objects.select_related("dossier").order_by("dossier", "seq")
        broken, count = [], 0
        for _dossier, chain in groupby(events.iterator(), key=lambda event: event.dossier_id):
            rows = list(chain)
            count += len(rows)
            first = ledger.first_broken(rows)
            if first is not None:
                broken.append(first)
                self.stderr.write(
                    _("Hồ sơ %(code)s: nhật ký sai từ dòng %(seq)d.")
                    % {"code": first.dossier.code, "seq": first.seq}
                )
        if broken:
            raise CommandError(_("%(count)d hồ sơ có nhật ký sai.") % {"count": len(broken)})
        self.stdout.write(_("%(count)d sự việc, mọi chuỗi đều khớp.") % {"count": count})
