"""The copy of everything that the portal keeps about one person, for that person."""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
import zipfile
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import notices, personal
from payments.models import Payment
from portal.models import DataExport, User
from portal.tasks import make_export
from procedures.text import in_vietnamese

# A copy asked for twice within this time is the same copy.
FRESH = datetime.timedelta(hours=1)


@transaction.atomic
def ask(user: User) -> DataExport | None:
    """Have a copy made; None while one is on its way or has just been made."""
    User.objects.select_for_update().get(pk=user.pk)
    theirs = DataExport.objects.filter(user=user)
    fresh = theirs.filter(asked_at__gt=timezone.now() - FRESH)
    if theirs.filter(ready_at=None).exists() or fresh.exists():
        return None
    export = DataExport.objects.create(user=user)
    make_export.enqueue(export.pk)
    return export


def make(export_id: int) -> None:
    """Gather the copy and keep it; one that is there already, or whose owner left, is not."""
    export = DataExport.objects.select_related("user").filter(pk=export_id, ready_at=None).first()
    if export is None or export.user.closed_at:
        return
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as packed:
        _pack(export.user, packed)
        size = packed.tell()
        packed.seek(0)
        _keep(export, File(packed), size)


@in_vietnamese
def _pack(user: User, target: Any) -> None:
    """Write the ZIP to `target`, one file after another: memory holds none whole."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(_everything(user), ensure_ascii=False, indent=1)
        archive.writestr("du-lieu.json", text)
        for stored in personal.files_of(user):
            try:
                source = stored.file.open("rb")
            except FileNotFoundError:
                continue
            with source, archive.open(stored.name, "w", force_zip64=True) as entry:
                shutil.copyfileobj(source, entry)


def _everything(user: User) -> dict[str, Any]:
    return {
        "lap_luc": timezone.localtime().isoformat(),
        "tai_khoan": _account(user),
        **personal.copy_of(user),
        "thanh_toan": _payments(user),
    }


def _account(user: User) -> dict[str, Any]:
    return {
        "ho_ten": user.full_name,
        "thu_dien_tu": user.email or "",
        "so_tai_khoan": user.account_number or "",
        "so_dien_thoai": user.phone,
        "da_xac_minh_so_dien_thoai": user.phone_verified,
        "so_dinh_danh": user.citizen_number,
        "doi_chieu_giay_to_luc": _when(user.identity_checked_at),
        "ngay_dang_ky": _when(user.date_joined),
        "dang_nhap_lan_cuoi": _when(user.last_login),
        "dia_chi_thu": list(user.emailaddress_set.values("email", "verified", "primary")),
        "phien_dang_nhap": [
            {"tu": _when(one.created_at), "dia_chi_mang": one.ip, "trinh_duyet": one.user_agent}
            for one in user.usersession_set.all()
        ],
        "lien_ket_dang_nhap": list(user.socialaccount_set.values("extra_data")),
    }


def _payments(user: User) -> list[dict[str, Any]]:
    return [
        {
            "ho_so": payment.dossier.code,
            "cac_khoan": payment.lines,
            "so_tien_dong": payment.amount,
            "cach_nop": payment.get_method_display(),
            "trang_thai": payment.get_state_display(),
            "nop_luc": _when(payment.paid_at),
        }
        for payment in Payment.objects.filter(dossier__owner=user).select_related("dossier")
    ]


def _when(moment: datetime.datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat() if moment else None


def _keep(export: DataExport, packed: File, size: int) -> None:
    """Store the file, then the row that names it, in step with a closing of the account."""
    with transaction.atomic():
        owner = User.objects.select_for_update().get(pk=export.user_id)
        locked = DataExport.objects.select_for_update().filter(pk=export.pk, ready_at=None).first()
        if locked is None or owner.closed_at:
            return
        locked.ready_at = timezone.now()
        locked.expires_at = locked.ready_at + datetime.timedelta(days=settings.EXPORT_DAYS)
        locked.size = size
        locked.file.save(f"{locked.pk}.zip", packed, save=False)
        locked.save(update_fields=["file", "size", "ready_at", "expires_at"])
        _tell(locked)


@in_vietnamese
def _tell(export: DataExport) -> None:
    until = timezone.localtime(export.expires_at)
    notices.write(
        export.user,
        kind="export",
        subject=_("Bản sao dữ liệu của ông/bà đã sẵn sàng"),
        body=_("Mời ông/bà tải về trước %(until)s; sau đó bản sao được xóa khỏi cổng.")
        % {"until": f"{until:%H:%M %d/%m/%Y}"},
        path=reverse("my_data"),
        due_at=export.expires_at,
    )


def remove_old(now: datetime.datetime | None = None) -> int:
    """Take away copies whose time is over, and those that never came; how many went."""
    now = now or timezone.now()
    day = datetime.timedelta(days=1)
    over = DataExport.objects.filter(expires_at__lte=now)
    lost = DataExport.objects.filter(ready_at=None, asked_at__lt=now - day)
    count = 0
    for export in [*over, *lost]:
        if export.file:
            export.file.delete(save=False)
        export.delete()
        count += 1
    return count
