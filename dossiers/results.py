"""Results: frozen at approval, printed and signed by a task, then handed over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import (
    attachments,
    facts,
    filing,
    grounds,
    numbering,
    papers,
    resultdrafts,
    signing,
)
from dossiers.models import Dossier, Note, Result
from procedures.fees import FeeLine
from procedures.formspec.conditions import lookup
from procedures.formspec.fields import display
from procedures.models import Fee, RequiredDocument
from procedures.text import in_vietnamese, normalise

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


NOT_SIGNED = gettext_lazy("Kết quả phải là tệp PDF đã ký số từ phần mềm chuyên ngành.")


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
        if media_type != "application/pdf":
            raise Refused(NOT_SIGNED)
        result.facts = {"signatures": check_outside(file.read())}
        result.sha256 = attachments.sha256_of(file)
        file.seek(0)
        result.file.save(f"{result.token}.pdf", file, save=False)
    elif dossier.delivery == Dossier.Delivery.ONLINE:
        raise Refused(_("Công dân chọn nhận trực tuyến; hãy tải lên tệp kết quả đã ký số (PDF)."))
    result.save()
    move.data["sha256"] = result.sha256


def check_outside(pdf: bytes) -> list[dict[str, str]]:
    """Whose signatures a file from another system carries; `Refused` where one does not hold.

    A row for each: `name`, `issuer`, `signed_at` (ISO).
    """
    from dossiers.workflow import Refused

    verdict = signing.check(pdf)
    if not verdict.is_signed:
        raise Refused(NOT_SIGNED)
    if not verdict.is_intact or not verdict.covers_whole_file:
        raise Refused(
            _("Tệp kết quả đã bị sửa sau khi ký nên chữ ký không còn giá trị; hãy lấy lại tệp gốc.")
        )
    return [
        {"name": one.name, "issuer": one.issuer, "signed_at": papers.iso(one.signed_at)}
        for one in verdict.signatures
    ]


def keep_draft(move: Move) -> None:
    """Take the document that the officer drafted, to be signed in place of our template.

    Where the procedure has no template there is no other way.
    """
    from dossiers.workflow import Refused

    dossier, file = move.dossier, move.details.get("result_draft")
    if not file:
        if dossier.revision.result.get("template") is None:
            raise Refused(_("Thủ tục này không có mẫu kết quả; hãy tải lên văn bản (PDF)."))
        return
    result = Result(dossier=dossier, title=dossier.revision.result["name"], is_uploaded=True)
    move.data["draft"] = take_draft(result, file)
    result.save()


def take_draft(result: Result, file: UploadedFile) -> str:
    """Put an unsigned document into a result that is not saved yet; gives its SHA-256."""
    from dossiers.workflow import Refused

    try:
        draft = resultdrafts.look(file)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from error
    result.names = printed_names(result.dossier, [draft.text]) or people_of(result.dossier)
    result.facts = {"pages": draft.pages}
    sha256 = attachments.sha256_of(file)
    result.draft.save(f"{result.token}-soan.pdf", file, save=False)
    return sha256


def drop_unapproved(dossier: Dossier) -> None:
    """Forget a result that was proposed and sent back, and its file."""
    rows = list(dossier.results.filter(approved_by=None))
    dossier.results.filter(pk__in=[row.pk for row in rows]).delete()
    attachments.delete_afterwards(rows)
    for row in rows:
        if row.draft:
            transaction.on_commit(partial(row.draft.storage.delete, row.draft.name))


def proposal(dossier: Dossier) -> dict[str, Any] | None:
    """What lies before the person who signs: the outcome, its reason, and the result itself.

    The wording of a result that we make, or the book numbers and the file of another's.
    """
    if dossier.state != Dossier.State.AWAITING_APPROVAL:
        return None
    granted = dossier.outcome == Dossier.Outcome.GRANTED
    waiting = [row for row in dossier.results.all() if row.approved_by_id is None]
    draft = next((row for row in waiting if row.is_uploaded), None)
    template = dossier.revision.result.get("template") if granted and not draft else None
    return {
        "outcome": dossier.get_outcome_display(),
        "reason": _proposed_reason(dossier),
        "ground": _proposed_ground(dossier),
        "rows": list(_proposed_rows(dossier)) if granted else [],
        "subject": _filled(template["subject"], dossier) if template else "",
        "articles": [_filled(a["text"], dossier) for a in template["articles"]] if template else [],
        "file": next((r for r in dossier.results.all() if not r.is_made_here and r.file), None),
        "draft": draft,
        "signatures": next((row.facts.get("signatures", []) for row in waiting if row.file), []),
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
def freeze(dossier: Dossier, *, by: User, signing: str = Result.Signing.PORTAL) -> Result:
    """The result as it was approved: what it says can no longer change.

    One made elsewhere, or drafted by the officer, is already there; a refusal after
    examination is always ours. `signing` is how the approver signs what we make.
    """
    granted = dossier.outcome == Dossier.Outcome.GRANTED
    waiting = dossier.results.filter(approved_by=None).order_by("-pk").first()
    if granted and not dossier.revision.made_here:
        return approve_outside(waiting, by)
    if granted and waiting:
        return approve_draft(waiting, by, signing)
    contents = granted_facts(dossier, by) if granted else _refused_facts(dossier, by)
    title = dossier.revision.result["name"] if granted else _("Thông báo không giải quyết hồ sơ")
    return Result.objects.create(
        dossier=dossier,
        title=title,
        facts=contents,
        names=printed_names(dossier, texts(contents)),
        approved_by=by,
        signing=signing,
        is_sample=settings.DEMO,
    )


def approve_outside(result: Result, by: User) -> Result:
    """One that another system signed: nothing of it is ours to sign."""
    result.approved_by, result.signed_at = by, timezone.now()
    result.signing = Result.Signing.ELSEWHERE if result.file else Result.Signing.BY_HAND
    result.names = people_of(result.dossier)
    result.save(update_fields=["approved_by", "signed_at", "signing", "names"])
    return result


def approve_draft(result: Result, by: User, signing: str) -> Result:
    """The officer's own document: ours are the last page and the signatures."""
    result.approved_by, result.signing, result.is_sample = by, signing, settings.DEMO
    result.facts = facts_of_draft(result, by, pages=result.facts["pages"])
    result.save(update_fields=["approved_by", "signing", "is_sample", "facts"])
    return result


