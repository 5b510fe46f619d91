"""`manage.py loadprocedures PATH…`: load procedure files as drafts, or put them in force."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from procedures.loading.checking import readable
from procedures.loading.saving import NotTwoPeople, changes, publish, save_draft
from procedures.loading.schema import ProcedureSpec
from procedures.management.commands.checkprocedures import ProcedureFilesCommand


class Command(ProcedureFilesCommand):
    """All or nothing: everything is checked before the first write."""

    help = "Nạp tệp thủ tục thành bản thảo; thêm --publish để áp dụng ngay."

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH… [--diff] [--publish --by … --approved-by …]"""
        super().add_arguments(parser)
        parser.add_argument("--diff", action="store_true", help="Chỉ xem khác gì bản đang áp dụng.")
        parser.add_argument("--publish", action="store_true", help="Áp dụng ngay.")
        parser.add_argument("--by", metavar="EMAIL", help="Người soạn.")
        parser.add_argument("--approved-by", metavar="EMAIL", help="Người công bố.")

    def handle(self, *, paths: list[Path], **options: object) -> None:
        """Check, then show or save."""
        procedures = self.checked(paths)
        if options["diff"]:
            for _document, spec in procedures:
                self._show(spec)
            return
        if options["publish"]:
            self._refuse_early([spec for _document, spec in procedures])
        writer, publisher = self._people(options)
        saved = published = 0
        with transaction.atomic():
            for _document, spec in procedures:
                revision = save_draft(spec, by=writer)
                saved += revision is not None
                if revision and options["publish"]:
                    try:
                        publish(revision, by=publisher)
                    except NotTwoPeople as error:
                        raise CommandError(str(error)) from error
                    published += 1
        self.stdout.write(
            _("%(all)d thủ tục: %(saved)d bản mới, %(published)d đã áp dụng, %(same)d không đổi.")
            % {
                "all": len(procedures),
                "saved": saved,
                "published": published,
                "same": len(procedures) - saved,
            }
        )

    def _refuse_early(self, specs: list[ProcedureSpec]) -> None:
        for spec in specs:
            if spec.effective_from > timezone.localdate():
                raise CommandError(
                    _("%(code)s áp dụng từ %(day)s; hãy nạp bản thảo và công bố vào ngày đó.")
                    % {"code": spec.code, "day": f"{spec.effective_from:%d/%m/%Y}"}
                )

    def _people(self, options: dict) -> tuple:
        if not options["publish"]:
            return (self._person(options["by"]) if options["by"] else None), None
        if options["by"] and options["approved_by"]:
            return self._person(options["by"]), self._person(options["approved_by"])
        if settings.DEMO:
            return None, None
        raise CommandError(
            _("Áp dụng thủ tục cần hai người: --by (người soạn) và --approved-by (người công bố).")
        )

    def _person(self, email: str):
        user = get_user_model().objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(_("Không có người dùng %(email)s.") % {"email": email})
        return user

    def _show(self, spec: ProcedureSpec) -> None:
        found = changes(spec)
        if found is None:
            self.stdout.write(_("%(code)s: thủ tục mới.") % {"code": spec.code})
            return
        if not found:
            self.stdout.write(_("%(code)s: không đổi.") % {"code": spec.code})
            return
        self.stdout.write(f"{spec.code}:")
        for change in found:
            self.stdout.write(f"  {change.key}:")
            self.stdout.write(f"  - {readable(change.old)}")
            self.stdout.write(f"  + {readable(change.new)}")
