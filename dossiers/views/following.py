"""The citizen's pages for following what was filed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from dossiers import confirmation, ledger, messages, notices, presenting, ratings, roots
from dossiers.models import Dossier, DossierQuerySet
from dossiers.turns import turn
from procedures.text import fold
from procedures.worktime import Calendar

State = Dossier.State
PAGE_SIZE = 20
DRAFTS_SHOWN = 5


class Group(NamedTuple):
    """One of the lists that a person can choose: its name and which dossiers it holds."""

    label: Any
    holds: Q


GROUPS = {
    "": Group(gettext_lazy("Đã nộp"), ~Q(state=State.DRAFT)),
    "dang-giai-quyet": Group(
        gettext_lazy("Đang giải quyết"), ~Q(state__in=[State.DRAFT, *Dossier.FINAL])
    ),
    "da-xong": Group(gettext_lazy("Đã xong"), Q(state__in=Dossier.FINAL)),
    "ban-nhap": Group(gettext_lazy("Bản nháp"), Q(state=State.DRAFT)),
}


def get_dossier(request: HttpRequest, code: str) -> Dossier:
    """This person's filed dossier; 404 for anybody else's."""
    return get_object_or_404(Dossier.objects.visible_to(request.user).for_page(), code=code)


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """All of one's dossiers, what waits for their owner first; drafts stand apart."""
    chosen = request.GET.get("nhom", "")
    chosen = chosen if chosen in GROUPS else ""
    query = request.GET.get("q", "").strip()[:100]
    found = _found(Dossier.objects.visible_to(request.user), query)
    counts = _counts(found)
    paginator = Paginator(_rows(found.filter(GROUPS[chosen].holds), request), PAGE_SIZE)
    paginator.count = counts[chosen]  # counted already, with the others
    page = paginator.get_page(request.GET.get("trang"))
    context = {
        "page": page,
        "rows": _shown(page, request),
        "drafts": _drafts(found, request) if not chosen and page.number == 1 else [],
        "groups": _groups(counts, chosen),
        "chosen": chosen,
        "more_drafts": counts["ban-nhap"] > DRAFTS_SHOWN,
        "query": query,
        "unread": notices.unread_count(request.user),
    }
    return render(request, "dossiers/mine.html", context)


def _found(dossiers: DossierQuerySet, query: str) -> DossierQuerySet:
    """Those whose code or procedure has these words, with or without diacritics."""
    if not query:
        return dossiers
    wanted = fold(query)
    # Few and small: what one person ever filed. A database folds no Vietnamese.
    names = dossiers.values_list("revision", "revision__short_name", "revision__name").distinct()
    revisions = [pk for pk, short, name in names if wanted in fold(f"{short} {name}")]
    return dossiers.filter(
        Q(code__icontains=query) | Q(revision__procedure__code=query) | Q(revision__in=revisions)
    )


def _counts(found: DossierQuerySet) -> dict[str, int]:
    """How many each group holds, in one query."""
    counted = found.aggregate(
        **{f"n{number}": Count("pk", filter=g.holds) for number, g in enumerate(GROUPS.values())}
    )
    return {key: counted[f"n{number}"] for number, key in enumerate(GROUPS)}


def _groups(counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    return [
        {"key": key, "label": group.label, "count": counts[key], "is_chosen": key == chosen}
        for key, group in GROUPS.items()
    ]


def _rows(dossiers: DossierQuerySet, request: HttpRequest) -> DossierQuerySet:
    return dossiers.for_list().by_turn().with_news(request.user)


def _shown(dossiers: Any, request: HttpRequest) -> list[dict[str, Any]]:
    """Each dossier with its turn; a draft has none."""
    calendar = Calendar.load()
    return [
        {
            "dossier": dossier,
            "is_owner": dossier.owner_id == request.user.pk,
            "turn": None if dossier.state == State.DRAFT else turn(dossier, request.user, calendar),
        }
        for dossier in dossiers
    ]


def _drafts(found: DossierQuerySet, request: HttpRequest) -> list[dict[str, Any]]:
    drafts = found.filter(state=State.DRAFT).for_list()[:DRAFTS_SHOWN]
    return [{"dossier": draft, "is_owner": draft.owner_id == request.user.pk} for draft in drafts]


@login_required
@require_GET
def detail(request: HttpRequest, code: str) -> HttpResponse:
    """Where the dossier is, what was and what comes next; its notices are read by this."""
    dossier = get_dossier(request, code)
    context = presenting.page(dossier, request.user)
    context |= messages.summary(dossier)
    if context["is_owner"]:
        context |= ratings.invitation(dossier)
    response = render(request, "dossiers/detail.html", context)
    notices.mark_read(context["notices"])
    return response


@login_required
@require_GET
def filed(request: HttpRequest, code: str) -> HttpResponse:
    """Filed: the code, what happens next, and by when. Can be bookmarked."""
    filed_dossiers = Dossier.objects.visible_to(request.user).exclude(state=State.DRAFT)
    dossier = get_object_or_404(
        filed_dossiers.select_related(
            "revision__procedure", "receiving_agency", "handling_agency"
        ).prefetch_related("revision__documents", "attachments", "papers"),
        code=code,
    )
    is_owner = dossier.owner_id == request.user.pk
    return render(request, "dossiers/filed.html", confirmation.context(dossier, is_owner=is_owner))


@login_required
@require_GET
def chain(request: HttpRequest, code: str) -> HttpResponse:
    """The ledger of one's dossier as a file, to recompute: numbers and digests, no names."""
    dossier = get_object_or_404(Dossier.objects.visible_to(request.user), code=code)
    events = list(dossier.events.all())
    told = {
        "dossier": dossier.code,
        "how": _how_to_recompute(),
        "events": [{"content": ledger.content(event), "hash": event.hash} for event in events],
        "how_root": roots.how_to_check(),
        "root": roots.latest_place(dossier, events),
    }
    response = HttpResponse(
        json.dumps(told, ensure_ascii=False, indent=1), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="nhat-ky-{dossier.code}.json"'
    response["Cache-Control"] = "no-store, private"
    return response


def _how_to_recompute() -> str:
    return _(
        "Mã băm (hash) của mỗi dòng là SHA-256 của phần nội dung (content), viết bằng UTF-8. "
        "Phần tử cuối của nội dung là mã băm của dòng trước; dòng đầu để trống. "
        "Dòng nào bị sửa, xóa hoặc chèn thêm thì mã băm từ đó trở đi không còn khớp."
    )
