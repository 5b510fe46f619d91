"""`manage.py verifyledger`: recompute every chain and name the first broken link."""

from __future__ import annotations

from itertools import groupby

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from dossiers import ledger
from dossiers.models import Dossier, Event


class Command(BaseCommand):
    """Reads the whole ledger once, in order, and compares each dossier with its end."""

    help = "Tính lại chuỗi mã băm của nhật ký mọi hồ sơ, và so với hồ sơ."

    def handle(self, **options: object) -> None:
        """Exit with an error where any chain is broken, cut off or does not fit its dossier."""
        events = Event.objects.select_related("dossier").order_by("dossier_id", "seq")
        broken, count = set(), 0
        chains = groupby(events.iterator(chunk_size=1000), key=lambda event: event.dossier_id)
        for dossier_id, chain in chains:
            rows = list(chain)
            count += len(rows)
            first = ledger.first_broken(rows)
            if first is not None:
                broken.add(dossier_id)
                self.stderr.write(
                    _("Hồ sơ %(code)s: nhật ký sai từ dòng %(seq)d.")
                    % {"code": first.dossier.code, "seq": first.seq}
                )
        for dossier in _unlike_their_chains():
            broken.add(dossier.pk)
            self.stderr.write(
                _("Hồ sơ %(code)s: nhật ký thiếu dòng hoặc khác trạng thái của hồ sơ.")
                % {"code": dossier.code}
            )
        if broken:
            raise CommandError(_("%(count)d hồ sơ có nhật ký sai.") % {"count": len(broken)})
        self.stdout.write(_("%(count)d sự việc, mọi chuỗi đều khớp.") % {"count": count})


def _unlike_their_chains() -> QuerySet[Dossier]:
    """Dossiers whose version is not the number of their moves, or whose state is not the
    last move's: a chain whose end was cut off is whole in itself."""
    moves = ~Q(events__name=ledger.LOOK) & Q(events__isnull=False)
    last = Event.objects.filter(dossier=OuterRef("pk")).exclude(name=ledger.LOOK).order_by("-seq")
    return (
        Dossier.objects.exclude(state=Dossier.State.DRAFT)
        .annotate(
            moves=Count("events", filter=moves), last_state=Subquery(last.values("to_state")[:1])
        )
        .exclude(version=F("moves"), state=F("last_state"))
    )
