"""The addresses of the officials' queue: its tabs and filters, read from the URL.

Reports and the leader's desk link to lists by these names (`address()` builds one):

    nhom=<key of TABS>          the tab; "tat-ca" is everything, the latest filing first
    q=<text>                    a search: code, name, number, telephone
    co-quan=<pk>                an office of one's own and all below it: handled there, or at a
                                desk that receives for others, received there
    linh-vuc=<pk>               the field                thu-tuc=<code of a procedure>
    trang-thai=<Dossier.State>  the state                can-bo=<pk>  the officer
    cach-nop=<Channel.Kind>     how it was filed         qua-han=1    late now
    nop-tu, nop-den=YYYY-MM-DD  filed on these days, both included; han-tu, han-den by what is
                                due; xong-tu, xong-den by the end (`ended_at`)
    so-voi-han=early|on_time|late   how it ended against what was promised

A value that cannot be is left out and said so; a name that is none of these and could be a
lookup of Django's is refused.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier, due_moment
from dossiers.proposals import to_send
from procedures.models import Agency, Channel, Posting, Procedure, Sector
from procedures.postings import at_or_below
from procedures.text import normalise

Role = Posting.Role
State = Dossier.State
EVERYTHING = "tat-ca"
_UNASSIGNED = [State.ACCEPTED, State.PROCESSING]
_WORKED_ON = [state for state in Dossier.OPEN if state != State.COMPLETED]
_LONGEST_KEY = 18
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


class Wrong(Exception):
    """A value that cannot be; the message is for the person."""


@dataclass(frozen=True)
class Tab:
    """One tab: its words, which dossiers it holds, and by which moment they are sorted.

    `order` is an expression's name, with "-" for the latest first; the others stand by what
    is due first.
    """

    key: str
    label: Any
    holds: Callable[[Viewer], Q]
    order: str = "due"
    is_own: bool = False


@dataclass(frozen=True)
class Viewer:
    """Whose queue it is: the offices (None for all of them) and whose work counts as theirs."""

    user: Any
    roles: frozenset[str]
    offices: frozenset[int] | None
    stands_in_for: tuple[int, ...] = ()

    @property
    def workers(self) -> list[int]:
        """The person and those for whom they stand in today."""
        return [self.user.pk, *self.stands_in_for]

    @property
    def acts(self) -> bool:
        """Whether there is work of their own; a supervisor reads."""
        return bool(self.roles - {Role.SUPERVISOR})

    def agencies(self) -> QuerySet[Agency]:
        """The offices as rows."""
        rows = Agency.objects.all()
        return rows if self.offices is None else rows.filter(pk__in=self.offices)


def _late_now() -> Q:
    """The rule of `Dossier.is_overdue`, as the index of what is due knows it."""
    return Q(state__in=Dossier.OPEN, due__lt=timezone.now())


TABS = {
    tab.key: tab
    for tab in (
        Tab("moi", gettext_lazy("Mới"), lambda who: Q(state__in=[State.SUBMITTED])),
        Tab(
            "can-gui", gettext_lazy("Một cửa cần gửi"), lambda who: Q(pk__in=to_send()),
            is_own=True,
        ),
        Tab(
            "chua-giao", gettext_lazy("Chưa giao"),
            lambda who: Q(state__in=_UNASSIGNED, assignee=None),
        ),
        Tab(
            "cua-toi", gettext_lazy("Của tôi"),
            lambda who: Q(state__in=_WORKED_ON, assignee__in=who.workers), is_own=True,
        ),
        Tab(
            "cong-dan", gettext_lazy("Đến lượt công dân"),
            lambda who: Q(state__in=Dossier.CITIZENS_TURN), "citizen_by",
        ),
        Tab(
            "trinh-ky", gettext_lazy("Trình ký"),
            lambda who: Q(state__in=[State.AWAITING_APPROVAL]),
        ),
        Tab(
            "tra", gettext_lazy("Chờ trả"), lambda who: Q(state__in=[State.COMPLETED]),
            "completed_at",
        ),
        Tab(
            "qua-han", gettext_lazy("Quá hạn"),
            lambda who: _late_now(),
        ),
        Tab(EVERYTHING, gettext_lazy("Tất cả"), lambda who: Q(), "-submitted_at"),
    )
}  # fmt: skip


def tabs_for(viewer: Viewer) -> dict[str, Tab]:
    """The tabs that a person is shown: those of work alone to who works."""
    return {key: tab for key, tab in TABS.items() if viewer.acts or not tab.is_own}


# The tab that opens first, by the first of these roles that a person holds.
_FIRST_TABS = {
    Role.RECEPTION: "moi",
    Role.CASE_OFFICER: "cua-toi",
    Role.APPROVER: "trinh-ky",
    Role.LEADER: "qua-han",
    Role.SUPERVISOR: "qua-han",
    Role.CASHIER: "cong-dan",
}


def first_tab(viewer: Viewer) -> str:
    """The tab that this person's queue opens with."""
    if viewer.user.is_superuser:
        return EVERYTHING
    return next((tab for role, tab in _FIRST_TABS.items() if role in viewer.roles), EVERYTHING)


