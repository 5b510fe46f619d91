"""People, as administrators see them, and the accounts that the counter opens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from dossiers.counter.accountnumbers import spaced_number
from portal import counter, slips
from portal.counterforms import CheckedAgainForm, OpenAccountForm
from portal.models import User
from procedures.models import Posting
from procedures.postings import roles


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """Officials are made here; citizens register themselves, or at the counter."""

    ordering = ("email",)
    list_display = ("email", "full_name", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "full_name", "account_number")
    readonly_fields = (
        "last_login", "date_joined", "is_demo", "account_number", "phone_verified",
        "identity_checked_at", "identity_checked_by", "closed_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "account_number", "password")}),
        (
            gettext_lazy("Thông tin"),
            {
                "fields": (
                    "full_name", "phone", "phone_verified", "citizen_number",
                    "identity_checked_at", "identity_checked_by",
                )
            },
        ),
        (gettext_lazy("Quyền"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (
            gettext_lazy("Thời gian"),
            {"fields": ("last_login", "date_joined", "closed_at", "is_demo")},
        ),
    )  # fmt: skip
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "full_name", "password1", "password2")}),
    )

    def has_delete_permission(self, request, obj=None) -> bool:
        """People are anonymised, never deleted: what they did must stay explained."""
        return False

    def get_urls(self) -> list:
        """The counter's pages before the admin's own."""
        ours = (
            ("mo-tai-khoan/", self.open_page, "portal_user_open"),
            ("mo-tai-khoan/<int:pk>/cap-lai/", self.renew_page, "portal_user_renew"),
            ("mo-tai-khoan/<int:pk>/phieu/", self.slip_pdf, "portal_user_slip"),
        )
        return [
            *(
                path(route, self.admin_site.admin_view(never_cache(view)), name=name)
                for route, view, name in ours
            ),
            *super().get_urls(),
        ]

    def open_page(self, request: HttpRequest) -> HttpResponse:
        """Open an account for the person at the counter, whose card was checked."""
        _only_reception(request)
        form = OpenAccountForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                slip = counter.open_account(**form.account(), by=request.user)
            except counter.AlreadyOpen as found:
                return self._page(request, "exists", person=found.user, form=CheckedAgainForm())
            except counter.Refused as refused:
                form.add_error(None, str(refused))
            else:
                return self._done(request, slip, _("mở tài khoản tại quầy"))
        return self._page(request, "open", form=form)

    def renew_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new slip for a person whose card was checked again.

        The number is that of the card, typed on the page before: who only counts through the
        accounts finds nobody.
        """
        _only_reception(request)
        checked = User.objects.exclude(identity_checked_at=None).exclude(citizen_number="")
        card = request.POST.get("citizen_number", "")
        person = get_object_or_404(checked, pk=pk, citizen_number=card)
        form = CheckedAgainForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                slip = counter.renew(person, by=request.user)
            except counter.Refused as refused:
                form.add_error(None, str(refused))
            else:
                slips.say_that_renewed(slip.activation.user)
                return self._done(request, slip, _("cấp phiếu mở tài khoản mới"))
        return self._page(request, "exists", person=person, form=form)

    def slip_pdf(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The slip itself. The key comes from the page that was just shown: it is kept nowhere."""
        _only_reception(request)
        activation = counter.find(request.POST.get("key", ""))
        if activation is None or activation.user_id != pk or activation.created_by != request.user:
            raise Http404
        pdf = slips.pdf(counter.Slip(activation, request.POST["key"]))
        response = HttpResponse(pdf, content_type="application/pdf")
        response.headers["Content-Disposition"] = 'inline; filename="phieu-mo-tai-khoan.pdf"'
        return response

    def _done(self, request: HttpRequest, slip: counter.Slip, what: str) -> HttpResponse:
        person = slip.activation.user
        LogEntry.objects.create(
            user=request.user,
            content_type=ContentType.objects.get_for_model(User),
            object_id=person.pk,
            object_repr=str(person),
            action_flag=CHANGE,
            change_message=what,
        )
        number = spaced_number(person.account_number)
        return self._page(request, "done", person=person, slip=slip, number=number)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": _("Mở tài khoản")}
        return render(request, f"admin/portal/user/{name}.html", context)


def may_open_accounts(request: HttpRequest) -> bool:
    """Whether this official receives people at a counter today."""
    return Posting.Role.RECEPTION in roles(request)


def _only_reception(request: HttpRequest) -> None:
    if not may_open_accounts(request):
        raise PermissionDenied
