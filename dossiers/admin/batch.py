"""One move for several dossiers, each through the same door, with a result for each.

The first click shows what is chosen, the second makes the moves: every dossier in a
transaction of its own, with the version that stood in the list. What is refused says why
and changes nothing of the others.
"""

from __future__ import annotations

import io
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import assigning, ledger, officials, workflow
from dossiers.handing import collectingform
from dossiers.models import Collection, Dossier, Paper
from procedures.models import Posting
from procedures.postings import HANDLING_ROLES, offices, roles

Role = Posting.Role
MOST = 100
MOVES = ("accept", "assign", "hand_on", "hand_over")
PRINT = "print"
PRINTED = (Paper.Kind.RECEIPT, Paper.Kind.CONTROL)
LOOK = "print"  # what a look is called in the ledger
_RESULT = "batch"
_LONGEST_KEY = 18


class Wrong(Exception):
    """Nothing was done; the message says why."""


def offered(request: HttpRequest) -> list[dict[str, Any]]:
    """What this person may do with several dossiers at once, as `{name, label}`."""
    held = roles(request) & HANDLING_ROLES
    moves = [workflow.ACTIONS[name] for name in MOVES if name in workflow.ACTIONS]
    may = [move for move in moves if held & set(move.roles)]
    buttons = [{"name": move.name, "label": move.label} for move in may]
    return [*buttons, {"name": PRINT, "label": gettext_lazy("In giấy tờ")}] if held else []


# --- The first click: what is chosen --------------------------------------------------


@officials.page("ho-so-nhieu/", name="dossiers_batch", roles=HANDLING_ROLES)
def batch(request: HttpRequest) -> HttpResponse:
    """Show what is chosen and ask for what the move needs; then make it."""
    if request.method != "POST":
        return redirect("admin:dossiers_dossier_changelist")
    name = request.POST.get("move", "")
    try:
        chosen = _chosen(request.POST)
        if name not in {row["name"] for row in offered(request)}:
            raise Wrong(_("Ông/bà không làm được việc này với nhiều hồ sơ cùng lúc."))
    except Wrong as error:
        messages.error(request, str(error))
        return redirect(_back(request))
    if "sure" in request.POST:
        try:
            return _make(request, name, chosen)
        except Wrong as error:
            messages.error(request, str(error))
    return _ask(request, name, chosen)


def _chosen(data: QueryDict) -> dict[int, int]:
    """The versions of the ticked dossiers as they were shown, by key."""
    pairs = [value.partition(":") for value in data.getlist("chosen")]
    numbers = {(key, version) for key, _colon, version in pairs}
    if not numbers:
        raise Wrong(_("Hãy đánh dấu ít nhất một hồ sơ."))
    if len(numbers) > MOST:
        text = _("Mỗi lần làm được nhiều nhất %(most)d hồ sơ; chưa có gì thay đổi.")
        raise Wrong(text % {"most": MOST})
    if not all(_is_number(value) for pair in numbers for value in pair):
        raise Wrong(_("Danh sách hồ sơ gửi lên không đọc được; chưa có gì thay đổi."))
    return {int(key): int(version) for key, version in numbers}


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _LONGEST_KEY


def _ask(request: HttpRequest, name: str, chosen: dict[int, int]) -> HttpResponse:
    rows = _dossiers(request, chosen)
    context = {
        **officials.frame(request, _label(name)),
        "move": name,
        "label": _label(name),
        "rows": [{"dossier": row, "version": chosen[row.pk]} for row in rows],
        "missing": len(chosen) - len(rows),
        "officers": _officers(request) if name == "assign" else [],
        "kinds": [(kind.value, kind.label) for kind in PRINTED] if name == PRINT else [],
        "proofs": collectingform.WITHOUT_CODE if name == "hand_over" else [],
        "collectors": Collection.Collector.choices if name == "hand_over" else [],
        "query": request.POST.get("query", ""),
        "back": _back(request),
    }
    return render(request, "admin/dossiers/dossier/batch.html", context)


def _dossiers(request: HttpRequest, chosen: dict[int, int]) -> list[Dossier]:
    rows = Dossier.objects.for_request(request).for_queue().filter(pk__in=chosen)
    return list(rows.order_by("code"))


def _officers(request: HttpRequest) -> list[tuple[int, str]]:
    people = assigning.officers(offices(request))
    return [(person.pk, person.get_full_name()) for person in people]


def _label(name: str) -> str:
    return str(_("In giấy tờ") if name == PRINT else workflow.ACTIONS[name].label)


def _back(request: HttpRequest) -> str:
    """The list from which it was begun; the words are read again there, never trusted here."""
    query = QueryDict(request.POST.get("query", "")[:500]).urlencode()
    return f"{reverse('admin:dossiers_dossier_changelist')}?{query}"


# --- The second click: a result for each ----------------------------------------------