def address(**values: Any) -> str:
    """The queue with these filters; names with "_" for "-": `address(co_quan=3, qua_han=1)`."""
    pairs = {name.replace("_", "-"): value for name, value in values.items() if value != ""}
    return f"{reverse('admin:dossiers_dossier_changelist')}?{urlencode(pairs)}"


# --- Reading one value ----------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What one parameter asks for, and how it reads above the list."""

    condition: Q
    label: str
    offices: frozenset[int] | None = None


def _key(value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or len(value) > _LONGEST_KEY:
        raise Wrong
    return int(value)


def _office(value: str, viewer: Viewer) -> Found:
    office = viewer.agencies().filter(pk=_key(value)).first()
    if office is None:
        raise Wrong(_("Cơ quan này không thuộc phạm vi của ông/bà."))
    below = at_or_below([office.pk])
    condition = Q(handling_agency__in=below)
    if office.receives_for.exists():
        condition |= Q(receiving_agency__in=below)
    return Found(condition, office.short_name or office.name, below)


def _sector(value: str, viewer: Viewer) -> Found:
    sector = Sector.objects.filter(pk=_key(value)).first()
    if sector is None:
        raise Wrong(_("Không có lĩnh vực này."))
    return Found(Q(revision__sector=sector), sector.name)


def _procedure(value: str, viewer: Viewer) -> Found:
    procedure = Procedure.objects.filter(code=value).select_related("current").first()
    if procedure is None:
        raise Wrong(_("Không có thủ tục này."))
    name = procedure.current.short_name if procedure.current else procedure.code
    return Found(Q(revision__procedure=procedure), name)


def _officer(value: str, viewer: Viewer) -> Found:
    people = get_user_model().objects.filter(pk=_key(value))
    if viewer.offices is not None:
        posted = Posting.objects.filter(agency__in=viewer.offices)
        people = people.filter(pk__in=posted.values("user"))
    officer = people.first()
    if officer is None:
        raise Wrong(_("Không có cán bộ này ở cơ quan của ông/bà."))
    return Found(Q(assignee=officer), officer.get_full_name())


def _choice(column: str, choices: Any, *, without: tuple[str, ...] = ()) -> Callable:
    def read(value: str, viewer: Viewer) -> Found:
        if value not in choices.values or value in without:
            raise Wrong
        return Found(Q(**{column: value}), str(choices(value).label))

    return read


def _late(value: str, viewer: Viewer) -> Found:
    if value != "1":
        raise Wrong
    return Found(_late_now(), _("đang quá hạn"))


def _day(value: str) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise Wrong(_("“%(value)s” không phải là một ngày.") % {"value": value[:20]})
    return day


def _from(column: str) -> Callable[[str, Viewer], Found]:
    def read(value: str, viewer: Viewer) -> Found:
        return Found(Q(**{f"{column}__gte": _start(_day(value))}), f"{_day(value):%d/%m/%Y}")

    return read


def _until(column: str) -> Callable[[str, Viewer], Found]:
    def read(value: str, viewer: Viewer) -> Found:
        after = _start(_day(value) + datetime.timedelta(days=1))
        return Found(Q(**{f"{column}__lt": after}), f"{_day(value):%d/%m/%Y}")

    return read


def _start(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


@dataclass(frozen=True)
class Filter:
    """One parameter of the address: its words, how its value is read, whether it is a day.

    What is neither a day nor a choice of the panel comes by links alone, as from a report.
    """

    label: Any
    read: Callable[[str, Viewer], Found]
    is_day: bool = False


FILTERS = {
    "co-quan": Filter(gettext_lazy("Cơ quan"), _office),
    "linh-vuc": Filter(gettext_lazy("Lĩnh vực"), _sector),
    "thu-tuc": Filter(gettext_lazy("Thủ tục"), _procedure),
    "trang-thai": Filter(
        gettext_lazy("Trạng thái"), _choice("state", State, without=(State.DRAFT,))
    ),
    "can-bo": Filter(gettext_lazy("Người thụ lý"), _officer),
    "cach-nop": Filter(gettext_lazy("Cách nộp"), _choice("channel", Channel.Kind)),
    "qua-han": Filter(gettext_lazy("Thời hạn"), _late),
    "so-voi-han": Filter(gettext_lazy("So với hạn"), _choice("timing", Dossier.Timing)),
    "nop-tu": Filter(gettext_lazy("Nộp từ ngày"), _from("submitted_at"), is_day=True),
    "nop-den": Filter(gettext_lazy("Nộp đến hết ngày"), _until("submitted_at"), is_day=True),
    "han-tu": Filter(gettext_lazy("Hạn từ ngày"), _from("due"), is_day=True),
    "han-den": Filter(gettext_lazy("Hạn đến hết ngày"), _until("due"), is_day=True),
    "xong-tu": Filter(gettext_lazy("Xong từ ngày"), _from("ended_at"), is_day=True),
    "xong-den": Filter(gettext_lazy("Xong đến hết ngày"), _until("ended_at"), is_day=True),
}
_OTHERS = {"nhom", "q", "trang", "loc"}


# --- The whole address ----------------------------------------------------------------


@dataclass
class Chosen:
    """What an address asks for: the tab, the filters that hold, and what is wrong with others.

    `values` are those that hold, in the order of `FILTERS`.
    """

    viewer: Viewer
    tab: Tab
    text: str = ""
    values: dict[str, str] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def offices(self) -> frozenset[int] | None:
        """The offices in which these dossiers lie; None for all."""
        office = self.found.get("co-quan")
        return office.offices if office else self.viewer.offices

    def query(self, **changes: str | None) -> str:
        """The address again without its page, with other values or without (None)."""
        pairs = {"nhom": self.tab.key, "q": self.text, **self.values, **changes}
        return urlencode({name: value for name, value in pairs.items() if value})

    def dossiers(self) -> QuerySet[Dossier]:
        """The filed dossiers of the tab that pass the filters, without the search."""
        rows = filed(self.viewer, narrowed="co-quan" in self.found)
        rows = rows.filter(self.tab.holds(self.viewer))
        for one in self.found.values():
            rows = rows.filter(one.condition)
        return rows


def filed(viewer: Viewer, *, narrowed: bool = False) -> QuerySet[Dossier]:
    """All that the viewer handles, with `due`; `narrowed` where an office's filter says more."""
    rows = Dossier.objects.exclude(state=State.DRAFT).annotate(due=due_moment())
    if viewer.offices is None or narrowed:
        return rows
    return rows.at_offices(viewer.offices)


def read(parameters: Mapping[str, str], viewer: Viewer) -> Chosen:
    """What the parameters of an address ask for.

    Raises `DisallowedModelAdminLookup` (400) for a lookup that nobody offered. A search or a
    filter without a tab looks everywhere.
    """
    refuse_lookups(parameters)
    # Kept inside another address they were not normalised at the edge.
    given = {name: normalise(parameters.get(name, "")).strip() for name in FILTERS}
    text = normalise(parameters.get("q", "")).strip()[:100]
    named = parameters.get("nhom", "")
    default = EVERYTHING if text or any(given.values()) else first_tab(viewer)
    chosen = Chosen(viewer, TABS.get(named) or TABS[default], text)
    if named and named not in TABS:
        chosen.complaints.append(_("Không có nhóm hồ sơ này nên đã bỏ qua."))
    for name, value in given.items():
        if value:
            _read_one(name, value, chosen)
    return chosen


def refuse_lookups(parameters: Mapping[str, str]) -> None:
    """Others than these names would read secrets letter by letter."""
    for name in parameters:
        if "__" in name and name not in _OTHERS:
            raise DisallowedModelAdminLookup(f"Filtering by {name} not allowed")


def _read_one(name: str, value: str, chosen: Chosen) -> None:
    label = FILTERS[name].label
    try:
        found = FILTERS[name].read(value, chosen.viewer)
    except Wrong as error:
        reason = str(error) or _("Giá trị không có trong danh sách.")
        words = {"filter": label, "reason": reason}
        chosen.complaints.append(_("Bỏ qua bộ lọc “%(filter)s”: %(reason)s") % words)
        return
    chosen.values[name], chosen.found[name] = value, found
