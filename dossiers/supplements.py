"""A supplement: what the office names as at fault, and the citizen's way through it.

What is at fault has a key: a paper's own, the path of a question (`nguoi_mat.ho_ten`), or
`nguoi_lam_chung.*` for a section with rows, which is answered anew as a whole. While the
citizen works, changed sections wait in `SupplementRequest.new_answers`; the dossier is as
it was filed until they send.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from dossiers import filing
from dossiers.documents import (
    DocumentRow,
    file_row,
    filed_files,
    paper_names,
    supplement_row,
)
from dossiers.filing import AskedFile
from dossiers.forms import PersonsSectionForm
from dossiers.models import Attachment, Dossier, SupplementRequest
from dossiers.workflow import Refused
from procedures.formspec import conditions
from procedures.formspec.fields import display
from procedures.formspec.spec import Form, Section
from procedures.formspec.webform import (
    Question,
    asked_sections,
    is_asked,
    is_complete,
    prune,
    questions,
)
from procedures.models import RequiredDocument
from procedures.text import in_vietnamese, normalise

WHOLE = "*"  # how the key of a section that is answered anew as a whole ends
MAX_NOTE = 500
_NO_ANSWERS = {"declaration", "attachment"}  # a promise, and a file, which counts as a paper


# --- What can be at fault, and what is ------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One thing that the office may name, with what the dossier says of it now."""

    key: str
    label: str
    value: str


@dataclass(frozen=True)
class Group:
    """The papers, or the questions of one section, as the officials' form offers them."""

    title: str
    choices: list[Choice]
    is_document: bool = False


def choices(dossier: Dossier) -> list[Group]:
    """The papers that the answers call for, the other ones, and every question asked."""
    papers = _papers(dossier)
    called = {row.key for row in filing.to_attach(dossier)}
    files = list(dossier.attachments.all())
    groups = [
        Group(title, [_paper_choice(row, files) for row in rows], is_document=True)
        for title, rows in (
            (_("Giấy tờ hồ sơ này phải có"), [r for r in papers.values() if r.key in called]),
            (_("Giấy tờ khác của thủ tục"), [r for r in papers.values() if r.key not in called]),
        )
        if rows
    ]
    for section in asked_sections(dossier.revision.form, dossier.answers):
        rows = [
            Choice(key, label, _words(dossier.revision.form, dossier.answers, key))
            for key, label in _keys(section, dossier.answers)
        ]
        groups += [Group(section.title, rows)] if rows else []
    return groups


def _papers(dossier: Dossier) -> dict[str, RequiredDocument | AskedFile]:
    """Every paper that an online filing may attach, and the files that the form asks for.

    Among the papers called for is the mandate of one who files for another.
    """
    rows = [*dossier.revision.documents.all(), *filing.to_attach(dossier)]
    return {row.key: row for row in rows if row.how == RequiredDocument.How.SUBMIT}


def _paper_choice(row: RequiredDocument | AskedFile, files: list[Attachment]) -> Choice:
    count = sum(file.document == row.key and file.submitted_at is not None for file in files)
    value = _("đã nộp %(count)d tệp") % {"count": count} if count else _("chưa có")
    return Choice(row.key, row.name, value)


