"""The people of a dossier: in whose name it is filed, who is invited, who reads along."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dossiers import answers, behalf, documents, drafting, participants, throttling
from dossiers.models import Dossier, Participant
from dossiers.peopleforms import BehalfForm, InvitationForm
from dossiers.workflow import Refused
from procedures.papers import qr_svg_data_uri


def _own_draft(request: HttpRequest, key: str) -> Dossier:
    drafts = Dossier.objects.drafts_of(request.user).select_related("revision__procedure", "owner")
    return get_object_or_404(drafts, key=key)


@login_required
@require_http_methods(["GET", "POST"])
def stand_for(request: HttpRequest, key: str) -> HttpResponse:
    """In whose name the draft is filed: one's own, another person's, a business's."""
    draft = _own_draft(request, key)
    form = BehalfForm(request.POST if request.method == "POST" else None, dossier=draft)
    if form.is_bound and form.is_valid():
        try:
            behalf.stand_for(draft, form.principal())
        except Dossier.DoesNotExist:
            return redirect("dossiers:mine")
        return redirect("dossiers:check" if request.GET.get("sua") else "dossiers:draft", key)
    context = {"dossier": draft, "form": form, "when": form.when()}
    return render(request, "dossiers/behalf.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def of_draft(request: HttpRequest, key: str) -> HttpResponse:
    """Who is invited to a draft, by the one who fills it in."""
    return _people(request, _own_draft(request, key))


@login_required
@require_http_methods(["GET", "POST"])
def of_filed(request: HttpRequest, code: str) -> HttpResponse:
    """Who takes part in a filed dossier; its owner invites, the others may leave."""
    dossiers = Dossier.objects.visible_to(request.user).select_related(
        "revision__procedure", "owner"
    )
    dossier = get_object_or_404(dossiers.exclude(state=Dossier.State.DRAFT), code=code)
    if dossier.owner_id == request.user.pk:
        return _people(request, dossier)
    return _companions(request, dossier)


def _people(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """The owner's page: everybody, what can be done about each, and an invitation to write."""
    is_invitation = request.method == "POST" and "invite" in request.POST
    form = InvitationForm(request.POST if is_invitation else None, dossier=dossier)
    if is_invitation and form.is_valid() and _invites(request, dossier, form):
        return redirect(participants.people_path(dossier))
    if request.method == "POST" and not is_invitation:
        _act(request, dossier)
        return redirect(participants.people_path(dossier))
    rows = participants.rows(dossier)
    context = {
        "dossier": dossier,
        "principal": behalf.words(dossier),
        "people": [(row, qr_svg_data_uri(row.link) if row.link else "") for row in rows],
        "form": form,
        "can_invite": not dossier.is_final,
    }
    return render(request, "dossiers/people.html", context)


def _invites(request: HttpRequest, dossier: Dossier, form: InvitationForm) -> bool:
    try:
        participants.invite(dossier, **form.cleaned_data)
    except Refused as error:
        form.add_error(None, str(error))
        return False
    name = form.cleaned_data["name"]
    messages.success(request, _("Đã gửi lời mời đến %(name)s.") % {"name": name})
    return True


_ACTS = {"end": participants.let_go, "again": participants.ask_again}


def _act(request: HttpRequest, dossier: Dossier) -> None:
    """Do what a button beside a participant says; the token names whom."""
    for name, act in _ACTS.items():
        token = request.POST.get(name, "")[:22]
        participant = dossier.participants.filter(token=token).first() if token else None
        if participant is None:
            continue
        try:
            act(participant)
        except Refused as error:
            messages.error(request, str(error))
        else:
            done = _("Đã thu hồi lời mời.") if name == "end" else _("Đã gửi lời nhắc.")
            messages.success(request, done)


def _companions(request: HttpRequest, dossier: Dossier) -> HttpResponse:
    """What one who takes part sees: who else does, and the way out."""
    own = get_object_or_404(dossier.participants.active(), user=request.user)
    if request.method == "POST":
        return _goes(request, own)
    context = {
        "dossier": dossier,
        "principal": behalf.words(dossier),
        "own": own,
        "people": dossier.participants.active().select_related("user"),
    }
    return render(request, "dossiers/companions.html", context)


def _goes(request: HttpRequest, own: Participant) -> HttpResponse:
    """A participant leaves, or a principal takes the dossier over."""
    if "end_mandate" in request.POST:
        return _ends_mandate(request, own)
    if "leave" in request.POST:
        participants.leave(own)
        messages.success(request, _("Ông/bà đã thôi tham gia hồ sơ này."))
    return redirect("dossiers:mine")


def _ends_mandate(request: HttpRequest, own: Participant) -> HttpResponse:
    try:
        dossier = participants.end_mandate(own)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("dossiers:mine")
    messages.success(request, _("Việc nộp thay đã chấm dứt; hồ sơ nay do ông/bà làm tiếp."))
    return redirect(dossier)


@login_required
@require_http_methods(["GET", "POST"])
def shared_draft(request: HttpRequest, key: str) -> HttpResponse:
    """A draft to read for one who was invited to it, and to agree to."""
    own = get_object_or_404(
        Participant.objects.active()
        .filter(user=request.user, dossier__key=key)
        .select_related(
            "dossier__revision__procedure", "dossier__owner", "dossier__handling_agency"
        )
    )
    draft = own.dossier
    if draft.state != Dossier.State.DRAFT:
        return redirect(draft)
    if request.method == "POST":
        return _answer(request, own)
    seen = drafting.fingerprint(draft)
    context = {
        "dossier": draft,
        "own": own,
        "principal": behalf.words(draft),
        "sections": answers.answer_sections(draft),
        "documents": documents.document_rows(draft, {}),
        "seen": seen,
        "must_agree": own.role == Participant.Role.CO_APPLICANT and own.agreed_to != seen,
    }
    return render(request, "dossiers/shared_draft.html", context)


def _answer(request: HttpRequest, own: Participant) -> HttpResponse:
    if "agree" not in request.POST:
        return _goes(request, own)
    try:
        participants.agree(own, seen=request.POST.get("seen", ""))
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Đã ghi nhận: ông/bà đồng ý với nội dung hồ sơ."))
    return redirect("dossiers:shared_draft", own.dossier.key)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation says before anybody joins; a POST joins. A wrong one is not found."""
    if not throttling.allow(request, "invitation", per_minute=20):
        return render(request, "dossiers/invitation.html", {"is_throttled": True}, status=429)
    found = Participant.objects.select_related("dossier__owner", "dossier__revision")
    participant = get_object_or_404(found, token=token)
    is_own = request.user.is_authenticated and participant.user_id == request.user.pk
    if is_own and participant.ended_at is None:
        return redirect(participant.dossier)
    if not participants.is_open(participant):
        raise Http404
    if request.method == "POST":
        return _join(request, participant)
    context = {
        **participants.invitation_words(participant),
        "participant": participant,
        "is_owner": participant.dossier.owner_id == request.user.pk,
    }
    return render(request, "dossiers/invitation.html", context)


def _join(request: HttpRequest, participant: Participant) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    try:
        joined = participants.join(participant, by=request.user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("dossiers:mine")
    messages.success(request, _("Ông/bà đã tham gia hồ sơ."))
    return redirect(joined.dossier)
