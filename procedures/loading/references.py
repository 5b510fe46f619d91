"""Conditions and paths: what they name must exist, and what they demand must be possible."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from procedures.formspec import conditions, reachable
from procedures.formspec.fields import type_of
from procedures.formspec.spec import Field, Form
from procedures.loading.content import Finding, fields_with_paths
from procedures.loading.schema import ProcedureSpec
from procedures.loading.sentences import nearest
from procedures.loading.yamltext import Path
from procedures.text import fold

# `{section.field}` in the wording of a result stands for that answer.
MARKER = re.compile(r"\{([a-z0-9_.]+)\}")
# The words between two conditions, as people write them with their accents.
_JOINING = {"va": "and", "hoac": "or"}


def findings(spec: ProcedureSpec) -> Iterator[Finding]:
    """What conditions and paths name in vain, then what can never hold or be reached."""
    wrong: set[Path] = set()
    for finding in _named_in_vain(spec):
        wrong.add(finding.path)
        yield finding
    if not wrong:
        yield from _never(spec)


def _named_in_vain(spec: ProcedureSpec) -> Iterator[Finding]:
    known = Form(spec.form).paths()
    for path, text in _expressions(spec):
        try:
            conditions.parse(text)
        except conditions.ConditionError as error:
            message = _("Điều kiện “%(text)s”: %(problem)s.") % {"text": text, "problem": error}
            yield Finding(path, message, text, _in_our_words(text), kind="condition")
            continue
        yield from _condition(path, text, known)
    for path, question in _references(spec):
        if question not in known and not any(k.startswith(f"{question}.") for k in known):
            yield _unknown(path, question, known)
    if spec.on_time:
        start = known.get(spec.on_time.start)
        if start and (start.type != "date" or start.unknown_parts):
            message = _("start phải là một câu hỏi type: date (không có unknown_parts).")
            yield Finding(("on_time", "start"), message, kind="reference")


def _in_our_words(text: str) -> str:
    """A condition with the signs and words that people take for ours, if that helps."""
    words = (
        _JOINING.get(fold(word), word) if word != fold(word) else word for word in text.split()
    )
    tried = " ".join(words)
    for old, new in (
        (r"==", "="), (r"<>|≠", "!="), (r"≥|=>", ">="), (r"≤|=<", "<="), (r"&&|&", " and "),
        (r"\|\||\|", " or "), (r"(?<=[\w\"]):\s+", " = "),
    ):  # fmt: skip
        tried = re.sub(old, new, tried)
    tried = " ".join(tried.split())
    try:
        conditions.parse(tried)
    except conditions.ConditionError:
        return ""
    return tried if tried != text else ""


def _condition(path: Path, text: str, known: dict[str, Field]) -> Iterator[Finding]:
    asked = list(conditions.paths(text))
    if not asked:
        word = re.match(r"[a-z_]\w*", text)
        ends = [name for name in known if word and name.endswith(f".{word[0]}")]
        yield Finding(
            path,
            _("Điều kiện “%(text)s” chưa ghi câu hỏi theo dạng mục.câu_hỏi.") % {"text": text},
            word[0] if word else "",
            ends[0] if len(ends) == 1 else "",
            kind="condition",
        )
    for question in dict.fromkeys(asked):
        if question not in known:
            yield _unknown(path, question, known)
        elif not type_of(known[question]).is_answered:
            message = _("“%(path)s” không có câu trả lời để so sánh.") % {"path": question}
            yield Finding(path, message, kind="condition")
    for question, operator, word in conditions.compared(text):
        if question in known:
            yield from _compared(path, known[question], question, operator, word)


def _unknown(path: Path, question: str, known: dict[str, Field]) -> Finding:
    message = _("Không có câu hỏi “%(path)s” trong form.") % {"path": question}
    better = nearest(question, list(known))
    if better:
        message += " " + _("Có phải “%(path)s” không?") % {"path": better}
    return Finding(path, message, question, better, kind="reference")


def _compared(
    path: Path, field: Field, question: str, operator: str, word: str
) -> Iterator[Finding]:
    kind = type_of(field)
    named = {"path": question, "word": word}
    if hasattr(kind, "options"):
        options = list(kind.options(field))
        if operator not in {"=", "!="}:
            message = _("Câu hỏi “%(path)s” chỉ so sánh được bằng = hoặc !=.") % named
            yield Finding(path, message, kind="condition")
        elif options and word not in options:
            message = _("Câu hỏi “%(path)s” không có lựa chọn “%(word)s”.") % named
            better = nearest(word, options)
            yield Finding(path, message, word, better, kind="reference")
    elif field.type == "date" and not _is_iso_day(word):
        message = _("Ngày trong điều kiện ghi dạng 2026-12-01, không phải “%(word)s”.") % named
        match = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", word)
        iso = f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}" if match else ""
        yield Finding(path, message, word, iso, kind="condition")
    elif field.type in {"number", "money"} and not re.fullmatch(r"-?\d+(\.\d+)?", word):
        message = _("Câu hỏi “%(path)s” là số, không so sánh được với “%(word)s”.") % named
        yield Finding(path, message, kind="condition")


def _is_iso_day(word: str) -> bool:
    try:
        datetime.date.fromisoformat(word)
    except ValueError:
        return False
    return True


def _expressions(spec: ProcedureSpec) -> Iterator[tuple[Path, str]]:
    for name in ("redirect", "stop_online", "fees", "documents"):
        for index, row in enumerate(getattr(spec, name)):
            if row.when:
                yield (name, index, "when"), row.when
    for index, fee in enumerate(spec.fees):
        for number, case in enumerate(fee.alternatives):
            yield ("fees", index, "alternatives", number, "when"), case.when
    for index, section in enumerate(spec.form):
        for key in ("when", "copy_when"):
            if getattr(section, key):
                yield ("form", index, key), getattr(section, key)
    for path, field, _section in fields_with_paths(spec):
        for key in ("when", "copy_when"):
            if getattr(field, key):
                yield (*path, key), getattr(field, key)


def _references(spec: ProcedureSpec) -> Iterator[tuple[Path, str]]:
    for index, fee in enumerate(spec.fees):
        for key in ("times", "counted"):
            if getattr(fee, key):
                yield ("fees", index, key), getattr(fee, key)
    if spec.on_time:
        yield ("on_time", "start"), spec.on_time.start
    for index, question in enumerate(spec.ask_first):
        yield ("ask_first", index), question
    for index, question in enumerate(spec.ask_at_once):
        yield ("ask_at_once", index), question
    for index, document in enumerate(spec.documents):
        if document.print_from:
            yield ("documents", index, "print_from"), document.print_from
    for index, section in enumerate(spec.form):
        if section.copy_from:
            yield ("form", index, "copy_from"), section.copy_from
    for path, field, _section in fields_with_paths(spec):
        if field.copy_from:
            yield (*path, "copy_from"), field.copy_from
        for question in field.must_match or []:
            yield (*path, "must_match"), question
    for path, text in _template_texts(spec):
        for question in MARKER.findall(text):
            yield path, question


def _template_texts(spec: ProcedureSpec) -> Iterator[tuple[Path, str]]:
    if not spec.result.template:
        return
    template, path = spec.result.template, ("result", "template")
    yield (*path, "subject"), template.subject
    for index, text in enumerate(template.grounds):
        yield (*path, "grounds", index), text
    for index, article in enumerate(template.articles):
        yield (*path, "articles", index, "text"), article.text


# --- What can never be ----------------------------------------------------------------


def _never(spec: ProcedureSpec) -> Iterator[Finding]:
    form = Form(spec.form)
    dead: set[str] = set()
    for path, whens, inside, name in _parts(spec):
        own = whens[-1]
        names = {question for when in whens for question in conditions.paths(when)}
        if any(f"{question}.".startswith(f"{gone}.") for question in names for gone in dead):
            continue
        if not reachable.can_hold_alone(form, own, inside=inside):
            message = _("Điều kiện “%(text)s” không bao giờ đúng.") % {"text": own}
        elif not reachable.can_hold(form, whens, inside=inside):
            message = _(
                "Không ai tới được phần này: điều kiện “%(text)s” trái với điều kiện của mục "
                "hoặc câu hỏi mà nó dựa vào."
            ) % {"text": own}
        else:
            continue
        dead |= {name} if name else set()
        yield Finding(path, message, kind="never")


def _parts(spec: ProcedureSpec) -> Iterator[tuple[Path, tuple[str, ...], str, str]]:
    """Each part with a condition: its place, what must hold (its own last), section, name."""
    for index, section in enumerate(spec.form):
        if section.when:
            yield ("form", index, "when"), (section.when,), section.id, section.id
        around = (section.when,) if section.when else ()
        here = ("form", index, "fields")
        yield from _questions(section.fields, here, around, section.id, section.id)
    for name in ("redirect", "stop_online", "fees", "documents"):
        for index, row in enumerate(getattr(spec, name)):
            if row.when:
                yield (name, index, "when"), (row.when,), "", ""
    for index, fee in enumerate(spec.fees):
        around = (fee.when,) if fee.when else ()
        for number, case in enumerate(fee.alternatives):
            before = tuple(f"not ({row.when})" for row in fee.alternatives[:number])
            path = ("fees", index, "alternatives", number, "when")
            yield path, (*around, *before, case.when), "", ""


def _questions(
    fields: list[Field], path: Path, around: tuple[str, ...], section: str, before: str
) -> Iterator[tuple[Path, tuple[str, ...], str, str]]:
    for number, field in enumerate(fields):
        whens = (*around, field.when) if field.when else around
        name = f"{before}.{field.id}"
        if field.when:
            yield (*path, number, "when"), whens, section, name
        yield from _questions(field.fields, (*path, number, "fields"), whens, section, name)
