"""Taking a form home."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from procedures.models import Procedure


@require_safe
def blank_form(request: HttpRequest, code: str) -> HttpResponse:
    """The blank form as a PDF that can be filled on a computer or by hand."""
    from procedures.formspec.paperform import stored_blank

    procedure = get_object_or_404(Procedure.objects.for_page(), code=code)
    revision = procedure.current
    if not revision.has_form or revision.service_level < 2:
        raise Http404
    name = f"to-khai-{procedure.slug}.pdf"
    return FileResponse(stored_blank(revision), as_attachment=True, filename=name)
