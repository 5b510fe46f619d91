"""A wrong result is revoked, or replaced by another; a signed one is never changed.

Who handles the dossier proposes, another person who signs for the office decides. A
replacement goes through the same printing and signing, and stands beside what it replaces.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import attachments, certificates, notices, panels, results, resultsigning
from dossiers.models import Dossier, Event, Result, ResultChange
from dossiers.workflow import (
    Action,
    Move,
    NotAllowed,
    Refused,
    Role,
    State,
    perform,
    register,
    roles_at,
)

Kind, Decision = ResultChange.Kind, ResultChange.Decision
_AFTER = (State.COMPLETED, State.RETURNED)
MAX_TEXT = 8000


def current(dossier: Dossier) -> Result | None:
    """The result that holds: signed, not revoked, and replaced by no signed one."""
    return max(results.holding(dossier), key=lambda row: row.pk, default=None)


def given(dossier: Dossier) -> list[Result]:
    """The files that a citizen may have: not of what was revoked or replaced."""
    return [row for row in results.holding(dossier) if row.file]


def for_officials(dossier: Dossier) -> list[Result]:
    """All files, each with `is_replaced`."""
    rows = [row for row in dossier.results.all() if row.file]
    replaced = {row.replaces_id for row in rows}
    for row in rows:
        row.is_replaced = row.pk in replaced
    return rows


def waiting(dossier: Dossier) -> ResultChange | None:
    """The change that waits for a decision."""
    if _was_never_proposed(dossier):
        return None
    changes = ResultChange.objects.filter(result__dossier=dossier, decision="")
    return changes.select_related("result", "proposed_by").first()


def _was_never_proposed(dossier: Dossier) -> bool:
    """Whether a page knows from its events that there is nothing to ask for."""
    if "events" not in getattr(dossier, "_prefetched_objects_cache", {}):
        return False
    return all(event.name != "propose_result_change" for event in dossier.events.all())


# --- The proposal -----------------------------------------------------------------------


def _may_propose(dossier: Dossier) -> bool:
    if results.is_being_replaced(dossier) or waiting(dossier):
        return False
    return current(dossier) is not None


def _propose(move: Move) -> None:
    dossier, kind = move.dossier, move.details.get("kind")
    if not _may_propose(dossier):
        raise Refused(_("Kết quả này đang có đề xuất thu hồi hoặc thay, hoặc đã bị thu hồi."))
    if kind not in Kind:
        raise Refused(_("Hãy chọn: thu hồi hoặc thay bằng bản khác."))
    change = ResultChange(
        result=current(dossier),
        kind=kind,
        reason=_short(move, "reason", 300, _("Hãy ghi kết quả sai ở đâu.")),
        law=_short(move, "law", 200, _("Hãy ghi căn cứ pháp lý.")),
        proposed_by=move.by,
    )
    if kind == Kind.REPLACE:
        _keep_replacement(change, move)
    change.save()
    move.data = {"change": change.pk, "result": change.result_id, "kind": str(kind)}


def _short(move: Move, name: str, most: int, complaint: str) -> str:
    text = move.text(name, complaint)
    if len(text) > most:
        raise Refused(_("Xin ghi ngắn hơn: tối đa %(most)d ký tự.") % {"most": most})
    return text


def _keep_replacement(change: ResultChange, move: Move) -> None:
    """What the new result says: a file, or our wording with its faults mended."""
    old, file = change.result, move.details.get("result_file")
    if not old.is_made_here:
        _keep_outside(change, move, file)
    elif file:
        draft = Result(dossier=move.dossier, title=old.title)
        change.details = {"sha256": results.take_draft(draft, file), **_of_draft(draft)}
        change.draft = draft.draft.name
    elif old.is_uploaded:
        raise Refused(_("Hãy tải lên văn bản thay thế (PDF chưa ký)."))
    else:
        change.details = _mended(old, move)


def _of_draft(draft: Result) -> dict[str, Any]:
    return {"names": draft.names, "pages": draft.facts["pages"]}


def _keep_outside(change: ResultChange, move: Move, file: UploadedFile | None) -> None:
    if not file:
        raise Refused(_("Hãy tải lên tệp kết quả mới đã ký số (PDF)."))
    try:
        media_type, _extension = attachments.check(file)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from error
    if media_type != "application/pdf":
        raise Refused(results.NOT_SIGNED)
    change.details = {"signatures": results.check_outside(file.read())}
    change.details["sha256"] = attachments.sha256_of(file)
    change.draft.save(f"{change.result.token}-thay.pdf", file, save=False)


def wording(result: Result) -> dict[str, str]:
    """What of a result of ours may be written anew, by its name: `subject`, `article.0`…

    `names` are the people on it, a line each: who checks the paper types one of them.
    """
    said = {name: result.facts.get(name, "") for name in ("subject", "opening")}
    for number, article in enumerate(result.facts.get("articles", [])):
        said[f"article.{number}"] = "\n".join(article["paragraphs"])
    said["names"] = "\n".join(results.names_on(result))
    return {name: text for name, text in said.items() if text}


def _mended(old: Result, move: Move) -> dict[str, str]:
    before = wording(old)
    after = {name: move.words(f"text.{name}")[:MAX_TEXT] or text for name, text in before.items()}
    if after == before:
        raise Refused(_("Hãy sửa nội dung sai, hoặc tải lên văn bản thay thế."))
    return {"wording": after}


# --- The decision -----------------------------------------------------------------------


def _decide(move: Move) -> None:
    change = waiting(move.dossier)
    if change is None:
        raise Refused(_("Không còn đề xuất thu hồi, thay kết quả nào chờ quyết định."))
    if change.proposed_by_id == move.by.pk:
        raise NotAllowed(_("Người quyết định phải khác người đề xuất."))
    decision = move.details.get("decision")
    if decision not in Decision:
        raise Refused(_("Hãy chọn: đồng ý hoặc không đồng ý."))
    change.comment = move.words("comment")[:300]
    if decision == Decision.REJECTED and not change.comment:
        raise Refused(_("Hãy ghi vì sao không đồng ý."))
    change.decision, change.decided_by, change.decided_at = decision, move.by, move.now
    move.data = {"change": change.pk, "result": change.result_id, "decision": str(decision)}
    if decision == Decision.AGREED:
        (_revoke if change.kind == Kind.REVOKE else _replace)(move, change)
    change.save()


def _revoke(move: Move, change: ResultChange) -> None:
    result = change.result
    result.revoked_at, result.revoked_by = move.now, move.by
    result.revoke_reason = change.reason
    result.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    move.afterwards(lambda: _tell(move.dossier, "revoke_result", change.reason))


def _replace(move: Move, change: ResultChange) -> None:
    if Role.APPROVER not in roles_at(move.dossier, move.by):
        raise NotAllowed(_("Người ký duyệt của cơ quan phải quyết định, vì phải ký bản thay thế."))
    old = change.result
    new = Result(dossier=move.dossier, title=old.title, replaces=old, is_made_here=old.is_made_here)
    if not old.is_made_here:
        new.file, new.sha256 = change.draft.name, change.details["sha256"]
        new.facts = {"signatures": change.details["signatures"]}
        new.save()
        results.approve_outside(new, move.by)
    else:
        new.approved_by, new.is_sample = move.by, settings.DEMO
        new.signing = certificates.way_of_signing(move)
        _write(new, change, move)
        new.save()
    move.data["new"] = new.pk
    move.afterwards(lambda: resultsigning.finish_later(new))


def _write(new: Result, change: ResultChange, move: Move) -> None:
    """What the replacement says: the officer's own document, or our wording mended."""
    if change.draft:
        new.is_uploaded, new.draft = True, change.draft.name
        new.names = change.details["names"]
        new.facts = results.facts_of_draft(new, move.by, pages=change.details["pages"])
        return
    new.facts = results.mended_facts(change.result, change.details["wording"], move.by)
    said = change.details["wording"]["names"].splitlines()
    new.names = results.printed_among(said, results.texts(new.facts))


