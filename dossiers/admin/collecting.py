"""The desk's page "Trả kết quả": find what waits by what a person shows, and hand it over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from dossiers import ledger, officials, panels, papers, results, workflow
from dossiers.adminforms import MoveForm
from dossiers.handing import collecting, posting, reminding
from dossiers.models import Dossier, DossierQuerySet, Paper
from procedures.models import Posting
from procedures.postings import offices_of, roles

Role = Posting.Role
RECEPTION = frozenset({Role.RECEPTION})
SEES_LIST = frozenset({Role.RECEPTION, Role.SUPERVISOR})
LOOK_AGAIN = 3  # seconds, until the slip is printed


class ShownForm(forms.Form):
    """What the person shows: typed, or scanned into the field."""

    use_required_attribute = False

    shown = forms.CharField(
        label=gettext_lazy("Mã nhận kết quả, thẻ căn cước hoặc giấy hẹn"),
        max_length=500,
        help_text=gettext_lazy(
            "Quét mã QR trên điện thoại, trên thẻ hay trên giấy hẹn; hoặc gõ mã nhận, mã hồ sơ, "
            "số định danh."
        ),
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Hãy quét hoặc gõ mã.")},
    )


@officials.page("tra-ket-qua/", name="collect", roles=RECEPTION, label=gettext_lazy("Trả kết quả"))
@require_http_methods(["GET", "HEAD", "POST"])
def collect(request: HttpRequest) -> HttpResponse:
    """By POST, so that neither code nor card stays in addresses and logs."""
    form = ShownForm(request.POST or None)
    found = collecting.Found([])
    if request.method == "POST" and form.is_valid():
        try:
            shown = form.cleaned_data["shown"]
            found = collecting.find(shown, _waiting(request), by=request.user)
        except workflow.Refused as error:
            form.add_error("shown", str(error))
    dossier = _chosen(request, found.dossiers)
    if dossier is not None:
        return _ask(request, _loaded(request, dossier.pk), found, form.cleaned_data["shown"])
    context = {
        **officials.frame(request, _("Trả kết quả")),
        "form": form,
        "found": found.dossiers,
        "shown": form.data.get("shown", "") if found.dossiers else "",
        "waiting": _waiting(request).count(),
    }
    return render(request, "admin/dossiers/collect/find.html", context)


def _waiting(request: HttpRequest) -> DossierQuerySet:
    """What waits to be handed over at the desks of who asks."""
    rows = Dossier.objects.for_request(request).filter(state=Dossier.State.COMPLETED)
    if not request.user.is_superuser:
        rows = rows.filter(receiving_agency__in=offices_of(request.user, RECEPTION))
    return rows.select_related("revision", "owner", "receiving_agency")


def _loaded(request: HttpRequest, pk: int) -> Dossier:
    rows = _waiting(request).select_related("revision__procedure", "handling_agency")
    return get_object_or_404(rows, pk=pk)


def _chosen(request: HttpRequest, found: list[Dossier]) -> Dossier | None:
    """The only one, or the one that was pressed of several."""
    if len(found) == 1:
        return found[0]
    pressed = request.POST.get("chosen", "")
    return next((row for row in found if str(row.pk) == pressed), None)


# --- One result ---------------------------------------------------------------------------


@officials.page("tra-ket-qua/<int:pk>/", name="collect_one", roles=RECEPTION)
@require_http_methods(["GET", "HEAD", "POST"])
def collect_one(request: HttpRequest, pk: int) -> HttpResponse:
    """One result: what is owed, who came, and the press that hands it over."""
    if request.method == "POST" and (done := _already_given(request, pk)):
        return done
    dossier = _loaded(request, pk)
    if request.method != "POST":
        return _ask(request, dossier, collecting.Found([dossier]), "")
    form = MoveForm(_action(), dossier, request.POST, by=request.user)
    if form.is_valid() and _makes(request, dossier, form):
        messages.success(request, _("Đã trả kết quả; xin in phiếu để hai bên ký."))
        return redirect("admin:collect_done", pk)
    return _page(request, dossier, form, status=409)


def _already_given(request: HttpRequest, pk: int) -> HttpResponse | None:
    """Pressed twice, or a colleague was first: the words say who, and nothing is done again."""
    given = Dossier.objects.for_request(request).filter(pk=pk, state=Dossier.State.RETURNED).first()
    if given is None:
        return None
    messages.warning(request, workflow.what_happened(given))
    return redirect("admin:collect_done", pk)


def _ask(
    request: HttpRequest, dossier: Dossier, found: collecting.Found, shown: str
) -> HttpResponse:
    """The form as it begins: what the person showed is filled in."""
    ledger.record_look(dossier, by=request.user)
    form = MoveForm(_action(), dossier, by=request.user)
    form.initial |= {
        "proof": found.proof,
        "code": collecting.plain_code(shown) if found.proof == collecting.Proof.CODE else "",
        "collector_number": found.card_number,
        "collector": found.card_name,
    }
    return _page(request, dossier, form, card_name=found.card_name)


def _page(
    request: HttpRequest, dossier: Dossier, form: MoveForm, status: int = 200, **more: Any
) -> HttpResponse:
    unpaid, parcel = results.unpaid_fees(dossier), posting.latest(dossier)
    context = {
        **officials.frame(request, _("Trả kết quả")),
        "dossier": dossier,
        # Whom the form names, as the slip does, where the account is in another name.
        "name_on_form": papers.applicant(dossier)["name"],
        "form": form,
        "results": dossier.results.filter(revoked_at=None),
        "unpaid": unpaid,
        "panels": panels.for_page(dossier, set(roles(request))) if unpaid else [],
        "kept": dossier.originals.filter(is_kept=True, given_back_at=None),
        "parcel": parcel if parcel and parcel.state in posting.UNDER_WAY else None,
        "page_url": reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
        **more,
    }
    return render(request, "admin/dossiers/collect/one.html", context, status=status)


def _action() -> workflow.Action:
    return workflow.ACTIONS["hand_over"]


def _makes(request: HttpRequest, dossier: Dossier, form: MoveForm) -> bool:
    version = form.cleaned_data["version"]
    try:
        workflow.perform(dossier, "hand_over", by=request.user, version=version, **form.details())
    except workflow.Refused as error:
        form.add_error(None, str(error))
        # The next click is made knowing what is on this page.
        newest = Dossier.objects.values_list("version", flat=True).get(pk=dossier.pk)
        form.data = form.data.copy()
        form.data["version"] = str(newest)
        return False
    return True


@officials.page("tra-ket-qua/<int:pk>/xong/", name="collect_done", roles=RECEPTION)
@require_safe
def collect_done(request: HttpRequest, pk: int) -> HttpResponse:
    """The slip, as soon as the worker has printed it; two sign it."""
    given = Dossier.objects.for_request(request).filter(state=Dossier.State.RETURNED)
    dossier = get_object_or_404(given.select_related("revision", "owner"), pk=pk)
    slip = dossier.papers.filter(kind=Paper.Kind.HANDOVER).last()
    context = {
        **officials.frame(request, _("Đã trả kết quả")),
        "dossier": dossier,
        "slip": slip,
        "look_again": LOOK_AGAIN if slip and not slip.file else 0,
        "page_url": reverse("admin:dossiers_dossier_change", args=[dossier.pk]),
    }
    return render(request, "admin/dossiers/collect/done.html", context)


# --- What nobody has yet ------------------------------------------------------------------


@officials.page(
    "chua-nhan/", name="uncollected", roles=SEES_LIST, label=gettext_lazy("Kết quả chưa nhận")
)
@require_safe
def uncollected(request: HttpRequest) -> HttpResponse:
    """Results that wait for days, at the desk or with the post, the longest first."""
    rows = reminding.uncollected(Dossier.objects.for_request(request))
    context = {
        **officials.frame(request, _("Kết quả chưa nhận")),
        "rows": rows,
        "most": reminding.LISTED_AT_MOST,
        "hands_over": bool(roles(request) & RECEPTION),
    }
    return render(request, "admin/dossiers/collect/uncollected.html", context)