def _make(request: HttpRequest, name: str, chosen: dict[int, int]) -> HttpResponse:
    """Do it, keep what came of it for the next page, and go there."""
    kept: dict[str, Any] = {"label": _label(name), "back": _back(request), "papers": []}
    rows = _dossiers(request, chosen)
    if name == PRINT:
        kept["rows"], kept["papers"] = _printed(request, rows)
    else:
        details = _details(request, name)
        kept["rows"] = [
            _moved(request, row, name, chosen[row.pk], details | _of_collector(request, name, row))
            for row in rows
        ]
    lost = len(chosen) - len(rows)
    kept["rows"] += [_line("", 0, False, _("Không có trong phạm vi của ông/bà."))] * lost
    request.session[_RESULT] = kept
    return redirect("admin:dossiers_batch_result")


def _details(request: HttpRequest, name: str) -> dict[str, Any]:
    if name == "assign":
        if not request.POST.get("assignee"):
            raise Wrong(_("Hãy chọn người được giao."))
        return {"assignee": request.POST["assignee"]}
    return {}


def _of_collector(request: HttpRequest, name: str, dossier: Dossier) -> dict[str, str]:
    """Who came for this one and on what proof: each result has its own collector."""
    if name != "hand_over":
        return {}
    return {
        field: request.POST.get(f"{field}-{dossier.pk}", "").strip()[:200]
        for field in collectingform.FIELDS
    }


def _moved(
    request: HttpRequest, dossier: Dossier, name: str, version: int, details: dict[str, Any]
) -> dict[str, Any]:
    try:
        if name == "hand_over":
            _check_collector(dossier, details)
        workflow.perform(dossier, name, by=request.user, version=version, **details)
    except workflow.Refused as error:
        return _line(dossier.code, dossier.pk, False, str(error))
    return _line(dossier.code, dossier.pk, True, _("Đã thực hiện."))


def _check_collector(dossier: Dossier, details: dict[str, Any]) -> None:
    """Raise `Refused` where it was not said who collects this one, on what proof."""
    if not details["collected_by"]:
        raise workflow.Refused(_("Chưa ghi ai đến nhận hồ sơ này nên chưa trả."))
    for _field, complaint in collectingform.faults(dossier, details, by=None):
        raise workflow.Refused(complaint)


def _printed(request: HttpRequest, rows: list[Dossier]) -> tuple[list[dict], list[int]]:
    """The latest paper of the chosen kind of each dossier, where its file is ready."""
    kind = request.POST.get("kind", "")
    if kind not in PRINTED:
        raise Wrong(_("Hãy chọn loại giấy cần in."))
    papers = Paper.objects.filter(dossier__in=rows, kind=kind).order_by("number")
    latest = {paper.dossier_id: paper for paper in papers.defer("facts")}
    lines, ready = [], []
    for dossier in rows:
        paper = latest.get(dossier.pk)
        if paper is None or not paper.file:
            text = _("Giấy này đang được lập.") if paper else _("Chưa có giấy này.")
            lines.append(_line(dossier.code, dossier.pk, False, text))
            continue
        ledger.record_look(dossier, by=request.user, what=LOOK)
        lines.append(_line(dossier.code, dossier.pk, True, _("Có trong bản in chung.")))
        ready.append(paper.pk)
    return lines, ready


def _line(code: str, pk: int, is_done: bool, text: str) -> dict[str, Any]:
    url = reverse("admin:dossiers_dossier_change", args=[pk]) if pk else ""
    return {"code": code or "–", "url": url, "is_done": is_done, "text": text}


@officials.page("ho-so-nhieu/ket-qua/", name="dossiers_batch_result", roles=HANDLING_ROLES)
def result(request: HttpRequest) -> HttpResponse:
    """What came of the last batch of this session, a line for each dossier."""
    kept = request.session.get(_RESULT)
    if kept is None:
        return redirect("admin:dossiers_dossier_changelist")
    done = sum(row["is_done"] for row in kept["rows"])
    context = {
        **officials.frame(request, kept["label"]),
        **kept,
        "done": done,
        "refused": len(kept["rows"]) - done,
    }
    return render(request, "admin/dossiers/dossier/batch_result.html", context)


@officials.page("ho-so-nhieu/in/", name="dossiers_batch_print", roles=HANDLING_ROLES)
def joined(request: HttpRequest) -> HttpResponse:
    """The papers of the last batch as one PDF; they are files already, and only joined."""
    keys = (request.session.get(_RESULT) or {}).get("papers") or []
    mine = Dossier.objects.for_request(request)
    papers = Paper.objects.filter(pk__in=keys, dossier__in=mine).exclude(file="")
    if not papers:
        messages.error(request, _("Không có giấy nào sẵn sàng để in."))
        return redirect("admin:dossiers_dossier_changelist")
    return FileResponse(
        join_papers(papers.order_by("dossier__code")),
        filename="giay-to-mot-cua.pdf",
        content_type="application/pdf",
    )


def join_papers(papers: Any) -> io.BytesIO:
    """The files of these papers as one PDF, in their order."""
    import pikepdf

    whole = io.BytesIO()
    with pikepdf.new() as document:
        for paper in papers:
            with paper.file.open("rb") as content, pikepdf.open(content) as one:
                document.pages.extend(one.pages)
        document.save(whole)
    whole.seek(0)
    return whole
