"""Reads our own blank form, filled in as a PDF, back into answers.

What cannot be read, or does not pass the checks of the web form, is kept out and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from procedures.formspec import conditions, pdfvalues
from procedures.formspec.fields import display, type_of
from procedures.formspec.inwords import in_words
from procedures.formspec.layout import options_to_tick
from procedures.formspec.spec import Field, Form, Section, walk
from procedures.formspec.webform import asked_sections, fitting, prune, put, questions
from procedures.models import Procedure, Revision
from procedures.text import fold, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_MB = 5
# More complaints than this help nobody.
MAX_UNREAD = 60
_LONGEST_SHOWN = 200
_OWN = ("mau.",)
_SPELLED = "_bang_chu"
# As people write on paper, without accents.
_WRITTEN_DAY = re.compile(r"(?:ngay )?([0-9]{1,2}) thang ([0-9]{1,2}) nam ([0-9]{4})")
_WRITTEN_AMOUNT = re.compile(r"([0-9][0-9. ]*?) ?(?:dong|d|vnd|\u20ab)\.?")

# (section, row, path) of an answer; the row is 0 where a section is not repeated.
type Place = tuple[str, int, str]


class Unreadable(Exception):
    """The file gives no answers; the message says why and what to do instead.

    `other` is the procedure whose form it is, where it is that of another one.
    """

    def __init__(self, message: str, other: Procedure | None = None):
        super().__init__(message)
        self.other = other


@dataclass(frozen=True)
class Unread:
    """Something in the file that did not become an answer: where, what was typed, and why.

    `section` is the id of the section in the form, "" for a field that it does not have.
    """

    label: str
    typed: str
    reason: str
    section: str = ""


@dataclass
class Reading:
    """What a filled PDF says: `answers` as the current form takes them, and the rest."""

    revision: Revision
    answers: dict[str, Any] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    is_older: bool = False

    @property
    def count(self) -> int:
        """How many questions were answered."""
        return sum(1 for _where in leaves(self.revision.form, self.answers))


def read(content: bytes, procedure: Procedure) -> Reading:
    """The answers that a filled PDF of this procedure's form holds; raises `Unreadable`.

    A PDF of an older revision is read by the form of that revision; what still fits the
    form in force is kept (`webform.fitting`). `procedure.current` must have a form.
    """
    values = _values(content)
    _check_procedure(values, procedure)
    made_from = _revision_of(values, procedure)
    current = procedure.current
    reading = Reading(current, is_older=made_from != current)
    form = made_from.form if made_from else current.form
    found = _read_form(form, values, reading.unread)
    if not found and not reading.unread:
        raise Unreadable(
            _("Đây đúng là mẫu của thủ tục này nhưng chưa có ô nào được điền, hoặc phần mềm "
              "chưa lưu những gì đã điền. Hãy mở tệp, điền, bấm lưu rồi tải lên lại.")
        )  # fmt: skip
    if made_from != current:
        found = _fitting(current.form, form, found, reading.unread)
    reading.answers = _asked(current.form, found, reading.unread)
    del reading.unread[MAX_UNREAD:]
    return reading


def still_missing(form: Form, answers: Mapping[str, Any]) -> list[str]:
    """What must still be answered, by the labels; affirming is done by signing the paper."""
    missing = []
    for section in asked_sections(form, answers):
        rows = answers.get(section.id) or {}
        rows = rows if section.repeat else [rows]
        if section.repeat and len(rows) < section.repeat.min:
            missing.append(section.title)
        for index, row in enumerate(rows):
            view = {**answers, section.id: row}
            for question in questions(section.fields):
                if (
                    question.spec.type != "declaration"
                    and not question.is_optional
                    and conditions.lookup(row, question.path) is None
                    and all(conditions.holds(when, view) for when in question.whens)
                ):
                    missing.append(label_of(section, question.spec, index))
    return missing


# --- The file -------------------------------------------------------------------------


def _values(content: bytes) -> dict[str, str]:
    if len(content) > MAX_MB * 1024 * 1024:
        raise Unreadable(_("Tệp lớn hơn %(most)d MB; mẫu đã điền thường chỉ vài trăm KB. Hãy "
                           "kiểm tra lại có đúng tệp không.") % {"most": MAX_MB})  # fmt: skip
    if not content.startswith(b"%PDF-"):
        raise Unreadable(_("Tệp này không phải tệp PDF. Hãy chọn đúng tệp mẫu (PDF) đã tải từ "
                           "trang này và đã điền."))  # fmt: skip
    answer = pdfvalues.ask(content, "values")
    if "values" in answer:
        return {normalise(name): normalise(text) for name, text in answer["values"].items()}
    raise Unreadable(_fault(answer["fault"]))


def _fault(word: str) -> str:
    return {
        "encrypted": _("Tệp PDF có mật khẩu nên không đọc được. Hãy bỏ mật khẩu rồi tải lên lại."),
        "no_fields": _("Tệp PDF này không có ô điền: có thể là bản in, bản quét, hoặc đã lưu "
                       "bằng “In ra PDF”. Cổng chỉ đọc được tệp mẫu điền trên máy và lưu lại."),
        "pages": _("Tệp PDF có quá nhiều trang so với một mẫu đơn. Hãy chọn đúng tệp mẫu đã điền."),
        "busy": _("Cổng đang đọc nhiều tệp cùng lúc. Xin đợi một phút rồi tải lên lại."),
        "too_many": _("Tệp PDF này phức tạp hơn mẫu đơn của Cổng nên không đọc được. Hãy chọn "
                      "đúng tệp mẫu đã điền."),
    }.get(word) or _("Tệp PDF bị hỏng, không đọc được. Hãy mở tệp, lưu lại rồi tải lên, hoặc "
                     "khai trực tuyến.")  # fmt: skip


def _check_procedure(values: Mapping[str, str], procedure: Procedure) -> None:
    code = values.get("mau.thu_tuc", "").strip()
    if not code:
        raise Unreadable(_("Tệp PDF này không phải mẫu tải từ Cổng, nên không biết ô nào là câu "
                           "hỏi nào. Hãy tải mẫu ở trang này rồi điền."))  # fmt: skip
    if code != procedure.code:
        other = Procedure.objects.filter(code=code, current__isnull=False).first()
        name = other.current.short_name if other else code[:20]
        raise Unreadable(
            _("Đây là mẫu của thủ tục khác: %(name)s. Hãy tải tệp lên ở trang của thủ tục đó.")
            % {"name": name},
            other,
        )


def _revision_of(values: Mapping[str, str], procedure: Procedure) -> Revision | None:
    """The revision that the form was printed from; None when we never had it."""
    text = values.get("mau.ban", "").strip()
    if text == str(procedure.current.number):
        return procedure.current
    if not re.fullmatch("[0-9]{1,6}", text):
        return None
    return procedure.revisions.filter(number=int(text), published_at__isnull=False).first()


# --- From fields to answers -----------------------------------------------------------


def _read_form(form: Form, values: Mapping[str, str], unread: list[Unread]) -> dict[str, Any]:
    left = {name for name, text in values.items() if text and not name.startswith(_OWN)}
    answers: dict[str, Any] = {}
    for section in form.sections:
        given: Any
        if section.repeat:
            given = list(_read_rows(section, values, unread, left))
        else:
            given = _read_row(section, f"{section.id}.", values, unread, left)
        if given:
            answers[section.id] = given
    for name in sorted(left):
        if not name.endswith(_SPELLED):
            reason = _("Mẫu của thủ tục này không có ô tên như vậy.")
            unread.append(Unread(name, _shown(values[name]), reason))
    return answers


def _read_rows(
    section: Section, values: Mapping[str, str], unread: list[Unread], left: set[str]
) -> Iterator[dict[str, Any]]:
    """The rows that hold anything, moved together: an empty line between is no row."""
    pattern = re.compile(rf"{section.id}\.([0-9]{{1,3}})\.")
    used = {int(match[1]) for name in left if (match := pattern.match(name))}
    for index in sorted(used):
        if index < section.repeat.max:
            row = _read_row(section, f"{section.id}.{index}.", values, unread, left, index)
            if row:
                yield row


def _read_row(
    section: Section,
    prefix: str,
    values: Mapping[str, str],
    unread: list[Unread],
    left: set[str],
    index: int = 0,
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for path, spec in walk(section.fields):
        if spec.type == "declaration" or not type_of(spec).is_answered:
            continue
        typed = _typed(spec, f"{prefix}{path}", values, left)
        if not any(typed.values()):
            continue
        try:
            put(row, path, _answer(spec, typed))
        except ValidationError as error:
            label, text = label_of(section, spec, index), _in_one(typed)
            unread.append(Unread(label, _shown(text), " ".join(error.messages), section.id))
    return row


def _typed(
    spec: Field, name: str, values: Mapping[str, str], left: set[str]
) -> dict[str, str | list[str]]:
    """What stands in the fields of one question, by the suffix of its input."""
    if spec.type == "choices":
        ticked = [value for value in options_to_tick(spec) if values.get(f"{name}.{value}")]
        if options_to_tick(spec):
            left -= {f"{name}.{value}" for value in ticked}
            return {"": ticked}
    found: dict[str, str | list[str]] = {}
    for suffix in type_of(spec).inputs(spec):
        left.discard(f"{name}{suffix}")
        found[suffix] = _tidied(spec, values.get(f"{name}{suffix}", ""))
    return found


def _tidied(spec: Field, text: str) -> str:
    """What people write on paper, in the way that they would type it."""
    if spec.type == "long_text":
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()
    text = " ".join(text.split())
    if re.fullmatch(r"[\s._…/-]*", text):
        return ""
    if spec.type == "date":
        match = _WRITTEN_DAY.fullmatch(fold(text))
        return "/".join(match.groups()) if match else text
    if spec.type == "money":
        match = _WRITTEN_AMOUNT.fullmatch(fold(text))
        return match[1] if match else text
    return text


def _answer(spec: Field, typed: Mapping[str, str | list[str]]) -> Any:
    """The answer, through the same inputs as on the web; `ValidationError` if it is none."""
    kind = type_of(spec)
    if getattr(kind, "options", None):
        typed = {"": _option(spec, typed[""])}
    cleaned = {}
    for suffix, entry in kind.inputs(spec).items():
        entry.required = False
        cleaned[suffix] = entry.clean(typed.get(suffix) or None)
    answer = kind.to_answer(cleaned)
    if answer is None:
        raise ValidationError(_("Thiếu xã, phường hoặc đặc khu và tỉnh nên chưa thành địa chỉ."))
    return answer


def _option(spec: Field, typed: str | list[str]) -> str | list[str]:
    """The option that was ticked, or whose name was written."""
    options = type_of(spec).options(spec)
    if isinstance(typed, list) or typed in options:
        return typed
    wanted = fold(typed)
    named = [value for value, label in options.items() if fold(str(label)) == wanted]
    return named[0] if len(named) == 1 else typed


# --- What is left out, and why --------------------------------------------------------


def _fitting(
    current: Form, older: Form, answers: dict[str, Any], unread: list[Unread]
) -> dict[str, Any]:
    """The answers that the form in force takes as well."""
    kept = fitting(current, answers)
    reason = _("Câu hỏi này không còn, hoặc đã đổi, trong mẫu đang áp dụng.")
    unread += [_left_out(older, *row, reason) for row in lost(older, answers, kept)]
    return _without_empty(kept)


def _asked(form: Form, answers: dict[str, Any], unread: list[Unread]) -> dict[str, Any]:
    """The answers without those that the others rule out, which are said with the reason."""
    kept = prune(form, answers)
    for section in form.sections:
        before, after = answers.get(section.id), kept.get(section.id)
        if before == after or before is None:
            continue
        case = in_words(section.when or "", form) if after is None else ""
        reason = (
            _("Phần này chỉ điền khi %(case)s; các câu trả lời trong tệp không cho thấy như vậy.")
            % {"case": case}
            if case
            else _("Theo các câu trả lời khác trong tệp thì không phải điền mục này.")
        )
        gone = lost(Form([section]), {section.id: before}, {section.id: after} if after else {})
        unread += [_left_out(form, *row, reason) for row in gone]
    return _without_empty(kept)


def _without_empty(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers without sections and rows in which nothing is left."""
    rows = {
        name: [row for row in given if row] if isinstance(given, list) else given
        for name, given in answers.items()
    }
    return {name: given for name, given in rows.items() if given}