def facts_of_draft(result: Result, by: User, *, pages: int) -> dict[str, Any]:
    """What our last page of the officer's own document says."""
    return {
        **_result_head(result.dossier, by),
        "pages": pages,
        "number": "",
        "kind": result.title.upper(),
        "subject": result.title,
        "grounds": [],
        "articles": [],
        "recipients": [],
    }


@in_vietnamese
def mended_facts(old: Result, wording: dict[str, str], by: User) -> facts.ResultFacts:
    """The facts of a result written anew: as the old one but for `wording`, number and signer."""
    dossier, contents = old.dossier, old.facts
    head = _result_head(dossier, by)
    symbol = contents["number"].partition("/")[2]
    articles = [
        {"paragraphs": wording.get(f"article.{number}", "").splitlines() or one["paragraphs"]}
        for number, one in enumerate(contents["articles"])
    ]
    return {
        **contents,
        **{key: head[key] for key in ("issued_at", "signer", "signer_title", "is_sample")},
        "authority": head["authority"] if contents["authority"] else "",
        "number": numbering.next_number(dossier.handling_agency, symbol),
        "subject": wording.get("subject", contents["subject"]),
        "opening": wording.get("opening", contents["opening"]),
        "articles": articles,
    }


# --- What holds --------------------------------------------------------------------------


def holding(dossier: Dossier) -> list[Result]:
    """The results that hold: signed, not revoked, and replaced by no signed one."""
    signed = [row for row in dossier.results.all() if row.signed_at or row.file]
    replaced = {row.replaces_id for row in signed}
    return [row for row in signed if row.revoked_at is None and row.pk not in replaced]


def is_being_replaced(dossier: Dossier) -> bool:
    """Whether a replacement is decided and not signed yet."""
    return any(row.replaces_id and row.signed_at is None for row in dossier.results.all())


def obstacle_to_giving(dossier: Dossier) -> str:
    """Why there is nothing to hand over now, as a sentence; "" where there is."""
    if is_being_replaced(dossier):
        return _("Kết quả đang được thay; xin chờ bản mới ký xong rồi trả.")
    is_revoked = any(row.revoked_at for row in dossier.results.all())
    if is_revoked and not holding(dossier):
        return _("Kết quả đã bị thu hồi nên không còn gì để trả.")
    return ""


# --- The names on it --------------------------------------------------------------------


def names_on(result: Result) -> list[str]:
    """The names printed on a result, for the verifier who types one.

    Those frozen at approval; of a result from before they were kept, the people of its dossier.
    """
    return result.names or people_of(result.dossier)


def people_of(dossier: Dossier) -> list[str]:
    """The applicant, and every person whom the form names."""
    said = [papers.applicant(dossier)["name"]]
    for path, spec in dossier.revision.form.paths().items():
        if spec.type == "name":
            said += _answers_at(dossier.answers, path.split("."))
    return list(dict.fromkeys(name.strip() for name in said if name.strip()))


def _answers_at(answers: Any, path: list[str]) -> Iterator[str]:
    """The words at a path; in a repeated section there are some for each time."""
    if isinstance(answers, list):
        for one in answers:
            yield from _answers_at(one, path)
    elif path and isinstance(answers, dict):
        yield from _answers_at(answers.get(path[0]), path[1:])
    elif not path and isinstance(answers, str):
        yield answers


def printed_names(dossier: Dossier, texts: list[str]) -> list[str]:
    """Those of `people_of()` that stand in these texts."""
    return printed_among(people_of(dossier), texts)


def printed_among(names: list[str], texts: list[str]) -> list[str]:
    """The names that stand in texts, whatever their case and spacing; marks count (Cụ, Cừ)."""
    printed = _even(" ".join(texts))
    return [name for name in names if _even(name) in printed]


def _even(text: str) -> str:
    return " ".join(normalise(text).casefold().split())


def texts(contents: facts.ResultFacts) -> list[str]:
    """What a result says beside its head and its signer."""
    return [
        contents["subject"],
        contents["opening"],
        *contents["grounds"],
        *(paragraph for one in contents["articles"] for paragraph in one["paragraphs"]),
        *(row["value"] for row in contents["rows"]),
    ]


def granted_facts(dossier: Dossier, by: User) -> facts.ResultFacts:
    """What a result of our template says; takes the next number of its book."""
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
            "Qua xem xét hồ sơ của ông/bà %(applicant)s, %(office)s thông báo không giải quyết "
            "vì: %(reason)s"
        )
        % {
            "applicant": papers.applicant(dossier)["name"],
            "office": dossier.handling_agency.name,
            "reason": _proposed_reason(dossier),
        },
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
        and not obstacle_to_giving(dossier)
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
