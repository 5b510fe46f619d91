"""What the parts of a procedure say about each other, where each alone is well formed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from procedures.formspec.fields import type_of
from procedures.formspec.spec import NO_WORDS, YES_WORDS, Field, Form
from procedures.loading import levels
from procedures.loading.published import unpublished_papers
from procedures.loading.schema import FeeSpec, ProcedureSpec
from procedures.loading.sentences import nearest
from procedures.loading.yamltext import Path
from procedures.models import LifeEvent

MOST_FIRST_QUESTIONS = 5


class Finding(NamedTuple):
    """One fault; `old` in its line should be `new`, where that is known."""

    path: Path
    message: str
    old: str = ""
    new: str = ""
    kind: str = "content"


def findings(spec: ProcedureSpec) -> Iterator[Finding]:
    """Everything that is wrong between the parts, but for conditions (`references`)."""
    yield from _duplicates(spec)
    yield from _channels(spec)
    yield from _questions(spec)
    for index, fee in enumerate(spec.fees):
        yield from _fee(fee, ("fees", index), spec)
    yield from _papers(spec)
    yield from _levels(spec)
    yield from _result(spec)
    yield from _whole(spec)


def _duplicates(spec: ProcedureSpec) -> Iterator[Finding]:
    groups: list[tuple[Path, list[str]]] = [
        (("documents",), [row.id for row in spec.documents]),
        (("fees",), [row.id for row in spec.fees]),
        (("steps",), [row.id for row in spec.steps]),
        (("form",), [row.id for row in spec.form]),
    ]
    for index, section in enumerate(spec.form):
        groups += _groups_of(section.fields, ("form", index, "fields"))
    for path, ids in groups:
        for index, key in enumerate(ids):
            if key in ids[:index]:
                message = _("“%(key)s” bị lặp lại.") % {"key": key}
                yield Finding((*path, index), message, kind="duplicate")


def _groups_of(fields: list[Field], path: Path) -> Iterator[tuple[Path, list[str]]]:
    yield path, [field.id for field in fields]
    for index, field in enumerate(fields):
        if field.fields:
            yield from _groups_of(field.fields, (*path, index, "fields"))


def _channels(spec: ProcedureSpec) -> Iterator[Finding]:
    """Several of one kind are for reading alone, each for its own case."""
    before: dict[str, list[str]] = {}
    for index, row in enumerate(spec.channels):
        cases = before.setdefault(row.type, [])
        path = ("channels", index)
        if cases and spec.service_level >= 3:
            message = _("“%(type)s” bị lặp lại; từ mức độ 3 mỗi cách nộp chỉ ghi một lần.")
            yield Finding(path, message % {"type": row.type}, kind="duplicate")
        elif (row.case or "") in cases or (cases and (not row.case or "" in cases)):
            message = _(
                "“%(type)s” bị lặp lại; mỗi dòng cùng cách nộp phải có case (trường hợp) riêng."
            )
            yield Finding(path, message % {"type": row.type}, kind="duplicate")
        cases.append(row.case or "")


# --- Questions ------------------------------------------------------------------------


def fields_with_paths(spec: ProcedureSpec) -> Iterator[tuple[Path, Field, int]]:
    """Every question and group: where it stands in the file, and the index of its section."""
    for index, section in enumerate(spec.form):
        for path, field in _below(section.fields, ("form", index, "fields")):
            yield path, field, index


def _below(fields: list[Field], path: Path) -> Iterator[tuple[Path, Field]]:
    for number, field in enumerate(fields):
        yield (*path, number), field
        yield from _below(field.fields, (*path, number, "fields"))


def _questions(spec: ProcedureSpec) -> Iterator[Finding]:
    for path, field, section in fields_with_paths(spec):
        message = _question(field) or _options_of_type(field)
        if not message and spec.form[section].repeat:
            message = _in_a_repeat(field)
        if message:
            yield Finding(path, message, kind="question")
        elif field.default:
            yield from _default(field, path)
    for index, section in enumerate(spec.form):
        if section.copy_from and section.repeat:
            message = _("Mục lặp nhiều dòng thì không điền sẵn theo phần khác (copy_from) được.")
            yield Finding(("form", index, "copy_from"), message, kind="question")
        before = spec.form[index - 1].id if index else ""
        if section.beside and section.beside != before:
            message = (
                _("beside phải là mục ngay trước mục này: “%(id)s”.") % {"id": before}
                if before
                else _("Mục đầu tiên không có mục nào đứng trước để ghi beside.")
            )
            yield Finding(("form", index, "beside"), message, section.beside, before)


def _question(field: Field) -> str:
    named = {"id": field.id}
    if field.type == "group":
        told = field.fields or field.use
        return "" if told else _("“%(id)s” thiếu type hoặc use.") % named
    if field.type in {"choice", "choices"} and not field.options:
        return _("Câu hỏi “%(id)s” phải có options.") % named
    if (YES_WORDS | NO_WORDS) & set(field.options or ()):
        return _("Câu hỏi “%(id)s” hỏi có hay không; hãy dùng type: yes_no.") % named
    if field.type not in {"choice", "choices"} and field.options:
        return _("Câu hỏi “%(id)s” có options thì phải là type: choice hoặc choices.") % named
    if field.type == "declaration" and not field.text:
        return _("Lời cam đoan “%(id)s” phải có text.") % named
    if field.type == "explanation" and not field.text:
        return _("Lời giải thích “%(id)s” phải có text.") % named
    if field.type == "coded" and not field.from_list:
        return _("Câu hỏi “%(id)s” phải có from_list: danh sách để chọn.") % named
    if field.type not in {"declaration", "explanation"} and not field.label:
        return _("Câu hỏi “%(id)s” thiếu label.") % named
    return "" if _limits_are_right(field) else _("min hoặc max của “%(id)s” chưa đúng.") % named


# Keys that say something to some types alone; a person hands them on to its parts.
_ONLY_FOR: dict[str, set[str]] = {
    "unknown_parts": {"date"},
    "old_number": {"citizen_number"},
    "old_names": {"address"},
    "from_list": {"coded"},
    "max_files": {"attachment"},
    "copy_from": {"group"},
    "copy_when": {"group"},
    "include": {"group"},
    "optional_parts": {"group"},
}
_MOST_FILES = 20


def _options_of_type(field: Field) -> str:
    """What is said of a key that the type does not know, or knows within limits."""
    for key, types in _ONLY_FOR.items():
        if getattr(field, key) and field.type not in types and not field.include:
            return _("Câu hỏi “%(id)s”: khóa %(key)s chỉ dùng với type: %(types)s.") % {
                "id": field.id,
                "key": key,
                "types": ", ".join(sorted(types)),
            }
    if field.max_files is not None and not 1 <= field.max_files <= _MOST_FILES:
        return _("max_files của “%(id)s” phải từ 1 đến %(most)d.") % {
            "id": field.id,
            "most": _MOST_FILES,
        }
    if field.optional_parts and not set(field.optional_parts) <= set(field.include or []):
        return _("optional_parts của “%(id)s” phải nằm trong include.") % {"id": field.id}
    if field.copy_when and not field.copy_from:
        return _("“%(id)s” có copy_when thì phải có copy_from.") % {"id": field.id}
    return ""


def _in_a_repeat(field: Field) -> str:
    """What cannot stand in a section of which there are several rows."""
    if field.type == "attachment":
        return _("Tệp đính kèm “%(id)s” không đặt trong mục lặp nhiều dòng được.") % {
            "id": field.id
        }
    if field.copy_from:
        return _("Mục lặp nhiều dòng thì không điền sẵn theo phần khác (copy_from) được.")
    return ""


def _limits_are_right(field: Field) -> bool:
    low, high = (_limit(field, text) for text in (field.min, field.max))
    if "" in (low, high):
        return False
    return low is None or high is None or low <= high


def _limit(field: Field, text: str | None) -> Any:
    """A number or a day; None for none (or today, whenever that is), "" where it is wrong."""
    if text is None or (field.type == "date" and text == "today"):
        return None
    try:
        if field.type == "date":
            return datetime.datetime.strptime(text, "%d/%m/%Y").date()
        return int(text)
    except ValueError:
        return ""


def _default(field: Field, path: Path) -> Iterator[Finding]:
    kind = type_of(field)
    if not hasattr(kind, "options") or field.type == "choices":
        return
    options = list(kind.options(field))
    given = field.default or ""
    if field.type == "yes_no" and given in YES_WORDS | NO_WORDS:
        return
    if given not in options:
        message = _("default: “%(word)s” không phải là một lựa chọn của “%(id)s”.")
        new = nearest(given, options)
        yield Finding((*path, "default"), message % {"word": given, "id": field.id}, given, new)


# --- Fees, papers, level, result ------------------------------------------------------


def _fee(fee: FeeSpec, path: Path, spec: ProcedureSpec) -> Iterator[Finding]:
    kinds = {row.type for row in spec.channels}
    for index, kind in enumerate(fee.channels):
        if kinds and kind not in kinds:
            message = _("Thủ tục không có cách nộp “%(kind)s” trong channels.") % {"kind": kind}
            yield Finding((*path, "channels", index), message, kind="fee")
    if fee.counted and not fee.tiers:
        yield Finding((*path, "counted"), _("Có counted thì phải có tiers (các bậc)."), kind="fee")
    if fee.tiers and not fee.counted:
        message = _("Có tiers thì phải có counted: câu hỏi về số lượng để tính bậc.")
        yield Finding((*path, "tiers"), message, kind="fee")
    if fee.tiers and fee.amount is not None:
        message = _("Đã có tiers thì không ghi amount; hãy giữ một trong hai.")
        yield Finding((*path, "amount"), message, kind="fee")
    if fee.cap is not None and not fee.tiers:
        yield Finding((*path, "cap"), _("cap chỉ dùng cùng tiers."), kind="fee")
    yield from _tiers(fee, path)
    yield from _exemptions(fee, path)
    known = Form(spec.form).paths()
    for key in ("counted", "times"):
        question = known.get(getattr(fee, key) or "")
        if question and question.type != "number":
            message = _("%(key)s phải là một câu hỏi type: number.") % {"key": key}
            yield Finding((*path, key), message, kind="fee")
        elif question and _is_repeated(getattr(fee, key), spec):
            message = _("%(key)s hỏi ở mục lặp nhiều dòng, nên không có một con số để tính.")
            yield Finding((*path, key), message % {"key": key}, kind="fee")


def _is_repeated(question: str, spec: ProcedureSpec) -> bool:
    section = Form(spec.form).section(question.split(".")[0])
    return bool(section and section.repeat)


def _exemptions(fee: FeeSpec, path: Path) -> Iterator[Finding]:
    """Each stands on a law; one that comes by itself is for a way to file that the fee knows."""
    automatic = [key for key, row in fee.exempt.items() if row.automatic]
    for key, row in fee.exempt.items():
        here = (*path, "exempt", key)
        if not (row.law or fee.exempt_law):
            message = _("Miễn, giảm phải có căn cứ: ghi exempt_law, hoặc law của “%(label)s”.")
            yield Finding(here, message % {"label": row.label}, kind="fee")
        if row.automatic and fee.channels and row.automatic not in fee.channels:
            message = _("Khoản này không thu khi nộp trực tuyến nên “%(label)s” không dùng đến.")
            yield Finding(here, message % {"label": row.label}, kind="fee")
        if row.automatic and key != automatic[0]:
            message = _("Mỗi khoản chỉ có một diện tự áp dụng (automatic).")
            yield Finding(here, message, kind="fee")


def _tiers(fee: FeeSpec, path: Path) -> Iterator[Finding]:
    last = len(fee.tiers) - 1
    before = 0
    for index, tier in enumerate(fee.tiers):
        here = (*path, "tiers", index)
        if tier.up_to is None:
            if index != last:
                message = _("Chỉ bậc cuối cùng được bỏ up_to.")
                yield Finding(here, message, kind="fee")
            continue
        if tier.up_to <= before:
            message = _("up_to của các bậc phải tăng dần.")
            yield Finding(here, message, kind="fee")
        if index == last and all(row.up_to is not None for row in fee.tiers):
            message = _("Bậc cuối cùng không ghi up_to, để tính cho mọi số lượng còn lại.")
            yield Finding(here, message, kind="fee")
        before = tier.up_to
    if fee.cap is not None and fee.tiers and fee.cap < fee.tiers[0].amount:
        message = _("cap (mức cao nhất) nhỏ hơn mức của bậc đầu tiên.")
        yield Finding((*path, "cap"), message, kind="fee")


def _papers(spec: ProcedureSpec) -> Iterator[Finding]:
    for index, paper in enumerate(spec.documents):
        if paper.how == "portal" and not spec.form:
            message = _("“%(name)s” do cổng in (how: portal) nhưng thủ tục chưa có form.")
            yield Finding(("documents", index), message % {"name": paper.name}, kind="paper")
    for index in unpublished_papers(spec):
        message = _(
            "Thủ tục đã công bố không có giấy tờ “%(name)s”. Nếu luật đòi giấy tờ này thì ghi "
            "law: điều, khoản nào; nếu không thì bỏ."
        )
        name = spec.documents[index].name
        yield Finding(("documents", index), message % {"name": name}, kind="unpublished paper")


def _levels(spec: ProcedureSpec) -> Iterator[Finding]:
    for lack in levels.lacks(spec):
        if lack.level <= max(spec.service_level, 1):
            yield Finding(lack.path, lack.message, kind="level")
    if spec.service_level < 3 and spec.online != "none":
        message = _("Mức độ 1 và 2 không nộp trực tuyến; hãy ghi online: none.")
        yield Finding(("online",), message, spec.online, "none", kind="level")


def _result(spec: ProcedureSpec) -> Iterator[Finding]:
    """Without a template the officer drafts a result of ours as a PDF of their own."""
    if spec.result.made_in != "portal" and spec.result.template is not None:
        yield Finding(("result", "template"), _("Kết quả lập ở nơi khác thì không có template."))


def _whole(spec: ProcedureSpec) -> Iterator[Finding]:
    for key in ("redirect", "offer"):
        for index, row in enumerate(getattr(spec, key)):
            if row.to == spec.code:
                message = _("%(key)s dẫn về chính thủ tục này.") % {"key": key}
                yield Finding((key, index), message)
    known = list(LifeEvent.objects.values_list("slug", flat=True))
    for index, slug in enumerate(spec.life_events):
        if slug not in known:
            message = _("Không có sự kiện “%(slug)s”.") % {"slug": slug}
            new = nearest(slug.replace("-", "_"), [row.replace("-", "_") for row in known])
            yield Finding(("life_events", index), message, slug, new.replace("_", "-"))
    if spec.online == "partial" and not spec.partial_reason:
        message = _("online: partial phải có partial_reason (lý do chỉ một phần).")
        yield Finding(("online",), message)
    if len(spec.ask_first) > MOST_FIRST_QUESTIONS:
        message = _("ask_first nên có 3 đến 5 câu hỏi, nhiều nhất là %(most)d.")
        yield Finding(("ask_first",), message % {"most": MOST_FIRST_QUESTIONS})


def with_replaced(line: str, old: str, new: str) -> str:
    """The line with one word in place of another; "" where it is not there."""
    if not (line and old and new):
        return ""
    mended = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", lambda _match: new, line, count=1)
    return "" if mended == line else mended
