"""The officials' queue: the change list made for the job.

No page of it counts or sorts the table of dossiers: counts stop at `MOST_COUNTED` and come
from the partial indexes over open dossiers, a page reads one row more than it shows, and
the list of everything follows an index for each office.
"""

from __future__ import annotations

import datetime
from functools import reduce
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F, IntegerField, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import panels, presenting, searching, turns
from dossiers.admin import batch
from dossiers.models import Dossier, SavedView
from dossiers.queuefilters import EVERYTHING, FILTERS, Chosen, Viewer, filed, read, tabs_for
from procedures import worktime
from procedures.models import Channel, Posting, Procedure, Sector
from procedures.postings import offices, replaced_keys, roles
from procedures.text import grouped

Role = Posting.Role
State = Dossier.State
PER_PAGE = 50
MOST_PAGES = 100  # the row that a page begins with is found by counting up to it
MOST_COUNTED = 199
MOST_BRANCHES = 8
SOON = 1  # working days left from which a due moment is coloured
# By these a dossier's page knows from which list it was opened, and where it stood there.
KEPT, PLACE = "_bo-loc", "_tu"
LONGEST_QUERY = 500
_NOWHERE = "-"  # the place of a dossier without the moment by which its tab is sorted

# What is long and not shown in a row.
_NOT_SHOWN = ("answers", "draft_result", "revision__definition", "revision__summary")

# Where a dossier stands in a tab: its key, and the moment by which the tab is sorted.
Place = tuple[int, datetime.datetime | None]

_TURNS = {
    State.SUBMITTED: gettext_lazy("Bộ phận tiếp nhận"),
    State.ACCEPTED: gettext_lazy("Chờ thụ lý"),
    State.PROCESSING: gettext_lazy("Công chức thụ lý"),
    State.AWAITING_APPROVAL: gettext_lazy("Người ký"),
    State.COMPLETED: gettext_lazy("Bộ phận trả kết quả"),
    **dict.fromkeys(Dossier.CITIZENS_TURN, gettext_lazy("Công dân")),
    **dict.fromkeys(Dossier.FINAL, gettext_lazy("Đã kết thúc")),
}


# --- Reading --------------------------------------------------------------------------


def viewer_of(request: HttpRequest) -> Viewer:
    """Whose queue this request shows, asked once."""
    if not hasattr(request, "_queue_viewer"):
        user = request.user
        where = None if user.is_superuser else offices(request)
        request._queue_viewer = Viewer(user, roles(request), where, replaced_keys(request))
    return request._queue_viewer


def in_order(rows: QuerySet[Dossier], order: str, *, backwards: bool = False) -> QuerySet[Dossier]:
    """The rows as a tab with this order lists them; those without a moment come last."""
    column = order.removeprefix("-")
    if order.startswith("-") != backwards:
        return rows.order_by(F(column).desc(nulls_first=True), "-pk")
    return rows.order_by(F(column).asc(nulls_last=True), "pk")


def first_keys(chosen: Chosen, rows: QuerySet[Dossier], limit: int, *, skip: int = 0) -> list[int]:
    """The keys of the first `limit` of these rows after `skip`, in the order of the tab."""
    return [pk for pk, _moment in first_places(chosen, rows, limit, skip=skip)]


def first_places(
    chosen: Chosen, rows: QuerySet[Dossier], limit: int, *, skip: int = 0, backwards: bool = False
) -> list[Place]:
    """The same, each with the moment by which the tab is sorted."""
    if rows.query.is_empty():
        return []
    column = chosen.tab.order.removeprefix("-")
    pairs = rows.values_list("pk", column)
    last = skip + limit
    branches = _branches(chosen, pairs) if column == "submitted_at" else []
    if len(branches) > 1:
        cut = [
            in_order(branch, chosen.tab.order, backwards=backwards)[:last] for branch in branches
        ]
        pairs = reduce(lambda one, other: one.union(other), cut)
    return list(in_order(pairs, chosen.tab.order, backwards=backwards)[skip:last])