def _tell(dossier: Dossier, kind: str, reason: str) -> None:
    for person in notices.recipients(dossier):
        notices.say(person, kind, dossier=dossier, note=reason)


def tell_replaced(result: Result) -> None:
    """The new one is signed: it is what holds from now on, told once."""
    known = Event.objects.filter(dossier=result.dossier_id, name="replace_result")
    if known.filter(data__result=result.pk).exists():
        return
    perform(Dossier.objects.get(pk=result.dossier_id), "replace_result", by=None, result=result.pk)


def _replaced(move: Move) -> None:
    """The signed replacement reaches the citizen as the first one did."""
    result = move.dossier.results.get(pk=move.details["result"], signed_at__isnull=False)
    move.data = {"result": result.pk, "replaces": result.replaces_id, "sha256": result.sha256}
    if move.dossier.state == State.COMPLETED and results.can_be_given_online(move.dossier):
        move.afterwards(lambda: results.give_online_later(move.dossier))


# --- What is shown ----------------------------------------------------------------------


@panels.register
def changes_panel(dossier: Dossier, roles: set[str]) -> dict[str, Any] | None:
    """What was proposed and decided about the results of a dossier."""
    if dossier.state not in _AFTER or _was_never_proposed(dossier):
        return None
    rows = ResultChange.objects.filter(result__dossier=dossier).select_related(
        "proposed_by", "decided_by", "result"
    )
    shown = [{"change": row, "words": words_of(row)} for row in rows.order_by(F("pk").desc())]
    if not shown:
        return None
    return {"template": "admin/dossiers/result_changes_panel.html", "changes": shown}


def words_of(change: ResultChange) -> list[dict[str, str]]:
    """What a replacement says anew: `before` and `after` of each part that is mended."""
    after, before = change.details.get("wording", {}), wording(change.result)
    return [
        {"before": text, "after": after[name]}
        for name, text in before.items()
        if name in after and after[name] != text
    ]


for _action in (
    Action(
        "propose_result_change", gettext_lazy("Đề xuất thu hồi, thay kết quả"), _AFTER, _propose,
        roles=(Role.CASE_OFFICER, Role.APPROVER), asks=("result_change",),
        after_approval=True, is_silent=True, offered=_may_propose,
    ),
    Action(
        "decide_result_change", gettext_lazy("Quyết định thu hồi, thay kết quả"), _AFTER, _decide,
        roles=(Role.APPROVER, Role.LEADER), asks=("change_decision", "signing"),
        after_approval=True, is_silent=True,
        offered=lambda dossier: waiting(dossier) is not None,
    ),
    Action(
        "replace_result", gettext_lazy("Thay kết quả"), _AFTER, _replaced,
        system=True, after_approval=True,
    ),
):  # fmt: skip
    register(_action)
