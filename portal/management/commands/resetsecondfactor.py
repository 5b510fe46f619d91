"""`manage.py resetsecondfactor EMAIL`: for an official whose device is lost."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _


class Command(BaseCommand):
    """On the server alone: nobody can take a colleague's second factor away in a browser."""

    help = "Xóa lớp xác thực thứ hai của một cán bộ mất thiết bị; lần sau họ đặt lại."

    def add_arguments(self, parser: CommandParser) -> None:
        """EMAIL"""
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *, email: str, **options: object) -> None:
        """Forget the devices and recovery codes of one person."""
        user = get_user_model().objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(_("Không có người dùng %(email)s.") % {"email": email})
        count, _rows = Authenticator.objects.filter(user=user).delete()
        self.stdout.write(
            _("Đã xóa %(count)d cách xác thực thứ hai của %(email)s.")
            % {"count": count, "email": user.email}
        )
