"""Who works where, who is away, offices, calendar and words: the administrator's pages.

An administrator manages the offices of their own postings and those below, sees no
dossier, and gives themselves nothing.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import LegalGround, ReplyTemplate
from dossiers.replyforms import ReplyTemplateForm
from procedures.models import Absence, Agency, Posting
from procedures.postings import in_force, offices_of

_ADMINISTERS = (Posting.Role.ADMINISTRATOR,)


def managed_offices(request: HttpRequest) -> QuerySet[Agency]:
    """The offices that the sender of a request administers: all of them for who runs the portal."""
    if request.user.is_superuser:
        return Agency.objects.all()
    if not hasattr(request, "_managed_offices"):
        request._managed_offices = offices_of(request.user, _ADMINISTERS)
    return Agency.objects.filter(pk__in=request._managed_offices)


def managed_people(request: HttpRequest) -> QuerySet[Any]:
    """Officials of those offices, of any time, and new ones who are posted nowhere yet."""
    people = get_user_model().objects.all()
    if request.user.is_superuser:
        return people
    theirs = Posting.objects.filter(agency__in=managed_offices(request)).values("user")
    is_new = Q(postings=None)
    return people.filter(Q(pk__in=theirs) | is_new, is_staff=True, is_superuser=False)


def works_elsewhere(request: HttpRequest, person: Any) -> bool:
    """Whether somebody is posted today at an office that the sender does not administer."""
    today = Posting.objects.filter(user=person).current()
    return today.exclude(agency__in=managed_offices(request)).exists()


class _OwnOffices(admin.ModelAdmin):
    """Rows of one's own offices alone; choices of offices and people are limited likewise."""

    actions = None
    # Typed, as on every other page: Django's calendar explains itself in English.
    formfield_overrides = {
        models.DateField: {"widget": forms.DateInput({"autocomplete": "off"}, "%d/%m/%Y")}
    }
    office_path = "agency"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Limited to the offices that one administers."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.office_path}__in": managed_offices(request)}).distinct()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Own offices and their active officials; a plain list, which needs no script."""
        if db_field.name == "agency":
            kwargs["queryset"] = managed_offices(request).filter(is_active=True).order_by("name")
        if db_field.name == "user":
            people = managed_people(request).filter(is_active=True, is_staff=True)
            kwargs["queryset"] = people.exclude(pk=request.user.pk).order_by("full_name")
            kwargs["form_class"] = PersonChoice
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the icons beside a choice, which open windows by script."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(field, "widget", None)
        if isinstance(widget, RelatedFieldWidgetWrapper):
            field.widget = widget.widget
        return field

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the side bar offers: others would read people's data letter by letter."""
        return lookup.split("__")[0] in self.list_filter

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was once in force stays explained."""
        return False


class PersonChoice(forms.ModelChoiceField):
    """People by name and address, since two may have the same name."""

    def label_from_instance(self, obj: Any) -> str:
        """The words of one choice."""
        return f"{obj.get_full_name()} ({obj.email or obj.account_number or obj.phone})"


class PostingForm(forms.ModelForm):
    """One posting: its days in order, and the same one not twice at a time."""

    def clean(self) -> dict[str, Any]:
        """Refuse with a sentence what the database would refuse without one."""
        data = super().clean()
        if self.instance.stands_in_for_id:
            return data
        first, last = self._value("valid_from", data), data.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", _("Ngày cuối không được trước ngày đầu."))
        elif first and in_force(self._same(data), first, last).exists():
            raise forms.ValidationError(
                _("Người này đã có đúng vai trò ấy tại cơ quan ấy trong khoảng thời gian này.")
            )
        return data

    def _value(self, name: str, data: dict[str, Any]) -> Any:
        return data.get(name) or (getattr(self.instance, name) if self.instance.pk else None)

    def _same(self, data: dict[str, Any]) -> QuerySet[Posting]:
        what = {name: self._value(name, data) for name in ("user", "agency", "role")}
        return Posting.objects.filter(stands_in_for=None, **what).exclude(pk=self.instance.pk)


@admin.register(Posting)
class PostingAdmin(_OwnOffices):
    """Who works where, from when to when.

    A posting is ended, not deleted, and says for good who held which role where: only its
    title and its last day can be changed. Nobody gives a role to themselves.
    """

    form = PostingForm
    list_display = ("person", "agency", "role", "title", "valid_from", "valid_until", "stands_in")
    list_filter = ("role", "agency")
    list_select_related = ("user", "agency", "stands_in_for")
    search_fields = ("user__full_name", "user__email")
    search_help_text = gettext_lazy("Tìm theo họ tên hoặc thư điện tử")
    ordering = ("user__full_name", "valid_from")
    fields = ("user", "agency", "role", "title", "valid_from", "valid_until")

    def get_readonly_fields(self, request: HttpRequest, obj: Posting | None = None) -> tuple:
        """Who, where, what and since when stay as they were said; a substitute's days are those
        of the page for substitutes, which ends them."""
        if obj is None:
            return ()
        days = ("valid_from", "valid_until") if obj.stands_in_for_id else ("valid_from",)
        return ("user", "agency", "role", *days)

    def has_change_permission(self, request: HttpRequest, obj: Posting | None = None) -> bool:
        """Not one's own: it would be lengthened by whom it gives power."""
        is_own = obj is not None and obj.user_id == request.user.pk
        return not is_own and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Posting, form: Any, change: bool) -> None:
        """With who said so."""
        if not change:
            obj.appointed_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("Cán bộ"), ordering="user__full_name")
    def person(self, posting: Posting) -> str:
        """The official's name."""
        return posting.user.get_full_name()

    @admin.display(description=gettext_lazy("Làm thay"))
    def stands_in(self, posting: Posting) -> str:
        """For whom, where it is a substitute's."""
        return posting.stands_in_for.get_full_name() if posting.stands_in_for else "–"