def _left_out(form: Form, where: Place, answer: Any, reason: str) -> Unread:
    label, text = in_form(form, where, answer)
    return Unread(label, _shown(text), reason, where[0])


def lost(
    form: Form, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[Place, Any]]:
    """Every answer of `before` to which `after` has none."""
    there = dict(leaves(form, after))
    return ((where, answer) for where, answer in leaves(form, before) if where not in there)


def in_form(form: Form, where: Place, answer: Any) -> tuple[str, str]:
    """(label, answer in words) of an answer at a place of the form."""
    section_id, index, path = where
    section = form.section(section_id)
    spec = dict(walk(section.fields))[path]
    return label_of(section, spec, index), display(spec, answer)


def leaves(form: Form, answers: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Every answer with its place."""
    for section in form.sections:
        given = answers.get(section.id) or []
        rows: Iterable[Any] = given if section.repeat else [given]
        for index, row in enumerate(rows):
            for path, _spec in walk(section.fields):
                answer = conditions.lookup(row, path) if row else None
                if answer is not None:
                    yield (section.id, index, path), answer


def label_of(section: Section, spec: Field, index: int = 0) -> str:
    """`Em bé – Ngày sinh`, `Người làm chứng 2 – Họ tên`."""
    where = f"{section.repeat.row_name} {index + 1}" if section.repeat else section.title
    return f"{where} – {spec.label or spec.text}"


def _in_one(typed: Mapping[str, str | list[str]]) -> str:
    parts = (part if isinstance(part, str) else "; ".join(part) for part in typed.values())
    return ", ".join(part for part in parts if part)


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