def _branches(chosen: Chosen, pairs: QuerySet) -> list[QuerySet]:
    """The same rows office by office, where each has an index in the right order.

    PostgreSQL sorts all that several offices have; of one office it reads the first alone.
    """
    where = chosen.offices
    can = connection.features.supports_slicing_ordering_in_compound
    if where is None or not can or len(where) * 2 > MOST_BRANCHES:
        return []
    return [
        pairs.filter(**{column: office})
        for office in sorted(where)
        for column in ("handling_agency", "receiving_agency")
    ]


def searched(chosen: Chosen) -> tuple[QuerySet[Dossier], str]:
    """The dossiers that the address asks for with its search, and a remark where it is cut."""
    rows = chosen.dossiers()
    if not chosen.text:
        return rows, ""
    condition = searching.by_code(chosen.text, chosen.viewer.agencies())
    if condition is not None:
        return rows.filter(condition), ""
    try:
        beginning = searching.prefix(chosen.text)
    except searching.TooShort as error:
        return rows.none(), str(error)
    terms = searching.with_term(beginning)
    if not searching.is_common(beginning):
        return rows.filter(pk__in=terms.values("dossier")), ""
    newest = first_keys(chosen, rows, searching.NEWEST)
    found = list(terms.filter(dossier__in=newest).values_list("dossier", flat=True))
    text = _("Rất nhiều hồ sơ khớp với từ này nên chỉ tìm trong %(count)s hồ sơ đầu danh sách; "
             "hãy gõ đủ họ tên hoặc lọc theo ngày nộp.")  # fmt: skip
    return rows.filter(pk__in=found), text % {"count": grouped(searching.NEWEST)}


