"""From a document to a checked procedure, or to a list of faults: one line for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.spec import NO_WORDS, YES_WORDS, Field, Form
from procedures.loading import levels
from procedures.loading.schema import OLDER_KEYS, ProcedureSpec
from procedures.loading.yamltext import Document, read
from procedures.models import LifeEvent

BLOCKS_FILE = settings.BASE_DIR / "fixtures" / "blocks.yaml"
# `{section.field}` in the wording of a result stands for that answer.
MARKER = re.compile(r"\{([a-z0-9_.]+)\}")


def check_files(
    files: Iterable[Path],
) -> tuple[list[tuple[Document, ProcedureSpec]], list[Document]]:
    """Read and check files: the good ones with what they say, and every document.

    Nothing is written. The faults are on the documents; a code that two files share is a
    fault of the second.
    """
    good, documents, seen = [], [], {}
    if _blocks_document().faults:
        return [], [_blocks_document()]
    for file in files:
        document, spec = _check_file(file)
        documents.append(document)
        if spec is None:
            continue
        if spec.code in seen:
            document.fault(
                ("code",),
                _("Mã %(code)s đã có trong tệp %(file)s.")
                % {"code": spec.code, "file": seen[spec.code]},
            )
            continue
        seen[spec.code] = file
        good.append((document, spec))
    return good, documents


def _check_file(file: Path) -> tuple[Document, ProcedureSpec | None]:
    try:
        return check_text(_text_of(file), str(file))
    except UnicodeDecodeError:
        document = Document(str(file))
        document.fault((), _("Tệp chưa được lưu bằng mã UTF-8."))
        return document, None


def _text_of(file: Path) -> str:
    raw = file.read_bytes()
    has_utf16_mark = raw[:2] in {b"\xff\xfe", b"\xfe\xff"}
    return raw.decode("utf-16" if has_utf16_mark else "utf-8-sig")


def check_text(text: str, file: str) -> tuple[Document, ProcedureSpec | None]:
    """One document and what it says; None where it has faults."""
    document = read(text, file)
    return document, check_document(document)


def check_document(document: Document) -> ProcedureSpec | None:
    """What a document says that was read already (YAML, a workbook); None where it has faults."""
    if not document.faults and not isinstance(document.data, dict):
        document.fault((), _("Tệp phải gồm các dòng “khóa: giá trị”."))
    if document.faults:
        return None
    _know_older_keys(document)
    _expand_blocks(document)
    try:
        spec = ProcedureSpec.model_validate(document.data)
    except ValidationError as error:
        for detail in error.errors():
            document.fault(_path_of(detail), _sentence(detail, document))
        return None
    document.level = levels.report(spec)
    for path, message in _content_faults(spec):
        document.fault(path, message)
    return None if document.faults else spec


def _know_older_keys(document: Document) -> None:
    """Let a fault of `service_level` be found on the line where it is still called `level`."""
    for path, line in list(document.lines.items()):
        today = tuple(OLDER_KEYS.get(part, part) for part in path)
        document.lines.setdefault(today, line)


# --- Shared blocks --------------------------------------------------------------------


@lru_cache(maxsize=4)
def _read_blocks(path: Path, changed: float) -> Document:
    document = read(path.read_text(encoding="utf-8"), str(path))
    if not document.faults and not isinstance(document.data, dict):
        document.fault((), _("Tệp phải gồm các dòng “khóa: giá trị”."))
    return document


def _blocks_document() -> Document:
    if not BLOCKS_FILE.exists():
        return Document(str(BLOCKS_FILE), data={})
    return _read_blocks(BLOCKS_FILE, BLOCKS_FILE.stat().st_mtime)


def shared_blocks() -> dict[str, list]:
    """The blocks that forms may `use`, by name."""
    return _blocks_document().data


def _expand_blocks(document: Document) -> None:
    form = document.data.get("form")
    for index, section in enumerate(form if isinstance(form, list) else []):
        if isinstance(section, dict) and isinstance(section.get("fields"), list):
            _expand_fields(section["fields"], ("form", index, "fields"), document)


def _expand_fields(fields: list, path: tuple, document: Document) -> None:
    for index, field in enumerate(fields):
        if not isinstance(field, dict) or "use" not in field:
            continue
        block = shared_blocks().get(str(field["use"]))
        if block is None:
            names = ", ".join(sorted(shared_blocks()))
            document.fault(
                (*path, index, "use"),
                _("Không có khối dùng chung “%(name)s”; đang có: %(names)s.")
                % {"name": field["use"], "names": names},
            )
        elif "fields" not in field:
            field["fields"] = block


# --- What pydantic found, in our words ------------------------------------------------


def _path_of(detail: ErrorDetails) -> tuple:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    return path


def _sentence(detail: ErrorDetails, document: Document) -> str:
    kind, context = detail["type"], detail.get("ctx") or {}
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    given = str(detail.get("input", ""))[:60]
    if kind in {"too_short", "too_long"} and isinstance(detail.get("input"), str):
        kind = f"string_{kind}"
    sentences = {
        "extra_forbidden": _("Không có khóa “%(key)s”."),
        "missing": _("Thiếu khóa “%(key)s”."),
        "string_pattern_mismatch": _("“%(key)s: %(given)s” chưa đúng dạng."),
        "string_too_short": _("“%(key)s” đang để trống."),
        "string_too_long": _("“%(key)s” dài quá %(limit)s ký tự."),
        "string_type": _("“%(key)s” phải là một dòng chữ."),
        "list_type": _("“%(key)s” phải là một danh sách."),
        "too_short": _("“%(key)s” phải có ít nhất một mục."),
        "dict_type": _("“%(key)s” phải gồm các cặp khóa và giá trị."),
        "model_type": _("“%(key)s” phải gồm các dòng khóa và giá trị."),
        "yes_no": _("“%(key)s” chỉ nhận yes hoặc no, không nhận “%(given)s”."),
        "whole_number": _("“%(key)s” phải là số nguyên, không phải “%(given)s”."),
        "day": _("“%(key)s” phải là ngày dạng 01/12/2026, không phải “%(given)s”."),
        "hour": _("“%(key)s” phải là giờ dạng 15:00, không phải “%(given)s”."),
        "duration": _(
            "“%(key)s” phải là same_day, text, hoặc dạng 3 working_days, 5 days, 2 hours; "
            "không phải “%(given)s”."
        ),
    }
    if kind == "literal_error":
        return _("“%(key)s: %(given)s” không dùng được; chỉ nhận %(expected)s.") % {
            "key": key,
            "given": given,
            "expected": context.get("expected", "").replace(" or ", ", "),
        }
    if kind in {"greater_than_equal", "less_than_equal"}:
        return _("“%(key)s: %(given)s” nằm ngoài giới hạn.") % {"key": key, "given": given}
    text = sentences.get(kind, _("“%(key)s: %(given)s” không dùng được."))
    return text % {"key": key, "given": given, "limit": context.get("max_length", "")}


# --- What the parts say about each other ----------------------------------------------


def _content_faults(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    yield from _duplicates(spec)
    yield from _question_faults(spec)
    yield from _condition_faults(spec)
    yield from _level_faults(spec)
    yield from _result_faults(spec)
    known = set(LifeEvent.objects.values_list("slug", flat=True))
    for index, slug in enumerate(spec.life_events):
        if slug not in known:
            yield ("life_events", index), _("Không có sự kiện “%(slug)s”.") % {"slug": slug}
    if spec.online == "partial" and not spec.partial_reason:
        yield ("online",), _("online: partial phải có partial_reason (lý do chỉ một phần).")


def _duplicates(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    groups: list[tuple[tuple, list[str]]] = [
        (("documents",), [row.id for row in spec.documents]),
        (("fees",), [row.id for row in spec.fees]),
        (("steps",), [row.id for row in spec.steps]),
        (("form",), [row.id for row in spec.form]),
        (("channels",), [f"{row.type} {row.case or ''}".strip() for row in spec.channels]),
    ]
    for index, section in enumerate(spec.form):
        groups.append((("form", index, "fields"), [field.id for field in section.fields]))
    for path, ids in groups:
        for index, key in enumerate(ids):
            if key in ids[:index]:
                yield (*path, index), _("“%(key)s” bị lặp lại.") % {"key": key}


def _question_faults(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    for index, section in enumerate(spec.form):
        for number, field in enumerate(section.fields):
            for inner in _with_inner(field):
                message = _field_fault(inner)
                if message:
                    yield ("form", index, "fields", number), message
                    break


def _with_inner(field: Field) -> Iterator[Field]:
    """A question, or a group followed by all that is in it."""
    yield field
    for inner in field.fields:
        yield from _with_inner(inner)


def _field_fault(field: Field) -> str:
    if field.type == "group":
        return "" if field.fields else _("“%(id)s” thiếu type hoặc use.") % {"id": field.id}
    if field.type in {"choice", "choices"} and not field.options:
        return _("Câu hỏi “%(id)s” phải có options.") % {"id": field.id}
    if (YES_WORDS | NO_WORDS) & set(field.options or ()):
        return _("Câu hỏi “%(id)s” hỏi có hay không; hãy dùng type: yes_no.") % {"id": field.id}
    if field.type == "declaration" and not field.text:
        return _("Lời cam đoan “%(id)s” phải có text.") % {"id": field.id}
    if field.type != "declaration" and not field.label:
        return _("Câu hỏi “%(id)s” thiếu label.") % {"id": field.id}
    try:
        type_of(field).inputs(field)
    except ValueError:
        return _("min hoặc max của “%(id)s” chưa đúng.") % {"id": field.id}
    return ""


def _condition_faults(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    known = Form(spec.form).paths()
    for path, text in _expressions(spec):
        try:
            asked = list(conditions.paths(text))
            compared = list(conditions.comparisons(text))
        except conditions.ConditionError as error:
            yield path, _("Điều kiện “%(text)s”: %(problem)s.") % {"text": text, "problem": error}
            continue
        if not asked:
            yield (
                path,
                _("Điều kiện “%(text)s” chưa ghi câu hỏi theo dạng mục.câu_hỏi.") % {"text": text},
            )
        for question in asked:
            if question not in known:
                yield path, _("Không có câu hỏi “%(path)s” trong form.") % {"path": question}
        for question, word in compared:
            field = known.get(question)
            options = (
                type_of(field).options(field)
                if field and hasattr(type_of(field), "options")
                else None
            )
            if options and word not in options:
                yield path, _("Câu hỏi “%(path)s” không có lựa chọn “%(word)s”.") % {
                    "path": question, "word": word,
                }  # fmt: skip
    for path, question in _references(spec):
        if question not in known and not any(k.startswith(f"{question}.") for k in known):
            yield path, _("Không có câu hỏi “%(path)s” trong form.") % {"path": question}


def _expressions(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    for name in ("redirect", "stop_online", "fees", "documents"):
        for index, row in enumerate(getattr(spec, name)):
            if row.when:
                yield (name, index, "when"), row.when
    for index, section in enumerate(spec.form):
        if section.when:
            yield ("form", index, "when"), section.when
        for number, field in enumerate(section.fields):
            for inner in _with_inner(field):
                if inner.when:
                    yield ("form", index, "fields", number, "when"), inner.when


def _references(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    for index, fee in enumerate(spec.fees):
        if fee.times:
            yield ("fees", index, "times"), fee.times
    if spec.on_time:
        yield ("on_time", "start"), spec.on_time.start
    for index, question in enumerate(spec.ask_first):
        yield ("ask_first", index), question
    for index, document in enumerate(spec.documents):
        if document.print_from:
            yield ("documents", index, "print_from"), document.print_from
    for index, section in enumerate(spec.form):
        for number, field in enumerate(section.fields):
            for inner in _with_inner(field):
                for question in inner.must_match or []:
                    yield ("form", index, "fields", number, "must_match"), question
    for path, text in _template_texts(spec):
        for question in MARKER.findall(text):
            yield path, question


def _template_texts(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    if not spec.result.template:
        return
    template, path = spec.result.template, ("result", "template")
    yield (*path, "subject"), template.subject
    for index, text in enumerate(template.grounds):
        yield (*path, "grounds", index), text
    for index, article in enumerate(template.articles):
        yield (*path, "articles", index, "text"), article.text


def _level_faults(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    for lack in levels.lacks(spec):
        if lack.level <= max(spec.service_level, 1):
            yield lack.path, lack.message
    if spec.service_level < 3 and spec.online != "none":
        yield ("online",), _("Mức độ 1 và 2 không nộp trực tuyến; hãy ghi online: none.")


def _result_faults(spec: ProcedureSpec) -> Iterator[tuple[tuple, str]]:
    ours = spec.result.made_in == "portal"
    if ours and spec.result.template is None:
        yield ("result",), _("Kết quả do cổng lập (made_in: portal) phải có template.")
    if not ours and spec.result.template is not None:
        yield ("result", "template"), _("Kết quả lập ở nơi khác thì không có template.")


def readable(value: Any) -> str:
    """A value of a definition as YAML, for differences."""
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False).strip()
