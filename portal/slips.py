"""The slip that a person takes home from the counter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import notices, papers
from dossiers.counter.accountnumbers import spaced_number
from portal import counter
from procedures import papers as printing
from procedures.filingplace import portal_office
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from portal.models import User


@in_vietnamese
def pdf(slip: counter.Slip) -> bytes:
    """The A5 paper, made while the person waits: its key is kept nowhere.

    Not one of a dossier's papers: it proves nothing, and nobody checks it by a token.
    """
    person, office = slip.activation.user, portal_office()
    contents = {
        "parent_office": office.parent.name if office and office.parent_id else "",
        "office": office.name if office else _("Cổng dịch vụ công Một Cửa"),
        "office_phone": office.phone if office else "",
        "place": office.place if office else "",
        "issued_at": papers.iso(slip.activation.created_at),
        "is_sample": settings.DEMO,
        "name": person.get_full_name(),
        "number": spaced_number(person.account_number),
        "until": f"{timezone.localtime(slip.activation.expires_at):%d/%m/%Y}",
        "site": settings.SITE_URL,
        "login": f"{settings.SITE_URL}{reverse('account_login')}",
    }
    context = {
        "facts": contents,
        "url": slip.url,
        "activation_qr": printing.qr_svg_data_uri(slip.url),
    }
    return printing.render("papers/account.html", context)


@in_vietnamese
def say_that_renewed(user: User) -> None:
    """Tell the owner, by whatever way they have, that their password was made void."""
    notices.write(
        user,
        kind="slip_renewed",
        subject=_("Đã cấp phiếu mở tài khoản mới tại quầy"),
        body=_(
            "Bộ phận một cửa đã đối chiếu thẻ căn cước và cấp phiếu mới cho tài khoản này; "
            "mật khẩu cũ không dùng được nữa.\nNếu không phải ông/bà đến quầy, hãy báo ngay "
            "cho cơ quan."
        ),
        path=reverse("profile"),
        is_urgent=True,
    )
