"""`manage.py resetsecondfactor NAME`: for a person whose device is lost."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils.translation import gettext as _

from dossiers.counter.accountnumbers import tidy_number


class Command(BaseCommand):
    """On the server alone: nobody can take a colleague's second factor away in a browser."""

    help = "Xóa lớp xác thực thứ hai của một người mất thiết bị; lần sau họ đặt lại."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME: what the person logs in by."""
        parser.add_argument("name", metavar="NAME", help="Thư, số điện thoại hoặc số tài khoản.")

    def handle(self, *, name: str, **options: object) -> None:
        """Forget the devices and recovery codes of one person."""
        user = get_user_model().objects.filter(_known_as(name)).first()
        if user is None:
            raise CommandError(_("Không có người dùng %(email)s.") % {"email": name})
        count, _rows = Authenticator.objects.filter(user=user).delete()
        self.stdout.write(
            _("Đã xóa %(count)d cách xác thực thứ hai của %(email)s.")
            % {"count": count, "email": name}
        )


def _known_as(name: str) -> Q:
    by_phone = Q(phone=name, phone_verified=True)
    return Q(email__iexact=name) | by_phone | Q(account_number=tidy_number(name))
