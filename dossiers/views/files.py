"""Files of dossiers: each download checks who asks, and is never shown inline."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dossiers import attachments, intake, ledger, opinions, results, secondfactor, tracking
from dossiers.models import Attachment, Bundle, Dossier, Paper, Result

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

logger = logging.getLogger(__name__)


def download(file, name: str, media_type: str) -> FileResponse:
    """A private file as a download that a browser neither shows nor guesses about."""
    response = FileResponse(file.open("rb"), as_attachment=True, filename=name)
    response["Content-Type"] = media_type
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store, private"
    return response


def login_or_secret(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """`login_required`, but for a session that has shown some dossier's secret."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated or tracking.has_opened(request):
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return wrapped


def let_through(
    request: HttpRequest,
    dossier: Dossier,
    what: str,
    *,
    by_people: bool = True,
    by_secret: bool = False,
    by_asked: bool = False,
) -> None:
    """Let its people and the officials of its offices through; a look by staff is noted.

    `by_secret` lets a session through that has shown this dossier's secret, `by_asked` an
    official who is asked for an opinion on it.
    """
    if by_secret and tracking.is_open(request, dossier):
        return
    if not request.user.is_authenticated:
        raise Http404
    if Dossier.objects.visible_to(request.user).filter(pk=dossier.pk).exists():
        if by_people:
            return
        raise Http404
    is_official = request.user.is_staff and secondfactor.was_used(request)
    if not is_official or not _reads(dossier, request.user, by_asked=by_asked):
        logger.warning("refused: user %s, %s of dossier %s", request.user.pk, what, dossier.pk)
        raise Http404
    ledger.record_look(dossier, by=request.user, what=what)


def _reads(dossier: Dossier, official: User, *, by_asked: bool) -> bool:
    """Whether they handle it today, or are asked about it where that counts."""
    if Dossier.objects.handled_by(official).filter(pk=dossier.pk).exists():
        return True
    return by_asked and opinions.is_asked(dossier, official)


@login_required
@require_safe
def bundle(request: HttpRequest, key: str) -> HttpResponse:
    """The files of one paper joined into one PDF."""
    row = get_object_or_404(Bundle.objects.select_related("dossier"), key=key)
    let_through(request, row.dossier, f"bundle:{row.pk}", by_asked=True)
    name = intake.clean_name(f"{row.document}-{row.dossier.code}.pdf", ".pdf")
    return download(row.file, name, "application/pdf")


@login_required
@require_safe
def attachment(request: HttpRequest, key: str) -> HttpResponse:
    """A file that the citizen attached."""
    row = get_object_or_404(Attachment.objects.select_related("dossier"), key=key)
    if not _was_sent_to(row, request.user):
        raise Http404
    is_paper = row.document != Attachment.MESSAGE
    let_through(request, row.dossier, f"file:{row.pk}", by_asked=is_paper)
    return download(row.file, row.name, row.media_type)


def _was_sent_to(row: Attachment, person: User) -> bool:
    """Whether a file is more than its sender's: filed, or in a draft that others read too."""
    if row.submitted_at or row.uploaded_by_id == person.pk:
        return True
    is_read = row.dossier.owner_id == person.pk or row.dossier.state == Dossier.State.DRAFT
    return is_read and row.document != Attachment.MESSAGE


@login_or_secret
@require_safe
def paper(request: HttpRequest, token: str) -> HttpResponse:
    """A printed paper of the one-stop shop."""
    row = get_object_or_404(Paper.objects.select_related("dossier").exclude(file=""), token=token)
    is_filers = row.kind in Paper.WITH_SECRET and row.dossier.owner_id != request.user.pk
    is_internal = row.kind in Paper.INTERNAL
    let_through(
        request,
        row.dossier,
        f"paper:{row.pk}",
        by_people=not (is_filers or is_internal),
        by_secret=not is_internal,
    )
    return download(row.file, f"{row.slug()}-{row.dossier.code}.pdf", "application/pdf")


@login_or_secret
@require_safe
def result(request: HttpRequest, token: str) -> HttpResponse:
    """The result; the citizen's once it was handed over and as long as it holds.

    Officials read it before, and after it was revoked or replaced.
    """
    found = Result.objects.select_related("dossier").exclude(file="")
    row = get_object_or_404(found, token=token)
    is_returned = row.dossier.state == Dossier.State.RETURNED
    is_given = is_returned and row in results.holding(row.dossier)
    let_through(request, row.dossier, f"result:{row.pk}", by_people=is_given, by_secret=is_given)
    return download(row.file, f"ket-qua-{row.dossier.code}.pdf", "application/pdf")


@login_required
@require_POST
def remove_attachment(request: HttpRequest, key: str) -> HttpResponse:
    """Take a file out again, as long as it was not filed."""
    row = get_object_or_404(
        Attachment.objects.select_related("dossier")
        .filter(submitted_at=None)
        .exclude(document=Attachment.MESSAGE),
        key=key,
        dossier__owner=request.user,
    )
    try:
        attachments.remove(row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(row.dossier)
    messages.success(request, _("Đã xóa tệp “%(name)s”.") % {"name": row.name})
    if row.dossier.state == Dossier.State.DRAFT:
        return redirect(reverse("dossiers:documents", args=[row.dossier.key]))
    return redirect("dossiers:supplement_paper", row.dossier.code, row.document)