def _keys(section: Section, answers: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(key, label) of what can be at fault in a section: its questions, or all its rows."""
    if section.repeat:
        yield f"{section.id}.{WHOLE}", section.title
        return
    for question in questions(section.fields):
        if question.spec.type not in _NO_ANSWERS and _is_open(question, answers):
            yield f"{section.id}.{question.path}", str(question.spec.label or section.title)


def _is_open(question: Question, answers: Mapping[str, Any]) -> bool:
    return all(conditions.holds(when, answers) for when in question.whens)


def labels(form: Form) -> dict[str, str]:
    """How everything at fault in a form is called, by its key: `Em bé – Ngày sinh`."""
    found = {}
    for section in form.sections:
        found[f"{section.id}.{WHOLE}"] = section.title
        for question in questions(section.fields):
            label = question.spec.label
            name = f"{section.title} – {label}" if label else section.title
            found[f"{section.id}.{question.path}"] = name
    return found


def _words(form: Form, answers: Mapping[str, Any], key: str) -> str:
    """What is answered at a key, in words; rows one after the other."""
    section_id, _dot, path = key.partition(".")
    section = form.section(section_id)
    if section is None:
        return ""
    if path == WHOLE:
        rows = [_row_words(section, row) for row in answers.get(section_id) or []]
        return "\n".join(f"{number}. {row}" for number, row in enumerate(rows, start=1))
    given = conditions.lookup(answers, key)
    spec = form.paths().get(key)
    return display(spec, given) if spec is not None and given is not None else ""


def _row_words(section: Section, row: Mapping[str, Any]) -> str:
    given = [(q.spec, conditions.lookup(row, q.path)) for q in questions(section.fields)]
    return "; ".join(display(spec, answer) for spec, answer in given if answer is not None)


@dataclass(frozen=True)
class Fault:
    """One thing at fault, by name, with what the office says of it."""

    key: str
    name: str
    note: str


def faults_of(dossier: Dossier, request: SupplementRequest) -> list[Fault]:
    """Everything that a request names: the papers, then the questions."""
    names = paper_names(dossier) | labels(dossier.revision.form)
    return [
        Fault(key, names.get(key, key), request.notes.get(key, ""))
        for key in [*request.documents, *request.fields]
    ]


def read(dossier: Dossier, details: Mapping[str, Any]) -> SupplementRequest:
    """The unsaved request that an official's words make; raises `Refused` with a sentence.

    `details` has `documents` and `fields` (keys), `notes` (key -> what is wrong), `items`
    (further sentences, a line each).
    """
    groups = choices(dossier)
    papers = {c.key: c.label for g in groups if g.is_document for c in g.choices}
    fields = {c.key: c.label for g in groups if not g.is_document for c in g.choices}
    chosen_papers = _chosen(details.get("documents"), papers)
    chosen_fields = _chosen(details.get("fields"), fields)
    given = details.get("notes") or {}
    notes = {key: _note(given.get(key)) for key in (*chosen_papers, *chosen_fields)}
    for key in chosen_papers:
        notes[key] = notes[key] or _send_again()
    for key in chosen_fields:
        if not notes[key]:
            raise Refused(_("Hãy ghi chỗ sai của ô: %(name)s.") % {"name": fields[key]})
    lines = [line.strip() for line in normalise(str(details.get("items") or "")).splitlines()]
    items = [line for line in lines if line]
    if not (items or chosen_papers or chosen_fields):
        raise Refused(_("Hãy chỉ rõ giấy tờ, ô nào phải sửa, hoặc ghi những gì cần bổ sung."))
    return SupplementRequest(
        dossier=dossier, items=items, documents=chosen_papers, fields=chosen_fields, notes=notes
    )


@in_vietnamese
def _send_again() -> str:
    return _("Xin nộp lại hoặc nộp thêm giấy này.")


def _chosen(given: Iterable[str] | None, known: Mapping[str, str]) -> list[str]:
    wanted = set(given or [])
    if wanted - known.keys():
        raise Refused(
            _("Có mục được đánh dấu không thuộc hồ sơ này hoặc không còn được hỏi; hãy tải lại.")
        )
    return [key for key in known if key in wanted]


def _note(text: Any) -> str:
    return " ".join(normalise(str(text or "")).split())[:MAX_NOTE]


@in_vietnamese
def sentences(dossier: Dossier, request: SupplementRequest) -> list[str]:
    """The whole request in sentences, as notices and the ledger's note say it."""
    named = [f"{fault.name}: {fault.note}" for fault in faults_of(dossier, request)]
    return [*named, *request.items, _("Lý do: %(reason)s") % {"reason": request.reason}]


# --- What the dossier would be --------------------------------------------------------


def amended(dossier: Dossier, request: SupplementRequest) -> Dossier:
    """The dossier with the answers as they stand in the supplement; nothing is saved."""
    view = copy.copy(dossier)
    view.answers = prune(dossier.revision.form, {**dossier.answers, **request.new_answers})
    return view


def obstacle(dossier: Dossier) -> str:
    """Why the changed answers cannot be taken in this dossier; "" when they can."""
    other = filing.redirection(dossier)
    if other:
        return _(
            "Với câu trả lời mới, trường hợp của ông/bà làm thủ tục khác: %(text)s (mã %(code)s). "
            "Xin rút hồ sơ này rồi nộp thủ tục đó, hoặc sửa lại câu trả lời."
        ) % {"text": other["text"], "code": other["to"]}
    reason = filing.stop(dossier)
    if reason:
        return _("Với câu trả lời mới, hồ sơ không nộp trực tuyến được: %(reason)s.") % {
            "reason": reason.rstrip(".")
        }
    return ""


def changed_keys(form: Form, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys of the questions (of sections with rows, the whole) answered otherwise."""
    found = []
    for section in form.sections:
        if section.repeat:
            if (old.get(section.id) or []) != (new.get(section.id) or []):
                found.append(f"{section.id}.{WHOLE}")
            continue
        paths = [f"{section.id}.{question.path}" for question in questions(section.fields)]
        found += [p for p in paths if conditions.lookup(old, p) != conditions.lookup(new, p)]
    return found


# --- The citizen's task list ----------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One thing to do before the supplement can be sent."""

    title: str
    note: str
    url: str
    state: str
    is_done: bool


def tasks(dossier: Dossier, request: SupplementRequest) -> list[Task]:
    """What is to be done, in the office's order, and what the new answers call for besides."""
    view = amended(dossier, request)
    faults = {fault.key: fault for fault in faults_of(dossier, request)}
    unchanged = set(kept(dossier, request, view))
    rows = [_paper_task(dossier, request, faults[key]) for key in request.documents]
    rows += [_field_task(view, request, faults[key], unchanged) for key in request.fields]
    rows += [_new_section_task(dossier, row) for row in _unfinished(request, view)]
    rows += [
        _paper_task(dossier, request, Fault(row.key, row.name, _newly_asked()))
        for row in new_papers(dossier, request)
        if not row.is_optional
    ]
    return rows


def _newly_asked() -> str:
    return _("Cần thêm vì câu trả lời đã đổi.")


def _paper_task(dossier: Dossier, request: SupplementRequest, fault: Fault) -> Task:
    given = sum(
        file.document == fault.key and file.submitted_at is None
        for file in dossier.attachments.all()
    )
    is_explained = fault.key in request.explanations
    state = _("Đã giải thích") if is_explained else _("Chưa làm")
    if given:
        state = _("Xong, %(count)d tệp") % {"count": given}
    url = reverse("dossiers:supplement_paper", args=[dossier.code, fault.key])
    return Task(fault.name, fault.note, url, state, bool(given or is_explained))


def _field_task(
    view: Dossier, request: SupplementRequest, fault: Fault, unchanged: set[str]
) -> Task:
    section_id, _dot, path = fault.key.partition(".")
    section = view.revision.form.section(section_id)
    url = reverse("dossiers:supplement_section", args=[view.code, section_id])
    if section is None or not is_asked(section, view.answers):
        return Task(fault.name, fault.note, "", _("Không còn phải trả lời"), True)
    is_done = section_id in request.new_answers
    state = _("Xong") if is_done else _("Chưa làm")
    if is_done and fault.key in unchanged:
        state = _("Giữ nguyên")
    anchor = "" if path == WHOLE else f"#id_{path}"
    return Task(fault.name, fault.note, url + anchor, state, is_done)


def _new_section_task(dossier: Dossier, section: Section) -> Task:
    url = reverse("dossiers:supplement_section", args=[dossier.code, section.id])
    return Task(section.title, _newly_asked(), url, _("Chưa làm"), False)


def _unfinished(request: SupplementRequest, view: Dossier) -> list[Section]:
    """Sections that the new answers opened, or opened further, and that wait for answers."""
    if not request.new_answers:
        return []
    asked = asked_sections(view.revision.form, view.answers)
    return [section for section in asked if not is_complete(section, view.answers)]


def new_papers(dossier: Dossier, request: SupplementRequest) -> list[RequiredDocument | AskedFile]:
    """The papers that the new answers call for and the filed ones did not."""
    before = {row.key for row in filing.to_attach(dossier)} | set(request.documents)
    return [row for row in filing.to_attach(amended(dossier, request)) if row.key not in before]


def kept(dossier: Dossier, request: SupplementRequest, view: Dossier) -> list[str]:
    """The keys of questions at fault to which the citizen gave the same answer again."""
    changed = set(changed_keys(dossier.revision.form, dossier.answers, view.answers))
    return [key for key in request.fields if key not in changed]


def paper_row(
    dossier: Dossier, request: SupplementRequest, key: str, error: str = ""
) -> DocumentRow | None:
    """The paper of a task, or any other file; None for one that nobody asks for."""
    if key == Attachment.OTHER:
        return supplement_row(dossier, None, error)
    asked = [row for row in _papers(dossier).values() if row.key in request.documents]
    rows = [*asked, *new_papers(dossier, request)]
    row = next((row for row in rows if row.key == key), None)
    return supplement_row(dossier, row, error) if row else None


def is_open(dossier: Dossier, request: SupplementRequest, section: Section) -> bool:
    """Whether a section has a page in this supplement."""
    view = amended(dossier, request)
    if not is_asked(section, view.answers):
        return False
    if f"{section.id}.{WHOLE}" in request.fields or section in _unfinished(request, view):
        return True
    if section.repeat:
        return not is_asked(section, dossier.answers)
    return bool(shown_paths(dossier, request, section))


def words_of(dossier: Dossier, section: Section) -> str:
    """What a section says as it stands, a line for each answer."""
    form = dossier.revision.form
    lines = []
    for key, label in _keys(section, dossier.answers):
        lines.append(f"{label}: {_words(form, dossier.answers, key)}")
    return "\n".join(lines)


# --- Saving, a step at a time ---------------------------------------------------------


@transaction.atomic
def save_section(dossier: Dossier, section_id: str, answer: Any, *, seen: str) -> None:
    """Keep one section of the supplement; `seen` is the digest of what the page showed.

    Raises `filing.Changed`, or `Dossier.DoesNotExist` once nothing is asked any more.
    """
    locked, request = _lock(dossier)
    standing = amended(locked, request).answers.get(section_id)
    if seen and filing.digest(standing) not in {seen, filing.digest(answer)}:
        raise filing.Changed
    form = locked.revision.form
    request.new_answers = {**request.new_answers, section_id: answer}
    left = prune(form, {**locked.answers, **request.new_answers})
    request.new_answers = {key: left[key] for key in request.new_answers if key in left}
    request.save(update_fields=["new_answers"])


@transaction.atomic
def explain(dossier: Dossier, key: str, text: str, *, seen: str) -> None:
    """Keep why a paper cannot be given; "" takes it back. Raises as `save_section`."""
    _locked, request = _lock(dossier)
    standing = request.explanations.get(key, "")
    if seen and filing.digest(standing) not in {seen, filing.digest(text)}:
        raise filing.Changed
    request.explanations = {k: v for k, v in request.explanations.items() if k != key}
    if text:
        request.explanations[key] = text
    request.save(update_fields=["explanations"])


@transaction.atomic
def save_words(dossier: Dossier, text: str) -> None:
    """Keep what the citizen wants to say with the supplement; raises as `save_section`."""
    _locked, request = _lock(dossier)
    request.answer = text
    request.save(update_fields=["answer"])


def _lock(dossier: Dossier) -> tuple[Dossier, SupplementRequest]:
    """The row that `workflow.perform` locks too, and its open request."""
    asked = Dossier.State.SUPPLEMENT_REQUIRED
    rows = Dossier.objects.select_for_update(of=("self",)).select_related("revision")
    locked = rows.get(pk=dossier.pk, state=asked)
    return locked, locked.supplement_requests.get(answered_at=None)


# --- The form of a section, with only what is at fault --------------------------------


class FaultForm(PersonsSectionForm):
    """The questions of a section that are at fault, and those that their answers open.

    The other answers of the section stay as they are, and conditions see them.
    """

    def __init__(self, section: Section, view: Dossier, shown: set[str], data: Any = None):
        self._shown, self._base = shown, view.answers.get(section.id) or {}
        super().__init__(section, view.answers, self._base, data)

    def _is_shown(self, question: Question) -> bool:
        return question.path in self._shown and super()._is_shown(question)

    def _row(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        row = copy.deepcopy(dict(self._base))
        for path in self._shown:
            _drop(row, path)
        return _merge(row, super()._row(cleaned))


def _drop(row: dict[str, Any], path: str) -> None:
    *above, last = path.split(".")
    for name in above:
        row = row.get(name, {})
    row.pop(last, None)


def _merge(row: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in other.items():
        both = isinstance(value, Mapping) and isinstance(row.get(name), dict)
        row[name] = _merge(row[name], value) if both else value
    return row


def shown_paths(dossier: Dossier, request: SupplementRequest, section: Section) -> set[str]:
    """The paths (within the section) of the questions that its page shows."""
    view = amended(dossier, request)
    was_asked = is_asked(section, dossier.answers)
    shown = {
        q.path for q in questions(section.fields) if f"{section.id}.{q.path}" in request.fields
    }
    while True:
        paths = {f"{section.id}.{path}" for path in shown}
        more = {
            question.path
            for question in questions(section.fields)
            if question.path not in shown
            and not (was_asked and _is_open(question, dossier.answers))
            and (
                _is_open(question, view.answers)
                or any(paths & set(conditions.paths(when)) for when in question.whens)
            )
        }
        if not more:
            return shown
        shown |= more


# --- Sending, and what the official compares ------------------------------------------


def apply(dossier: Dossier, request: SupplementRequest) -> list[str]:
    """Move the new answers into the dossier, unsaved; the keys that changed.

    `old_answers` and `new_answers` hold afterwards the sections that changed, so that each
    request can be read later as it was answered.
    """
    new, old = amended(dossier, request).answers, dossier.answers
    changed = changed_keys(dossier.revision.form, old, new)
    sections = dict.fromkeys(key.partition(".")[0] for key in changed)
    request.old_answers = {key: old[key] for key in sections if key in old}
    request.new_answers = {key: new[key] for key in sections if key in new}
    dossier.answers = new
    return changed


@dataclass(frozen=True)
class FieldChange:
    """A question before and after a supplement, in words."""

    name: str
    note: str
    old: str
    new: str
    is_kept: bool = False


@dataclass(frozen=True)
class PaperChange:
    """The files of a paper before and after a supplement, or why there is none."""

    name: str
    note: str
    old: list[dict[str, Any]]
    new: list[dict[str, Any]]
    explanation: str


def comparisons(dossier: Dossier) -> list[dict[str, Any]]:
    """Every supplement request with what changed, the latest first, for the officials."""
    requests = sorted(dossier.supplement_requests.all(), key=lambda row: row.pk, reverse=True)
    return [
        {
            "request": request,
            "faults": faults_of(dossier, request),
            "fields": _field_changes(dossier, request),
            "papers": _paper_changes(dossier, request),
        }
        for request in requests
    ]


def _field_changes(dossier: Dossier, request: SupplementRequest) -> list[FieldChange]:
    if request.answered_at is None:
        return []
    form, old, new = dossier.revision.form, request.old_answers, request.new_answers
    changed = changed_keys(form, old, new)
    names = labels(form)
    rows = [
        FieldChange(names[key], request.notes.get(key, ""), _words(form, old, key),
                    _words(form, new, key))
        for key in changed
    ]  # fmt: skip
    kept_keys = [key for key in request.fields if key not in changed]
    return rows + [
        FieldChange(names.get(key, key), request.notes.get(key, ""),
                    _words(form, dossier.answers, key), "", is_kept=True)
        for key in kept_keys
    ]  # fmt: skip


def _paper_changes(dossier: Dossier, request: SupplementRequest) -> list[PaperChange]:
    if request.answered_at is None:
        return []
    papers, files = paper_names(dossier), filed_files(dossier)
    sent = [file for file in files if file.submitted_at == request.answered_at]
    keys = dict.fromkeys([*request.documents, *(file.document for file in sent),
                          *request.explanations])  # fmt: skip
    return [
        PaperChange(
            name=papers.get(key, _("Tệp khác")),
            note=request.notes.get(key, ""),
            old=[file_row(f) for f in files
                 if f.document == key and f.submitted_at < request.answered_at],
            new=[file_row(f) for f in sent if f.document == key],
            explanation=request.explanations.get(key, ""),
        )
        for key in keys
    ]  # fmt: skip
