"""People, as administrators see them, and the accounts that the counter opens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from dossiers.counter.accountnumbers import spaced_number
from portal import counter, slips
from portal.counterforms import CheckedAgainForm, OpenAccountForm
from portal.models import User
from portal.postingsadmin import managed_people, works_elsewhere
from procedures.formspec.fields import check_name
from procedures.models import Posting
from procedures.postings import roles

# What an administrator sees of an official; they change the name, the telephone, and
# whether the account is open.
_FOR_ADMINISTRATORS = ("email", "full_name", "phone", "is_active", "last_login", "date_joined")


class NewOfficialForm(forms.ModelForm):
    """A new official, who sets their own password: nobody else ever knows it."""

    class Meta:
        model = User
        fields = ("email", "full_name", "phone")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["email"].help_text = _("Thư điện tử công vụ; mã đặt mật khẩu gửi tới đây.")
        self.fields["full_name"].validators.append(check_name)

    def clean_email(self) -> str:
        """The one spelling by which people log in."""
        return self.cleaned_data["email"].lower()

    def save(self, commit: bool = True) -> User:
        """An official without a password."""
        self.instance.is_staff = True
        self.instance.set_unusable_password()
        return super().save(commit)


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
        (gettext_lazy("Quyền"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (
            gettext_lazy("Thời gian"),
            {"fields": ("last_login", "date_joined", "closed_at", "is_demo")},
        ),
    )  # fmt: skip
    add_form = NewOfficialForm
    add_form_template = None
    add_fieldsets = ((None, {"fields": ("email", "full_name", "phone")}),)
    filter_horizontal = ()
    actions = None
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The officials of the offices that one administers; everybody for who runs the portal."""
        return managed_people(request).distinct()

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> tuple:
        """An administrator sees of a person what their work needs."""
        if obj is None or request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": _FOR_ADMINISTRATORS}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple:
        """The address leads to a new password, so its owner and who runs the portal change it."""
        if obj is None or request.user.is_superuser:
            return super().get_readonly_fields(request, obj)
        return tuple(set(_FOR_ADMINISTRATORS) - {"full_name", "phone", "is_active"})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """A number that somebody else typed proves nothing: it leads to no new password."""
        if change and "phone" in form.changed_data:
            obj.phone_verified = False
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """An administrator changes neither their own account here nor that of somebody who
        also works today where they administer nothing."""
        may = super().has_change_permission(request, obj)
        if obj is None or request.user.is_superuser:
            return may
        return may and obj.pk != request.user.pk and not works_elsewhere(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the side bar offers: others would read people's data letter by letter."""
        return lookup.split("__")[0] in self.list_filter

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Whoever sets another's password could act as them: not for administrators."""
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are anonymised, never deleted: what they did must stay explained."""
        return False

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        """Say why not, and what to do instead."""
        person = self.get_object(request, object_id)
        if person is None or not self.has_view_permission(request, person):
            raise Http404
        messages.error(
            request,
            _(
                "Không xóa được tài khoản: những việc người này đã làm phải còn giải thích được. "
                "Người nghỉ việc thì bỏ dấu “đang hoạt động” và kết thúc các phân công."
            ),
        )
        return redirect("admin:portal_user_change", person.pk)

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Say how the new official gets in, and go on with where they work."""
        messages.success(
            request,
            _(
                "Đã thêm %(name)s. Người này vào trang đăng nhập, chọn “Quên mật khẩu” để tự đặt "
                "mật khẩu, rồi bật xác thực hai lớp. Mời ông/bà phân công vai trò."
            )
            % {"name": obj.get_full_name()},
        )
        return redirect("admin:procedures_posting_add")

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
