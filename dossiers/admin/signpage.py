"""Signing several dossiers on one page, each shown before it can be signed.

Every dossier has a tick of its own ("đã xem") and the version that was shown; what is ticked
is approved one by one through `workflow.perform()`, so that one that is refused keeps none of
the others back. What cannot be signed as it is goes back with a comment from the same page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser as User
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dossiers import certificates, conflicts, desk, ledger, officials, results, workflow
from dossiers.answers import answer_sections
from dossiers.documents import file_row, filed_files
from dossiers.models import Dossier, Result
from procedures.postings import held


@dataclass
class Document:
    """One dossier as it lies before the person who signs."""

    dossier: Dossier
    obstacle: str
    version: int
    is_seen: bool = False
    comment: str = ""
    fault: str = ""
    proposal: dict[str, Any] | None = field(init=False)
    sections: list[dict[str, Any]] = field(init=False)
    files: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.proposal = results.proposal(self.dossier)
        self.sections = answer_sections(self.dossier)
        self.files = [file_row(file) for file in filed_files(self.dossier)]


@dataclass(frozen=True)
class Outcome:
    """What became of one dossier of the batch."""

    code: str
    text: str
    is_done: bool


@officials.page("ban-lam-viec/ky/", name="sign_batch", roles=desk.SIGNING)
@require_http_methods(["GET", "HEAD", "POST"])
def sign_batch(request: HttpRequest) -> HttpResponse:
    """The chosen documents one under the other; a POST signs those that were looked at, or
    sends one back. What is left stays on the page with what was typed."""
    if request.method == "POST":
        outcomes, faults = ([], {}) if "again" in request.POST else _act(request)
        documents = _documents(request, request.POST, faults)
        return _page(request, documents, outcomes, status=409 if faults else 200)
    chosen = _chosen(request, request.GET.getlist("hs"))
    if not chosen:
        return redirect("admin:desk")
    return _page(request, _documents(request, request.GET, {}), [])


def _page(
    request: HttpRequest, documents: list[Document], outcomes: list[Outcome], status: int = 200
) -> HttpResponse:
    for document in documents:
        ledger.record_look(document.dossier, by=request.user)
    context = {
        **officials.frame(request, _("Ký duyệt")),
        "documents": documents,
        "outcomes": outcomes,
        "signable": sum(not document.obstacle for document in documents),
        "has_token": certificates.signs_by_token(request.user),
        "signing": request.POST.get("signing", Result.Signing.TOKEN),
    }
    return render(request, "admin/dossiers/desk/sign.html", context, status=status)


def _chosen(request: HttpRequest, keys: list[str]) -> list[Dossier]:
    """The chosen dossiers that still wait for a signature at one's offices; 404 for nonsense."""
    if not all(key.isdecimal() and len(key) < 16 for key in keys):
        raise Http404
    waiting = desk.awaiting(desk.offices(request, desk.SIGNING)).filter(pk__in=keys[: desk.MOST])
    return list(waiting.for_page().order_by("-is_at_once", "promised_at", "pk"))


def _documents(request: HttpRequest, said: QueryDict, faults: dict[int, str]) -> list[Document]:
    seen = set(said.getlist("seen"))
    return [
        Document(
            dossier,
            _obstacle(request, dossier),
            dossier.version,
            # One that changed meanwhile must be looked at once more.
            is_seen=str(dossier.pk) in seen and said.get(f"v{dossier.pk}") == str(dossier.version),
            comment=said.get(f"comment{dossier.pk}", ""),
            fault=faults.get(dossier.pk, ""),
        )
        for dossier in _chosen(request, said.getlist("hs"))
    ]


def _obstacle(request: HttpRequest, dossier: Dossier) -> str:
    """Why this person may not sign this one; "" where they may."""
    if workflow.is_party(dossier, request.user):
        return _("Đây là hồ sơ của chính ông/bà; người khác phải ký.")
    if conflicts.has_conflict(dossier, request.user):
        return _("Có người thân của ông/bà trong hồ sơ; người khác phải ký.")
    signing = set(workflow.ACTIONS["approve"].roles)
    if not workflow.roles_at(dossier, request.user, held(request)) & signing:
        return _("Ông/bà không ký hồ sơ của cơ quan này.")
    return ""


# --- What a POST does -------------------------------------------------------------------


def _act(request: HttpRequest) -> tuple[list[Outcome], dict[int, str]]:
    """What became of the dossiers it was about, and what is wrong with some."""
    said = request.POST
    waiting = {str(row.pk): row for row in _chosen(request, said.getlist("hs"))}
    gone = [key for key in said.getlist("seen") if key not in waiting]
    back = said.get("send_back", "")
    if back:
        keys, move = ([back] if back in waiting else []), "send_back"
        gone = [] if keys else [back]
    else:
        keys, move = [key for key in waiting if key in said.getlist("seen")], "approve"
    outcomes, faults = _gone(request, gone), {}
    for key in keys:
        outcome = _perform(waiting[key], move, request.user, said)
        if not outcome.is_done:
            faults[waiting[key].pk] = outcome.text
        outcomes.append(outcome)
    return outcomes or [_nothing()], faults


def _perform(dossier: Dossier, move: str, by: User, said: QueryDict) -> Outcome:
    comment, version = said.get(f"comment{dossier.pk}", ""), said.get(f"v{dossier.pk}", "")
    if move == "approve" and comment.strip():
        text = _("Ông/bà đã ghi chỗ cần sửa; hãy xóa lời ấy rồi ký, hoặc trả lại hồ sơ.")
        return Outcome(dossier.code, text, is_done=False)
    details = {"reason": comment} if move == "send_back" else {"signing": said.get("signing", "")}
    # What was shown without a version was not shown by this page.
    number = int(version) if version.isdecimal() and len(version) < 10 else -1
    try:
        workflow.perform(dossier, move, by=by, version=number, **details)
    except workflow.Refused as refusal:
        return Outcome(dossier.code, str(refusal), is_done=False)
    return Outcome(dossier.code, _done(move, details), is_done=True)


def _done(move: str, details: dict[str, str]) -> str:
    if move != "approve":
        return _("Đã trả lại để sửa")
    if details["signing"] == Result.Signing.TOKEN:
        return _("Đã duyệt; chờ ký bằng USB token")
    return _("Đã ký duyệt")


def _gone(request: HttpRequest, keys: list[str]) -> list[Outcome]:
    """What became of those that do not wait any more, as far as this person may know."""
    numbers = [key for key in keys[: desk.MOST] if key.isdecimal() and len(key) < 16]
    known = Dossier.objects.for_request(request).filter(pk__in=numbers)
    found = {str(row.pk): row for row in known}
    elsewhere = _("Không còn ở cơ quan của ông/bà.")
    return [
        Outcome(found[key].code, workflow.what_happened(found[key]), is_done=False)
        if key in found
        else Outcome(_("Một hồ sơ"), elsewhere, is_done=False)
        for key in keys
    ]


def _nothing() -> Outcome:
    text = _("Hãy đánh dấu “Đã xem” ở từng hồ sơ muốn ký.")
    return Outcome(_("Chưa ký hồ sơ nào"), text, is_done=False)
