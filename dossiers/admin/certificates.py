"""Whose signature is whose: the certificates of people's USB tokens, kept by an administrator."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from dossiers import certificates, desk, officials
from dossiers.models import SignerCertificate
from procedures.models import Agency, Posting
from procedures.postings import offices_of

_ROLES = frozenset({Posting.Role.ADMINISTRATOR})


class _Person(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        """By name and address, since two may have the same name."""
        return f"{obj.get_full_name()} ({obj.email or obj.account_number or obj.phone})"


class CertificateForm(forms.Form):
    """Whose certificate it is, and its file."""

    use_required_attribute = False

    person = _Person(None, label=gettext_lazy("Người ký"))
    file = forms.FileField(
        label=gettext_lazy("Tệp chứng thư của USB token"),
        help_text=gettext_lazy(
            "Tệp .cer, .crt hoặc .pem xuất từ phần mềm của USB token; không kèm khóa bí mật."
        ),
    )

    def __init__(self, *args: Any, people: QuerySet, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people
        self.fields["person"].error_messages["invalid_choice"] = _(
            "Người này không ký duyệt ở cơ quan của ông/bà."
        )
        self.certificate = None

    def clean_file(self) -> Any:
        """A certificate that signs and is valid today."""
        file = self.cleaned_data["file"]
        self.certificate = certificates.read(file.read(certificates.MAX_BYTES + 1))
        return file

    def register(self, by: Any) -> SignerCertificate | None:
        """The row, or None where it was refused, which the form then says."""
        try:
            return certificates.register(self.cleaned_data["person"], self.certificate, by=by)
        except ValidationError as error:
            self.add_error("file", error)
            return None


@officials.page(
    "chung-thu-so/", name="certificates", roles=_ROLES, label=gettext_lazy("Chứng thư số")
)
@require_http_methods(["GET", "HEAD", "POST"])
def all_certificates(request: HttpRequest) -> HttpResponse:
    """The certificates of who signs at one's offices; a POST registers another."""
    people = _people(request)
    data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = CertificateForm(*data, people=people)
    if request.method == "POST" and form.is_valid() and (row := form.register(request.user)):
        _log(request.user, row, ADDITION, _("đăng ký chứng thư số"))
        text = _("Đã đăng ký chứng thư của %(name)s, hiệu lực đến %(day)s.")
        until = timezone.localtime(row.valid_until)
        messages.success(
            request,
            text % {"name": row.user.get_full_name(), "day": f"{until:%d/%m/%Y}"},
        )
        return redirect("admin:certificates")
    rows = SignerCertificate.objects.filter(user__in=people).select_related("user", "registered_by")
    context = {
        **officials.frame(request, _("Chứng thư số của người ký")),
        "form": form,
        "rows": rows.order_by("user__full_name", "-registered_at"),
        "now": timezone.now(),
    }
    status = 409 if form.is_bound else 200
    return render(request, "admin/dossiers/certificates.html", context, status=status)


@officials.page("chung-thu-so/<int:pk>/thoi-dung/", name="certificate_revoke", roles=_ROLES)
@require_POST
def revoke_certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a certificate out of use from now on."""
    known = SignerCertificate.objects.filter(user__in=_people(request))
    row = get_object_or_404(known, pk=pk)
    if row.revoked_at is None:
        certificates.revoke(row)
        _log(request.user, row, CHANGE, _("thôi dùng chứng thư số"))
    messages.success(request, _("Chứng thư đã thôi dùng; các chữ ký trước đó vẫn có giá trị."))
    return redirect("admin:certificates")


def _people(request: HttpRequest) -> QuerySet:
    """Who signs for the offices that this person administers, now or until lately."""
    if request.user.is_superuser:
        offices = frozenset(Agency.objects.values_list("pk", flat=True))
    else:
        offices = offices_of(request.user, _ROLES)
    signing = Posting.objects.filter(agency__in=offices, role__in=desk.SIGNING)
    people = get_user_model().objects.filter(pk__in=signing.values("user"), is_active=True)
    return people.order_by("full_name", "pk")


def _log(by: Any, row: SignerCertificate, flag: int, what: str) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(SignerCertificate),
        object_id=row.pk,
        object_repr=row.subject[:200],
        action_flag=flag,
        change_message=what,
    )
