"""The relatives whom an official declares, so that the portal keeps their dossiers away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from dossiers import officials
from dossiers.models import Relative
from procedures.formspec.fields import check_name
from procedures.formspec.numbers import check_citizen_number
from procedures.models import Posting

Role = Posting.Role
# Whoever decides something in a dossier.
_DECIDES = frozenset({Role.RECEPTION, Role.CASE_OFFICER, Role.APPROVER, Role.LEADER, Role.CASHIER})
MOST = 60


class RelativeForm(forms.ModelForm):
    """One relative, by the number of their card."""

    use_required_attribute = False

    citizen_number = forms.CharField(
        label=gettext_lazy("Số định danh cá nhân"),
        max_length=20,  # with the spaces that people write between its groups
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )

    class Meta:
        model = Relative
        fields = ("name", "relation", "citizen_number")

    def __init__(self, *args: Any, user: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["name"].validators.append(check_name)
        self.fields["relation"].help_text = _("Ví dụ: vợ, con, em ruột")

    def clean_citizen_number(self) -> str:
        """A number that a card may bear, not one's own, and not twice."""
        number = "".join(self.cleaned_data["citizen_number"].split())
        check_citizen_number(number)
        if number == self.user.citizen_number:
            raise ValidationError(_("Đây là số của chính ông/bà; cổng đã tự chặn."))
        if self.user.declared_relatives.filter(citizen_number=number).exists():
            raise ValidationError(_("Ông/bà đã khai người này."))
        return number

    def clean(self) -> dict[str, Any]:
        """A bound, so that no list grows without end."""
        if self.user.declared_relatives.count() >= MOST:
            raise ValidationError(_("Danh sách đã đủ %(count)d người.") % {"count": MOST})
        return super().clean()


@officials.page("nguoi-than/", name="relatives", roles=_DECIDES, label=gettext_lazy("Người thân"))
@require_http_methods(["GET", "HEAD", "POST"])
def relatives(request: HttpRequest) -> HttpResponse:
    """One's own declared relatives, whom nobody else sees, and a form for one more."""
    form = RelativeForm(
        request.POST or None, user=request.user, instance=Relative(user=request.user)
    )
    if request.method == "POST" and form.is_valid():
        _log(request.user, form.save(), ADDITION)
        messages.success(
            request, _("Đã khai. Từ nay cổng không để ông/bà giải quyết hồ sơ của người ấy.")
        )
        return redirect("admin:relatives")
    context = {
        **officials.frame(request, _("Người thân của tôi")),
        "form": form,
        "declared": request.user.declared_relatives.all(),
    }
    status = 409 if form.is_bound else 200
    return render(request, "admin/dossiers/relatives.html", context, status=status)


@officials.page("nguoi-than/<int:pk>/bo/", name="relative_remove", roles=_DECIDES)
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what was declared by mistake; the history of the admin keeps that it was."""
    relative = get_object_or_404(Relative, pk=pk, user=request.user)
    _log(request.user, relative, DELETION)
    relative.delete()
    messages.success(request, _("Đã bỏ."))
    return redirect("admin:relatives")


def _log(by: Any, relative: Relative, flag: int) -> None:
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(Relative),
        object_id=relative.pk,
        object_repr=str(relative),
        action_flag=flag,
    )
