"""`manage.py seed_demo`: offices, procedures and demo people, for trying the portal out."""

from __future__ import annotations

from datetime import date

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from dossiers.models import Postage
from procedures.models import Agency, Posting

FIXTURES = settings.BASE_DIR / "fixtures"
PASSWORD = "thu-mot-cua-2026"  # noqa: S105 (demo people exist only where DEMO allows them)
# A citizen without e-mail, who logs in by telephone.
PHONE_PERSON = ("0912000111", "Hồ Thị Lan")
TODAYS_OFFICE, ITS_DESK, DISTRICT = "000.00.61.H50", "000.01.61.H50", "000.00.40.H50"
SINCE = date(2025, 7, 1)

# E-mail, name, superuser, and (office, role, title) for each posting.
PEOPLE = (
    ("congdan@example.vn", "Nguyễn Thị Hoa", False, ()),
    ("motcua@example.vn", "Trần Văn Tiếp", False, ((ITS_DESK, "reception", "Chuyên viên"),)),
    ("thungan@example.vn", "Đỗ Thị Thu", False, ((ITS_DESK, "cashier", "Thủ quỹ"),)),
    ("thuly@example.vn", "Lê Thị Lý", False, (
        (TODAYS_OFFICE, "case_officer", "Công chức Tư pháp - Hộ tịch"),)),
    ("thuly2@example.vn", "Ngô Văn Thế", False, (
        (TODAYS_OFFICE, "case_officer", "Công chức Địa chính - Xây dựng"),)),
    ("phochutich@example.vn", "Trương Thị Phó", False, (
        (TODAYS_OFFICE, "approver", "Phó Chủ tịch"),)),
    ("giamsat@example.vn", "Dương Văn Sát", False, (
        (TODAYS_OFFICE, "supervisor", "Chánh Văn phòng"),)),
    ("nhansu@example.vn", "Lý Thị Cán", False, (
        (TODAYS_OFFICE, "administrator", "Chuyên viên Nội vụ"),)),
    ("lanhdao@example.vn", "Hoàng Văn Ký", False, (
        (TODAYS_OFFICE, "approver", "Chủ tịch"), (TODAYS_OFFICE, "leader", "Chủ tịch"))),
    ("bientap@example.vn", "Võ Thị Soạn", False, ((TODAYS_OFFICE, "editor", "Văn thư"),)),
    ("congbo@example.vn", "Bùi Văn Duyệt", False, (
        (TODAYS_OFFICE, "editor", "Phó Chánh Văn phòng"),)),
    ("quantri@example.vn", "Phan Quản Trị", True, ((DISTRICT, "administrator", "Quản trị"),)),
)  # fmt: skip


class Command(BaseCommand):
    """Safe to run again: what is there stays as it is."""

    help = "Nạp cơ quan, thủ tục và người dùng thử."

    def handle(self, **options: object) -> None:
        """Load, then say where to look and who may log in."""
        if not settings.DEMO:
            raise CommandError(_("Người dùng thử chỉ có ở chế độ chạy thử (DEMO)."))
        call_command("loadoffices", FIXTURES, stdout=self.stdout)
        call_command("loadprocedures", FIXTURES / "procedures", publish=True, stdout=self.stdout)
        call_command("loadgrounds", FIXTURES / "legal_grounds.yaml", stdout=self.stdout)
        with transaction.atomic():
            for person in PEOPLE:
                _person(*person)
            _phone_person(*PHONE_PERSON)
            _postage()
        self._introduce()

    def _introduce(self) -> None:
        url = settings.SITE_URL
        lines = [
            "",
            _("Cổng Một Cửa: %(url)s") % {"url": url},
            _("  Công dân: %(url)s/") % {"url": url},
            _("  Cán bộ:   %(url)s/quan-tri/") % {"url": url},
            _("  Thư gửi đi nằm ở: %(folder)s") % {"folder": settings.VAR_DIR / "mail"},
            _("Tài khoản thử, mật khẩu chung %(password)s") % {"password": PASSWORD},
        ]
        for email, name, is_superuser, postings in PEOPLE:
            roles = ", ".join(str(Posting.Role(role).label) for _o, role, _t in postings)
            what = _("Quản trị toàn cổng") if is_superuser else roles or _("Công dân")
            lines.append(f"  {email:<22}{name:<18}{what}")
        phone, name = PHONE_PERSON
        what = _("Công dân, không có thư điện tử")
        lines.append(f"  {phone:<22}{name:<18}{what}")
        self.stdout.write("\n".join(lines))


def _person(email: str, name: str, is_superuser: bool, postings: tuple) -> None:
    User = get_user_model()
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(
            email,
            PASSWORD,
            full_name=name,
            is_staff=bool(postings),
            is_superuser=is_superuser,
            is_demo=True,
        )
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    for office, role, title in postings:
        Posting.objects.get_or_create(
            user=user,
            agency=Agency.objects.get(code=office),
            role=role,
            valid_until=None,
            defaults={"title": title, "valid_from": SINCE},
        )


def _postage() -> None:
    """Amounts to try the pages with; what is further away is left for the post to say."""
    source = _("số liệu mẫu để chạy thử")
    for reach, amount in (("near", 20_000), ("province", 26_000), ("country", None)):
        Postage.objects.get_or_create(
            agency=Agency.objects.get(code=ITS_DESK),
            reach=reach,
            defaults={"amount": amount, "source": source if amount else ""},
        )


def _phone_person(phone: str, name: str) -> None:
    people = get_user_model().objects
    if not people.filter(phone=phone).exists():
        people.create_user(
            None, PASSWORD, full_name=name, phone=phone, phone_verified=True, is_demo=True
        )