class AbsenceForm(forms.ModelForm):
    """The days on which somebody is away, in order."""

    def clean(self) -> dict[str, Any]:
        """Refuse with a sentence what the database would refuse without one."""
        data = super().clean()
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("Ngày cuối không được trước ngày đầu."))
        return data


@admin.register(Absence)
class AbsenceAdmin(_OwnOffices):
    """Who is away; who does their work meanwhile is said on the page for substitutes."""

    form = AbsenceForm
    list_display = ("person", "first_day", "last_day", "reason")
    list_select_related = ("user",)
    search_fields = ("user__full_name",)
    fields = ("user", "first_day", "last_day", "reason")
    office_path = "user__postings__agency"

    def has_delete_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        """A leave that was called off before it began never was."""
        began = obj is not None and obj.first_day <= timezone.localdate()
        may = request.user.has_perm("procedures.delete_absence")
        return obj is not None and not began and may

    def save_model(self, request: HttpRequest, obj: Absence, form: Any, change: bool) -> None:
        """With who said so."""
        obj.recorded_by = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("Cán bộ"), ordering="user__full_name")
    def person(self, absence: Absence) -> str:
        """The official's name."""
        return absence.user.get_full_name()


@admin.register(ReplyTemplate)
class ReplyTemplateAdmin(_OwnOffices):
    """Words that an office uses again; one that is not used any more is made inactive."""

    form = ReplyTemplateForm
    list_display = ("title", "purpose", "agency", "is_active")
    list_filter = ("purpose", "is_active")
    list_select_related = ("agency",)
    search_fields = ("title",)

    def save_model(self, request: HttpRequest, obj: ReplyTemplate, form: Any, change: bool) -> None:
        """With who wrote it."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)


class LegalGroundForm(forms.ModelForm):
    """A ground in law, with where it may be chosen as boxes to tick."""

    uses = forms.MultipleChoiceField(
        label=gettext_lazy("Dùng khi"),
        choices=LegalGround.Use.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Hãy chọn ít nhất một trường hợp.")},
    )


@admin.register(LegalGround)
class LegalGroundAdmin(admin.ModelAdmin):
    """The reasons in law for which offices may refuse or stop; one list for all of them."""

    form = LegalGroundForm
    actions = None
    list_display = ("code", "title", "law", "sector", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("sector",)
    search_fields = ("code", "title", "law")

    def has_delete_permission(self, request: HttpRequest, obj: LegalGround | None = None) -> bool:
        """One that was used stays; one that no longer holds is switched off."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: LegalGround | None = None) -> tuple:
        """The code is what dossiers and reports name it by."""
        return ("code",) if obj else ()
