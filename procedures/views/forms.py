"""Taking a form home: ours as PDF or Word, and the ministries' originals."""

from __future__ import annotations

import hashlib

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from procedures.formfiles import file_name
from procedures.formspec import blanks
from procedures.models import FormFile, Procedure, Revision

# A new revision has the same address, so what was kept is asked about again after minutes.
_FRESH_SECONDS = 300


@require_safe
def blank_form(request: HttpRequest, code: str, kind: str = "pdf") -> HttpResponse:
    """The blank form, to be filled on a computer or by hand; `kind` is pdf or docx."""
    procedure = _get_procedure(code)
    return _blank(request, procedure.current, kind, name=f"to-khai-{procedure.slug}")


@require_safe
def printed_paper(request: HttpRequest, code: str, document: str, kind: str) -> HttpResponse:
    """A paper that the portal prints from one section of the form."""
    from procedures.formspec.paperform import NoSuchPaper

    procedure = _get_procedure(code)
    name = f"{document.replace('_', '-')}-{procedure.slug}"
    try:
        return _blank(request, procedure.current, kind, document, name=name)
    except NoSuchPaper:
        raise Http404 from None


@require_safe
def form_file(request: HttpRequest, code: str, pk: int, name: str) -> HttpResponse:
    """An original form of a ministry, as it came; the name in the address is for people."""
    files = FormFile.objects.filter(is_active=True, procedure__current__isnull=False)
    row = get_object_or_404(files, pk=pk, procedure__code=code)
    etag = f'"{row.sha256}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged:
        return unchanged
    try:
        content = row.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(content, as_attachment=True, filename=file_name(row))
    return _as_download(response, row.content_type, etag)


def _get_procedure(code: str) -> Procedure:
    """A procedure whose form can be taken home; 404 for others."""
    published = Procedure.objects.filter(current__isnull=False).select_related("current")
    procedure = get_object_or_404(published, code=code)
    if not procedure.current.has_form or procedure.current.service_level < 2:
        raise Http404
    # The revision knows its procedure: it is asked for the code.
    procedure.current.procedure = procedure
    return procedure


def _blank(
    request: HttpRequest, revision: Revision, kind: str, document: str = "", *, name: str
) -> HttpResponse:
    content = blanks.blank(revision, kind, document)
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged:
        return unchanged
    response = HttpResponse(content)
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return _as_download(response, blanks.KINDS[kind].media_type, etag)


def _as_download(response: HttpResponse, media_type: str, etag: str) -> HttpResponse:
    """A public file that a browser saves, and neither shows nor guesses about."""
    response["Content-Type"] = media_type
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={_FRESH_SECONDS}"
    return response
