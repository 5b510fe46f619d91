"""`manage.py run_due`: what falls due with time. Safe to run twice, late, or side by side."""

from __future__ import annotations

import logging
import time

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils.translation import gettext as _

from dossiers import (
    alerts,
    breaches,
    complaints,
    expiry,
    orphans,
    proposals,
    resultsigning,
    roots,
    wallet,
)
from dossiers import due as dossiers_due
from dossiers.handing import posting, reminding
from dossiers.reports import tallies
from payments import due as payments_due
from payments import refunds
from payments.ereceipts import due as ereceipts_due
from portal import exports, stuck_tasks, unconfirmed
from procedures import due as procedures_due

logger = logging.getLogger(__name__)

WORK = (
    stuck_tasks.put_back,
    stuck_tasks.forget,
    dossiers_due.confirm_by_silence,
    breaches.find,
    proposals.mark_late,
    alerts.warn,
    alerts.escalate,
    complaints.remind,
    dossiers_due.remind_citizens,
    posting.make_paid,
    reminding.remind_uncollected,
    reminding.remind_parcels,
    dossiers_due.send_digests,
    dossiers_due.remind_offices,
    dossiers_due.ask_again,
    resultsigning.retry_failed,
    expiry.warn_of_expiry,
    expiry.delete_expired,
    wallet.warn_of_expiry,
    orphans.sweep_daily,
    roots.publish,
    tallies.roll,
    payments_due.query_pending,
    refunds.ask_again,
    ereceipts_due.issue_again,
    ereceipts_due.cancel_void,
    procedures_due.begin_approved_revisions,
    procedures_due.sweep_broken_loads,
    procedures_due.check_waiting_loads,
    exports.remove_old,
    unconfirmed.remove_registrations,
    unconfirmed.remove_sessions,
)


class Command(BaseCommand):
    """Each kind of work by itself, so that one that fails does not keep the others back."""

    help = "Làm những việc đến hạn: nhắc công dân, coi như đồng ý, hỏi cổng thanh toán."

    def add_arguments(self, parser: CommandParser) -> None:
        """[--loop] [--every SECONDS]"""
        parser.add_argument("--loop", action="store_true", help="Chạy mãi.")
        parser.add_argument("--every", type=int, default=60, metavar="SECONDS")

    def handle(self, **options: object) -> None:
        """Once, or for ever."""
        while True:
            self._run_all()
            if not options["loop"]:
                return
            time.sleep(options["every"])

    def _run_all(self) -> None:
        for work in WORK:
            close_old_connections()
            try:
                count = work()
            except Exception:
                logger.exception("run_due: %s failed", work.__name__)
                continue
            if count:
                self.stdout.write(
                    _("%(what)s: %(count)d") % {"what": work.__name__, "count": count}
                )
