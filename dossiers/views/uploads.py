"""Files on their way up, one by one: for the script of the pages where papers are attached.

Without the script the forms of those pages send the same files to the pages themselves.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dossiers import attachments, documents, intake, supplements
from dossiers.documents import DocumentRow
from dossiers.models import Dossier
from procedures.text import normalise


@require_POST
def to_draft(request: HttpRequest, key: str) -> HttpResponse:
    """One file for a paper of a draft."""
    if not request.user.is_authenticated:
        return _session_ended()
    own = Dossier.objects.visible_to(request.user).filter(owner=request.user)
    own = own.select_related("revision")
    dossier = get_object_or_404(own.prefetch_related("revision__documents"), key=key)
    row = documents.document_row(dossier, request.POST.get("document", ""))
    return _answer(request, dossier, row)


@require_POST
def to_supplement(request: HttpRequest, code: str) -> HttpResponse:
    """One file for a paper that the office asked for."""
    if not request.user.is_authenticated:
        return _session_ended()
    own = Dossier.objects.filter(owner=request.user, state=Dossier.State.SUPPLEMENT_REQUIRED)
    found = own.select_related("revision").prefetch_related("revision__documents")
    dossier = get_object_or_404(found, code=code)
    asked = get_object_or_404(dossier.supplement_requests.filter(answered_at=None))
    row = supplements.paper_row(dossier, asked, request.POST.get("document", ""))
    return _answer(request, dossier, row)


def store_files(request: HttpRequest, dossier: Dossier) -> dict[str, str]:
    """Keep every good file of a draft's form; the complaints about the others by paper."""
    rows = documents.document_rows(dossier, {})
    complaints = {row.key: store_all(request, dossier, row) for row in rows}
    return {key: said for key, said in complaints.items() if said}


def store_all(request: HttpRequest, dossier: Dossier, row: DocumentRow) -> str:
    """Keep every good file that was sent for a paper; the complaint about the others, or "".

    Of several files, each complaint names the one that it is about.
    """
    files = request.FILES.getlist(row.key)
    complaints = []
    for file in files:
        try:
            attachments.store(dossier, row.key, file, by=request.user, max_files=row.max_files)
        except ValidationError as error:
            name = f"{normalise(file.name or '')[:100]}: " if len(files) > 1 else ""
            complaints.append(name + " ".join(error.messages))
    return " ".join(dict.fromkeys(complaints))


def _answer(request: HttpRequest, dossier: Dossier, row: DocumentRow | None) -> HttpResponse:
    """The new list of the paper's files as `html`, or the complaint as `error`."""
    file = request.FILES.get("file")
    if row is None:
        raise Http404
    if file is None:
        return JsonResponse({"error": _("Chưa có tệp nào được gửi lên.")}, status=422)
    try:
        kept = attachments.store(dossier, row.key, file, by=request.user, max_files=row.max_files)
    except intake.NotNow as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=503)
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=422)
    if kept.key not in {shown["key"] for shown in row.files}:
        row.files.append(documents.file_row(kept))
    context = {"row": row, "rows": [row], "dossier": dossier}
    html = render_to_string("dossiers/_uploaded.html", context, request)
    return JsonResponse({"html": html})


def _session_ended() -> HttpResponse:
    words = _("Phiên đăng nhập đã hết. Xin đăng nhập lại; những tệp đã tải lên vẫn còn.")
    return JsonResponse({"error": words}, status=401)