class _BoundedCount(Subquery):
    """How many rows a query has that is cut off at a limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def counts(viewer: Viewer) -> dict[str, int]:
    """How many dossiers each tab but the last holds, up to `MOST_COUNTED` + 1, in one query."""
    counted = {key: tab for key, tab in tabs_for(viewer).items() if key != EVERYTHING}
    rows = filed(viewer).order_by()
    bounded = [
        _BoundedCount(rows.filter(tab.holds(viewer)).values("pk")[: MOST_COUNTED + 1])
        for tab in counted.values()
    ]
    # One row, that of the person, to hang the counts on.
    myself = get_user_model().objects.filter(pk=viewer.user.pk)
    [found] = myself.values_list(*bounded)
    return dict(zip(counted, found, strict=True))


# --- The page before and after --------------------------------------------------------


def neighbours(request: HttpRequest, dossier: Dossier) -> dict[str, Any]:
    """The dossiers before and after this one in the list from which its page was opened.

    `{"back": url, "previous": url, "next": url, "kept": query}`, "" where there is none; {}
    for a page that was opened from no list. Found by where the dossier stood when the list
    was drawn, so that a move which takes it out of the list leads on to the next one.
    """
    chosen = _kept_list(request)
    if chosen is None:
        return {}
    rows, _remark = searched(chosen)
    place = _kept_place(request, chosen, dossier)
    found = {
        name: first_places(
            chosen, rows.filter(_beside(chosen, place, after)), 1, backwards=not after
        )
        for name, after in (("previous", False), ("next", True))
    }
    urls = {name: page_url(places[0], chosen) if places else "" for name, places in found.items()}
    list_url = f"{reverse('admin:dossiers_dossier_changelist')}?{chosen.query()}"
    return {"back": list_url, "kept": _kept(place, chosen), **urls}


def kept(request: HttpRequest, dossier: Dossier) -> str:
    """The end of an address of this dossier that keeps its list: `?_bo-loc=…`, or ""."""
    chosen = _kept_list(request)
    return "" if chosen is None else _kept(_kept_place(request, chosen, dossier), chosen)


def _kept_list(request: HttpRequest) -> Chosen | None:
    query = request.GET.get(KEPT, "")
    if not query or len(query) > LONGEST_QUERY:
        return None
    try:
        return read(QueryDict(query), viewer_of(request))
    except DisallowedModelAdminLookup:
        return None


def _kept_place(request: HttpRequest, chosen: Chosen, dossier: Dossier) -> Place:
    typed = request.GET.get(PLACE, "")
    if typed == _NOWHERE:
        return dossier.pk, None
    try:
        moment = datetime.datetime.fromisoformat(typed)
    except ValueError:
        moment = None
    return (dossier.pk, moment) if moment and moment.tzinfo else _place(chosen, dossier)


def _place(chosen: Chosen, dossier: Dossier) -> Place:
    column = chosen.tab.order.removeprefix("-")
    return dossier.pk, getattr(dossier, "due_at" if column == "due" else column)


def page_url(place: Place, chosen: Chosen) -> str:
    """The page of a dossier, which remembers the list from which it was opened."""
    url = reverse("admin:dossiers_dossier_change", args=[place[0]])
    return f"{url}{_kept(place, chosen)}"


def _kept(place: Place, chosen: Chosen) -> str:
    moment = place[1].isoformat() if place[1] else _NOWHERE
    return f"?{urlencode({KEPT: chosen.query(), PLACE: moment})}"


def _beside(chosen: Chosen, place: Place, after: bool) -> Q:
    """What stands after a place (or before it) in the order of the tab."""
    column = chosen.tab.order.removeprefix("-")
    pk, moment = place
    ascending = chosen.tab.order.startswith("-") != after
    side = "gt" if ascending else "lt"
    nothing = Q(**{f"{column}__isnull": True})
    if moment is None:
        same = nothing & Q(**{f"pk__{side}": pk})
        return same if ascending else same | ~nothing
    same = Q(**{column: moment, f"pk__{side}": pk})
    beyond = Q(**{f"{column}__{side}": moment}) | same
    return beyond | nothing if ascending else beyond


# --- What a row says ------------------------------------------------------------------


def _row(dossier: Dossier, chosen: Chosen, calendar: worktime.Calendar) -> dict[str, Any]:
    step = dossier.step_due_at
    is_nearer = step and dossier.due_at and step < dossier.due_at
    return {
        "dossier": dossier,
        "url": page_url(_place(chosen, dossier), chosen),
        "badge": presenting.BADGES.get(dossier.state, "working"),
        "turn": _TURNS.get(dossier.state, ""),
        "is_citizens": dossier.is_citizens_turn,
        "due": dossier.citizen_by if dossier.is_citizens_turn else dossier.due_at,
        "left": turns.left(dossier, calendar),
        "tone": _tone(dossier, calendar),
        "step_due": step if is_nearer else None,
        "step_is_late": bool(is_nearer and step < timezone.now()),
        "remarks": panels.for_row(dossier),
    }


def _tone(dossier: Dossier, calendar: worktime.Calendar) -> str:
    """The colour beside the words: late, soon, or none."""
    due = dossier.due_at
    if due is None:
        return ""
    if dossier.is_overdue:
        return "late"
    try:
        days = worktime.working_days_left(due, dossier.handling_agency, calendar=calendar)
    except worktime.NoCalendar:
        return ""
    return "soon" if days <= SOON else ""


# --- The page -------------------------------------------------------------------------


def _page_number(request: HttpRequest) -> int:
    typed = request.GET.get("trang", "")
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 1
    return min(max(number, 1), MOST_PAGES)


def _tabs(chosen: Chosen) -> list[dict[str, Any]]:
    counted = counts(chosen.viewer)
    return [
        {
            "label": tab.label,
            "url": f"?{urlencode({'nhom': key})}",
            "count": _count_text(counted.get(key)),
            "is_chosen": key == chosen.tab.key,
        }
        for key, tab in tabs_for(chosen.viewer).items()
    ]


def _count_text(count: int | None) -> str | None:
    if count is None or count <= MOST_COUNTED:
        return None if count is None else str(count)
    return f"{MOST_COUNTED}+"


def _chips(chosen: Chosen) -> list[dict[str, Any]]:
    """The filters that hold, each with the address that takes it away."""
    chips = [
        {"label": FILTERS[name].label, "value": found.label, "url": chosen.query(**{name: None})}
        for name, found in chosen.found.items()
    ]
    if chosen.text:
        chips.append({"label": _("Tìm"), "value": chosen.text, "url": chosen.query(q=None)})
    return chips


def _inputs(chosen: Chosen) -> list[dict[str, Any]]:
    """The inputs of the panel of filters, with what may be chosen."""
    options = {
        "co-quan": chosen.viewer.agencies().values_list("pk", "name").order_by("name"),
        **_catalogue(chosen),
        "trang-thai": [(s.value, s.label) for s in State if s != State.DRAFT],
        "can-bo": _officers(chosen.viewer),
        "cach-nop": Channel.Kind.choices,
        "qua-han": [("1", _("Đang quá hạn"))],
        "so-voi-han": Dossier.Timing.choices,
    }
    return [
        {
            "name": name,
            "label": one.label,
            "value": chosen.values.get(name, ""),
            "options": [(str(key), label) for key, label in options.get(name, ())],
            "is_day": one.is_day,
            "is_hidden": not one.is_day and name not in options,
        }
        for name, one in FILTERS.items()
    ]


def _catalogue(chosen: Chosen) -> dict[str, list[tuple[Any, str]]]:
    """The fields and procedures among the newest dossiers of the viewer."""
    everything = read({"nhom": EVERYTHING}, chosen.viewer)
    newest = first_keys(everything, everything.dossiers(), searching.NEWEST)
    used = Dossier.objects.filter(pk__in=newest).order_by().values("revision").distinct()
    procedures = Procedure.objects.filter(revisions__in=used).select_related("current").distinct()
    sectors = Sector.objects.filter(revisions__in=used).distinct()
    names = {p.code: p.current.short_name if p.current else p.code for p in procedures}
    if code := chosen.values.get("thu-tuc"):
        names.setdefault(code, chosen.found["thu-tuc"].label)
    return {
        "linh-vuc": sorted(sectors.values_list("pk", "name"), key=lambda pair: pair[1]),
        "thu-tuc": sorted(names.items(), key=lambda pair: pair[1]),
    }


def _officers(viewer: Viewer) -> list[tuple[int, str]]:
    posted = Posting.objects.current().filter(role=Role.CASE_OFFICER)
    if viewer.offices is not None:
        posted = posted.filter(agency__in=viewer.offices)
    people = {row.user_id: row.user.get_full_name() for row in posted.select_related("user")}
    return sorted(people.items(), key=lambda pair: pair[1])


def _next_work(viewer: Viewer) -> str:
    """What "take the next one" does for this person, in words; "" where it is not theirs."""
    if Role.CASE_OFFICER in viewer.roles:
        return _("Nhận việc tiếp theo")
    return _("Mở hồ sơ mới tiếp theo") if Role.RECEPTION in viewer.roles else ""


class QueueList:
    """What `DossierAdmin` shows as a list."""

    actions = None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> HttpResponse:
        """One page of the queue with its tabs, filters, saved views and what may be done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = read(request.GET, viewer_of(request))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Hồ sơ"),
            **self._list(request, chosen),
            "tabs": _tabs(chosen),
            "chosen": chosen,
            "chips": _chips(chosen),
            "inputs": _inputs(chosen) if "loc" in request.GET else [],
            "views": SavedView.objects.filter(user=request.user),
            "next_work": _next_work(chosen.viewer),
            "batch_moves": batch.offered(request),
            **(extra_context or {}),
        }
        return render(request, "admin/dossiers/dossier/change_list.html", context)

    def _list(self, request: HttpRequest, chosen: Chosen) -> dict[str, Any]:
        """The rows of the page, and how to go on."""
        rows, remark = searched(chosen)
        number = _page_number(request)
        skip = (number - 1) * PER_PAGE
        keys = first_keys(chosen, rows, PER_PAGE + 1, skip=skip)
        whole = self.get_queryset(request).defer(*_NOT_SHOWN)
        shown = whole.in_bulk(keys[:PER_PAGE])
        calendar = worktime.Calendar.load()
        has_more = len(keys) > PER_PAGE
        return {
            "rows": [_row(shown[key], chosen, calendar) for key in keys if key in shown],
            "remark": remark,
            "first": skip + 1,
            "last": skip + len(shown),
            "has_more": has_more,
            "previous_page": number - 1,
            "next_page": number + 1 if has_more and number < MOST_PAGES else 0,
        }
