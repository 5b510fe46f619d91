"""Results: frozen at approval, printed and signed by a task, then handed over."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import attachments, facts, filing, grounds, numbering, papers, signing
from dossiers.models import Dossier, Note, Result
from procedures import papers as printing
from procedures.fees import FeeLine
from procedures.formspec.conditions import lookup
from procedures.formspec.fields import display
from procedures.models import Fee, RequiredDocument
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.workflow import Move


# What the officials call the columns of another system's book.
RECORD_LABELS = {
    "so": gettext_lazy("Số"),
    "quyen": gettext_lazy("Quyển số"),
    "ngay_dang_ky": gettext_lazy("Ngày đăng ký"),
    "so_dinh_danh": gettext_lazy("Số định danh cá nhân"),
}


def keep_outside_result(move: Move) -> None:
    """Take the file that another system signed, and its book numbers, with the proposal.

    The file is kept as it came: changing one byte would break its signature. Without a
    file the result is collected on paper.
    """
    from dossiers.workflow import Refused

    dossier, file = move.dossier, move.details.get("result_file")
    wanted = dossier.revision.result.get("record", [])
    given = move.details.get("record") or {}
    dossier.result_record = {key: str(given.get(key, "")).strip() for key in wanted}
    missing = [key for key, value in dossier.result_record.items() if not value]
    if missing:
        raise Refused(_("Hãy ghi đủ số, quyển và các mục đăng ký của kết quả."))
    result = Result(dossier=dossier, title=dossier.revision.result["name"], is_made_here=False)
    if file:
        try:
            media_type, _extension = attachments.check(file)
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error
        file.seek(0)
        if media_type != "application/pdf" or not signing.check(file.read()).is_signed:
            raise Refused(_("Kết quả phải là tệp PDF đã ký số từ phần mềm chuyên ngành."))
        result.sha256 = attachments.sha256_of(file)
        file.seek(0)
        result.file.save(f"{result.token}.pdf", file, save=False)
    elif dossier.delivery == Dossier.Delivery.ONLINE:
        raise Refused(_("Công dân chọn nhận trực tuyến; hãy tải lên tệp kết quả đã ký số (PDF)."))
    result.save()
    move.data["sha256"] = result.sha256


def drop_unapproved(dossier: Dossier) -> None:
    """Forget a result that was proposed and sent back, and its file."""
    rows = list(dossier.results.filter(approved_by=None))
    dossier.results.filter(pk__in=[row.pk for row in rows]).delete()
    attachments.delete_afterwards(rows)


def proposal(dossier: Dossier) -> dict[str, Any] | None:
    """What lies before the person who signs: the outcome, its reason, and the result itself.

    The wording of a result that we make, or the book numbers and the file of another's.
    """
    if dossier.state != Dossier.State.AWAITING_APPROVAL:
        return None
    granted = dossier.outcome == Dossier.Outcome.GRANTED
    template = dossier.revision.result.get("template") if granted else None
    return {
        "outcome": dossier.get_outcome_display(),
        "reason": _proposed_reason(dossier),
        "ground": _proposed_ground(dossier),
        "rows": list(_proposed_rows(dossier)) if granted else [],
        "subject": _filled(template["subject"], dossier) if template else "",
        "articles": [_filled(a["text"], dossier) for a in template["articles"]] if template else [],
        "file": next((r for r in dossier.results.all() if not r.is_made_here and r.file), None),
    }


def _proposed_rows(dossier: Dossier) -> Iterator[dict[str, Any]]:
    for key, value in dossier.result_record.items():
        yield {"label": RECORD_LABELS.get(key, key), "value": value}
    if dossier.is_at_once:
        yield {"label": _("Kết quả"), "value": _("Đã ký tay và giao bản giấy tại quầy")}


def _proposed_reason(dossier: Dossier) -> str:
    """The words of the latest proposal; "" when it had none, whatever an earlier one said."""
    note = _note_of_proposal(dossier)
    return note.text if note else ""


def _proposed_ground(dossier: Dossier) -> str:
    """The ground in law of a proposal to refuse; "" for any other."""
    note = _note_of_proposal(dossier)
    return note.legal_ground if note else ""


def _note_of_proposal(dossier: Dossier) -> Note | None:
    # A page has the events already, with their notes.
    is_loaded = "events" in getattr(dossier, "_prefetched_objects_cache", {})
    events = dossier.events.all() if is_loaded else dossier.events.select_related("note")
    proposed = (event for event in events if event.name == "propose")
    return getattr(max(proposed, key=lambda event: event.seq, default=None), "note", None)


@in_vietnamese
def freeze(dossier: Dossier, *, by: User) -> Result:
    """The result as it was approved: what it says can no longer change.

    One made elsewhere is already there; a refusal after examination is always ours.
    """
    granted = dossier.outcome == Dossier.Outcome.GRANTED
    if granted and not dossier.revision.made_here:
        result = dossier.results.filter(approved_by=None).latest("pk")
        result.approved_by, result.signed_at = by, timezone.now()
        result.save(update_fields=["approved_by", "signed_at"])
        return result
    contents = _granted_facts(dossier, by) if granted else _refused_facts(dossier, by)
    title = dossier.revision.result["name"] if granted else _("Thông báo không giải quyết hồ sơ")
    return Result.objects.create(
        dossier=dossier, title=title, facts=contents, approved_by=by, is_sample=settings.DEMO
    )


def _granted_facts(dossier: Dossier, by: User) -> facts.ResultFacts:
    template = dossier.revision.result["template"]
    return {
        **_result_head(dossier, by),
        "number": numbering.next_number(dossier.handling_agency, template["symbol"]),
        "kind": template["title"].upper(),
        "subject": _filled(template["subject"], dossier),
        "grounds": [_filled(text, dossier) for text in template.get("grounds", [])],
        "articles": [
            {"paragraphs": _filled(article["text"], dossier).splitlines()}
            for article in template["articles"]
        ],
    }


def _refused_facts(dossier: Dossier, by: User) -> facts.ResultFacts:
    return {
        **_result_head(dossier, by),
        "number": numbering.next_number(dossier.handling_agency, "TB-UBND"),
        "kind": _("THÔNG BÁO"),
        "subject": _("Về việc không giải quyết hồ sơ %(code)s") % {"code": dossier.code},
        "authority": "",
        "grounds": [],
        "opening": _(
            "Qua xem xét hồ sơ của ông/bà, %(office)s thông báo không giải quyết vì: %(reason)s"
        )
        % {"office": dossier.handling_agency.name, "reason": _proposed_reason(dossier)},
        "articles": [],
        "rows": [{"label": _("Căn cứ pháp lý"), "value": _proposed_ground(dossier)}],
        "appeal": grounds.appeals(dossier),
        "recipients": [_("Như trên;"), _("Lưu: VT.")],
    }


def _result_head(dossier: Dossier, by: User) -> dict:
    office = dossier.handling_agency
    return {
        **papers.head(dossier, office),
        "authority": papers.signer_title(by, office) + f" {office.name.upper()}",
        "opening": "",
        "rows": [],
        "recipients": [_("Như Điều trên;"), _("Lưu: VT.")],
        "signer_title": [papers.signer_title(by, office)],
        "signer": by.get_full_name(),
        "appeal": [],
    }


def _filled(text: str, dossier: Dossier) -> str:
    """`text` with each `{section.field}` replaced by that answer in words."""
    known = dossier.revision.form.paths()

    def answer(match: re.Match) -> str:
        spec = known.get(match[1])
        return display(spec, lookup(dossier.answers, match[1])) if spec else match[0]

    return re.sub(r"\{([a-z0-9_.]+)\}", answer, text)


def finish_later(result: Result) -> None:
    """Have the result printed, signed and the dossier completed, after commit."""
    from dossiers.tasks import finish_result

    finish_result.enqueue(result.pk)


def finish(result: Result) -> None:
    """Print and sign a result that is ours, then complete its dossier; twice is once."""
    from dossiers import workflow

    if result.is_made_here and not result.file:
        _print_and_sign(result)
    dossier = Dossier.objects.get(pk=result.dossier_id)
    if dossier.state == Dossier.State.AWAITING_APPROVAL:
        workflow.perform(dossier, "complete", by=None)


def _print_and_sign(result: Result) -> None:
    context = papers.print_context(result.facts, result.token)
    unsigned = signing.with_places(printing.render("papers/result.html", context))
    said = {"reason": result.title, "location": result.facts["place"]}
    signer = signing.person_signer(result.approved_by)
    approved = signing.sign_as_person(unsigned, signer, name=result.facts["signer"], **said)
    signed = signing.seal(approved, **said)
    with transaction.atomic():
        locked = Result.objects.select_for_update().get(pk=result.pk)
        if locked.file:
            return
        locked.sha256 = hashlib.sha256(signed).hexdigest()
        locked.signed_at = timezone.now()
        locked.file.save(f"{result.token}.pdf", ContentFile(signed), save=False)
        locked.save(update_fields=["file", "sha256", "signed_at"])


def can_be_given_online(dossier: Dossier) -> bool:
    """Whether the result may go to the citizen by itself: nothing owed on either side.

    What was given at once is in their hands already; only its fees may be open.
    """
    if dossier.is_at_once:
        return not unpaid_fees(dossier)
    return (
        dossier.delivery == Dossier.Delivery.ONLINE
        and not unpaid_fees(dossier)
        and not originals_owed(dossier)
        and not unknown_fees(dossier)
        and bool(dossier.results.latest("pk").file)
    )


def give_online_later(dossier: Dossier) -> None:
    """Hand the result over online, after commit."""
    from dossiers.tasks import give_online

    give_online.enqueue(dossier.pk)


def paid_fees(dossier: Dossier) -> dict[str, int]:
    """What was received for each fee, in đồng by its key, without what goes back whole."""
    paid: Counter[str] = Counter()
    for payment in dossier.payments.all():
        if payment.state == "paid" and payment.refund_reason in {"", "exempt"}:
            for line in payment.lines:
                paid[line["key"]] += line["amount"]
    return paid


def unpaid_fees(dossier: Dossier) -> list[FeeLine]:
    """The fees with a known amount that are not paid, or not wholly; of a refusal, of filing.

    Of a fee that a later answer raised, what is left. None on which a claim is open.
    """
    paid = paid_fees(dossier)
    lines = filing.charges(dossier)
    if dossier.outcome == Dossier.Outcome.REFUSED:
        lines = [line for line in lines if line.due == Fee.Due.FILING]
    open_ones = [line for line in lines if line.amount and not line.is_claimed]
    return [_left(line, paid[line.key]) for line in open_ones if line.amount > paid[line.key]]


def _left(line: FeeLine, paid: int) -> FeeLine:
    """What is still to be paid of a charge, as a charge of its own."""
    if not paid:
        return line
    name, rest = _("%(fee)s (phần nộp thêm)") % {"fee": line.name}, line.amount - paid
    return replace(
        line, name=name, quantity=1, unit="", unit_amount=rest, amount=rest, full_amount=rest,
        exemption="", exemption_law="", percent=0,
    )  # fmt: skip


def unknown_fees(dossier: Dossier) -> list[str]:
    """The names of fees that apply and of which the source gives no amount yet."""
    return [line.name for line in unknown_lines(dossier)]


def unknown_lines(dossier: Dossier) -> list[FeeLine]:
    """The same fees without those for which the cashier typed an amount and took it."""
    if dossier.outcome == Dossier.Outcome.REFUSED:
        return []
    lines = [line for line in filing.charges(dossier) if line.amount is None]
    paid = paid_fees(dossier) if lines else set()
    return [line for line in lines if line.key not in paid]


def originals_owed(dossier: Dossier) -> list[str]:
    """The papers filed as pictures whose originals are due before the result."""
    if dossier.channel != "online" or dossier.outcome == Dossier.Outcome.REFUSED:
        return []
    return [
        row.name
        for row in filing.required_documents(dossier)
        if row.how == RequiredDocument.How.SUBMIT and row.original_due == "before_result"
    ]
