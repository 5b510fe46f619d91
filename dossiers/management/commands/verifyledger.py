"""`manage.py verifyledger`: recompute every chain and every root, and name what is broken."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from dossiers import ledger, participants, roots
from dossiers.models import DailyRoot, Dossier, Event

# What made a dossier's version grow: the moves, which name a state, and one that does not.
_MOVES = ~Q(to_state="") | Q(name=participants.MANDATE_ENDED)


class Command(BaseCommand):
    """Reads the whole ledger once, in order; of each day it keeps a handful of hashes."""

    help = "Tính lại nhật ký của mọi hồ sơ và mã gốc của mọi ngày, chỉ ra chỗ sai đầu tiên."

    def add_arguments(self, parser: CommandParser) -> None:
        """[--published FILE]: the roots as somebody saved them from the public page."""
        parser.add_argument("--published", type=Path, metavar="FILE")

    def handle(self, **options: object) -> None:
        """Exit with an error where a chain is broken, cut off, unlike its dossier or its roots."""
        self.events, self.trees = 0, defaultdict(roots.Tree)
        published = list(DailyRoot.objects.order_by("day"))
        broken = set(self._broken_chains())
        broken |= set(self._unlike_their_chains())
        days = list(self._broken_days(published))
        days += self._unlike_the_copy(published, options["published"])
        if broken or days:
            counts = {"dossiers": len(broken), "days": len(days)}
            raise CommandError(
                _("%(dossiers)d hồ sơ có nhật ký sai, %(days)d ngày có mã gốc sai.") % counts
            )
        self.stdout.write(
            _("%(count)d sự việc, mọi chuỗi đều khớp; %(days)d mã gốc của ngày đều khớp.")
            % {"count": self.events, "days": len(published)}
        )

    def _broken_chains(self) -> Iterator[int]:
        """The dossiers whose chain does not fit; the first such event of each is named."""
        events = Event.objects.order_by("dossier_id", "seq").iterator(chunk_size=1000)
        for dossier, chain in groupby(events, key=lambda event: event.dossier_id):
            if said := self._first_fault(chain):
                yield dossier
                self._complain(dossier, said)

    def _first_fault(self, chain: Iterator[Event]) -> str:
        """What is wrong at the first broken event of a chain, whose days all get their heads."""
        said, before = "", None
        for day, events in groupby(chain, key=lambda event: roots.day_of(event.at)):
            grown = 0
            for event in events:
                fault = ledger.fault(event, before)
                said = said or (fault and _place(event, fault))
                grown, before = grown + 1, event
            self.events += grown
            self.trees[day].add(before.hash, events=grown)
        return said

    def _unlike_their_chains(self) -> Iterator[int]:
        for dossier in _unlike_their_chains():
            yield dossier.pk
            self._complain(dossier.pk, _("thiếu dòng hoặc khác trạng thái của hồ sơ"))

    def _broken_days(self, published: list[DailyRoot]) -> Iterator[datetime.date]:
        """The days whose root is not what the ledger, the day before and our key make it."""
        before = None
        for row in published:
            if said := _fault_of_root(row, before, self.trees[row.day]):
                yield row.day
                self._complain_of_day(row.day, said)
            before = row

    def _unlike_the_copy(
        self, published: list[DailyRoot], copy: Path | None
    ) -> Iterator[datetime.date]:
        """The days of a saved copy whose root is another one now, or gone: whoever holds the
        portal's key can write roots anew, but not in copies that others keep."""
        now = {row.day.isoformat(): row.root for row in published}
        for saved in json.loads(copy.read_text())["ma_goc"] if copy else ():
            if now.get(saved["ngay"]) != saved["ma_goc"]:
                day = datetime.date.fromisoformat(saved["ngay"])
                yield day
                self._complain_of_day(day, _("khác với bản đã lưu"))

    def _complain_of_day(self, day: datetime.date, said: str) -> None:
        self.stderr.write(
            _("Mã gốc ngày %(day)s: %(what)s.") % {"day": f"{day:%d/%m/%Y}", "what": said}
        )

    def _complain(self, dossier: int, said: str) -> None:
        code = Dossier.objects.values_list("code", flat=True).get(pk=dossier)
        self.stderr.write(
            _("Hồ sơ %(code)s: nhật ký sai: %(what)s.") % {"code": code, "what": said}
        )


def _place(event: Event, fault: str) -> str:
    return _("từ dòng %(seq)d, %(fault)s") % {"seq": event.seq, "fault": fault}


def _fault_of_root(row: DailyRoot, before: DailyRoot | None, tree: roots.Tree) -> str:
    """What does not fit at one root; "" where everything does."""
    if before and row.day != before.day + roots.ONE_DAY:
        return _("thiếu mã gốc của ngày ngay trước")
    if row.previous != (before.root if before else ""):
        return _("không nối với ngày trước")
    if not roots.is_ours(row):
        return _("dấu niêm phong không phải của cổng")
    counts = {"events": row.events, "found": tree.events}
    if (row.chains, row.events) != (tree.count, tree.events):
        return _("đã công bố %(events)d sự việc, nhật ký nay có %(found)d") % counts
    if row.root != roots.root_of(row.day, row.previous, tree):
        return _("nhật ký của ngày này không còn như lúc công bố")
    return ""


def _unlike_their_chains() -> QuerySet[Dossier]:
    """Dossiers whose version is not the number of their moves, or whose state is not the
    last move's: a chain whose end was cut off is whole in itself."""
    moves = Event.objects.filter(_MOVES, dossier=OuterRef("pk")).order_by()
    counted = moves.values("dossier").annotate(count=Count("pk")).values("count")
    last = Event.objects.filter(dossier=OuterRef("pk")).exclude(to_state="").order_by("-seq")
    return (
        Dossier.objects.exclude(state=Dossier.State.DRAFT)
        .annotate(moves=Subquery(counted[:1]), last_state=Subquery(last.values("to_state")[:1]))
        .exclude(version=F("moves"), state=F("last_state"), moves__isnull=False)
        .only("pk")
    )
