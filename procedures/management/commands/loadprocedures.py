"""`manage.py loadprocedures PATH…`: load procedures as drafts, or put them in force."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import search
from procedures.loading import bulk, loads
from procedures.loading.comparing import differences
from procedures.loading.planning import Plan
from procedures.loading.publishing import publish_load
from procedures.loading.report import Outcome
from procedures.loading.saving import Prepared, prepare
from procedures.loading.sources import read_entries
from procedures.management.commands.checkprocedures import ProcedureFilesCommand
from procedures.models import CatalogueLoad, Procedure, Revision

_APPROVED = (Revision.Status.PUBLISHED, Revision.Status.SCHEDULED)


class Command(ProcedureFilesCommand):
    """All or nothing: everything is checked before the first write.

    Exit status 0: loaded as asked. 1: refused, or (with --keep-going) something left out.
    """

    help = (
        "Nạp thủ tục thành bản thảo; thêm --publish để áp dụng. "
        "Mã thoát: 0 nếu nạp hết, 1 nếu có lỗi hoặc có thủ tục phải để lại."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH… [--diff] [--keep-going] [--publish --decision … --by … --approved-by …]"""
        super().add_arguments(parser)
        parser.add_argument("--diff", action="store_true", help="Chỉ xem khác gì bản đang áp dụng.")
        parser.add_argument(
            "--keep-going", action="store_true", help="Để lại thủ tục có lỗi, nạp những cái khác."
        )
        parser.add_argument("--publish", action="store_true", help="Áp dụng.")
        parser.add_argument("--decision", default="", metavar="NUMBER", help="Số quyết định.")
        parser.add_argument("--by", metavar="EMAIL", help="Người soạn.")
        parser.add_argument("--approved-by", metavar="EMAIL", help="Người công bố.")

    def handle(self, *, paths: list[Path], **options: object) -> None:
        """Check, then show or save."""
        files = self.files(paths)
        if options["diff"]:
            self._show(self.planned(files, keep_going=options["keep_going"]))
            return
        writer, publisher = self._people(options)
        try:
            with bulk.only_one_load():
                bulk.sweep()
                plan = self.planned(files, keep_going=options["keep_going"])
                load = self._bring_in(plan, writer)
        except (bulk.AnotherLoad, bulk.SourceChanged) as error:
            raise CommandError(str(error)) from error
        if options["publish"] and load:
            publish_load(load, decision=options["decision"], by=publisher)
            # Here and now, so that the first person to search does not wait for it.
            search.rebuild()
        self._tell(plan, load, is_published=bool(options["publish"]))

    def _bring_in(self, plan: Plan, writer) -> CatalogueLoad | None:
        """Write the plan down, where anything in it has to be written."""
        if not set(plan.outcomes.values()) - {Outcome.SAME}:
            return None
        load = CatalogueLoad(
            kind=loads.kind_of(*plan.files),
            file_name=plan.files[0].name[-200:],
            created_by=writer,
            total=len(plan.outcomes),
            done=len(plan.outcomes),
        )
        with self.progress(_("Nạp"), plan.report.outcomes.total()) as advance:
            loads.bring_in(plan, load, progress=advance)
        return load

    def _tell(self, plan: Plan, load: CatalogueLoad | None, *, is_published: bool) -> None:
        self.stdout.write(plan.report.summary())
        if is_published:
            begun, waiting = _published(load)
            self.stdout.write(
                ngettext("Đã công bố %(count)d thủ tục.", "Đã công bố %(count)d thủ tục.", begun)
                % {"count": begun}
            )
            if waiting:
                self.stdout.write(
                    ngettext(
                        "%(count)d thủ tục chờ đến ngày áp dụng.",
                        "%(count)d thủ tục chờ đến ngày áp dụng.",
                        waiting,
                    )
                    % {"count": waiting}
                )
        if plan.report.faults:
            raise CommandError(
                _("Đã để lại những thủ tục có lỗi ghi ở trên (%(count)d lỗi).")
                % {"count": len(plan.report.faults)}
            )

    # --- Who answers for it -----------------------------------------------------------

    def _people(self, options: dict) -> tuple:
        writer, publisher = (
            self._person(options[key]) if options[key] else None for key in ("by", "approved_by")
        )
        if options["publish"] and not settings.DEMO and not (writer and publisher):
            raise CommandError(
                _("Áp dụng thủ tục cần hai người: --by (người soạn) và "
                  "--approved-by (người công bố).")
            )  # fmt: skip
        if writer and writer == publisher:
            raise CommandError(_("Người công bố phải khác người soạn."))
        if options["publish"] and not (settings.DEMO or options["decision"]):
            raise CommandError(_("Áp dụng thủ tục cần số quyết định: --decision."))
        return writer, publisher

    def _person(self, email: str):
        user = get_user_model().objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(_("Không có người dùng %(email)s.") % {"email": email})
        return user

    # --- What would change ------------------------------------------------------------

    def _show(self, plan: Plan) -> None:
        for entry in read_entries(plan.files):
            outcome = plan.outcomes.get(entry.code) if entry.spec else None
            # That the nation's are new by the thousand is said in the summary.
            is_told = outcome != Outcome.NEW or entry.origin == Revision.Origin.OFFICE
            if outcome and outcome != Outcome.SAME and is_told:
                self._show_one(prepare(entry.spec, origin=entry.origin), outcome)
        self.stdout.write(plan.report.summary())

    def _show_one(self, prepared: Prepared, outcome: str) -> None:
        current = (
            Procedure.objects.filter(code=prepared.code, current__isnull=False)
            .select_related("current")
            .first()
        )
        if current is None:
            self.stdout.write(_("%(code)s: thủ tục mới.") % {"code": prepared.code})
            return
        self.stdout.write(f"{prepared.code}:")
        if outcome == Outcome.PROPOSED:
            self.stdout.write(_("  chỉ đề xuất: cơ quan đã soạn bản riêng."))
        for change in differences(current.current.definition, prepared.definition):
            self.stdout.write(f"  {change}")
        waiting = loads.open_dossiers(current.current)
        if waiting and outcome != Outcome.PROPOSED:
            self.stdout.write(
                ngettext(
                    "  %(count)d hồ sơ đang giải quyết vẫn theo bản cũ.",
                    "  %(count)d hồ sơ đang giải quyết vẫn theo bản cũ.",
                    waiting,
                )
                % {"count": waiting}
            )


def _published(load: CatalogueLoad | None) -> tuple[int, int]:
    """How many procedures a load put in force, and how many wait for their day."""
    if load is None:
        return 0, 0
    states = [load.revisions.filter(status=status).count() for status in _APPROVED]
    return states[0], states[1]
