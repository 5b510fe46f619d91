"""What the schema found wrong, in sentences, with the line as it should be where that is clear."""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pydantic_core import ErrorDetails

from procedures.formspec.spec import NO_WORDS, YES_WORDS
from procedures.loading import repairs
from procedures.loading.keywords import MEANINGS
from procedures.loading.schema import OLDER_KEYS, part_at
from procedures.loading.yamltext import Document, Path
from procedures.models import make_slug
from procedures.text import fold


class Sentence(NamedTuple):
    """One fault in words; `better` is the value (or key) that was meant, if one is likely."""

    message: str
    better: str = ""
    suggestion: str = ""
    kind: str = ""


def path_of(detail: ErrorDetails) -> Path:
    """Where in the document a fault of the schema is."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def sentence(detail: ErrorDetails, document: Document) -> Sentence:
    """What to say of a fault of the schema."""
    kind, path = detail["type"], path_of(detail)
    key = str(path[-1]) if path else ""
    value = detail.get("input")
    given = str("" if value is None else value)[:60]
    if kind == "extra_forbidden":
        return _unknown_key(path, document)
    if kind == "missing":
        return _missing(path)
    if kind == "literal_error":
        return _wrong_word(path, given, detail["ctx"]["expected"], document)
    if isinstance(value, str):
        better = _better(kind, key, value)
        message = _value_sentence(kind, detail, key, given)
        return Sentence(message, better, in_line(document, path, given, better), kind)
    mended = ""
    if isinstance(value, dict) and kind == "string_type":
        # A list item with a colon in it became a key with its value.
        mended = repairs.quoted_line(document.text_of(path))
        message = repairs.colon_message()
        return Sentence(message, "", mended, "colon") if mended else _shape(kind, key)
    return _shape(kind, key)


def nearest(word: str, words: list[str]) -> str:
    """The one of `words` that was probably meant, accents and case aside; "" if none is near."""
    folded = {fold(known).replace(" ", "_"): known for known in words}
    found = difflib.get_close_matches(fold(word).replace(" ", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""


def in_line(document: Document, path: Path, old: str, new: str) -> str:
    """The line of the value at `path` with `new` in place of `old`; "" where it is not there."""
    line = document.text_of(path)
    if not (line and old and new):
        return ""
    before = rf"{_key_pattern(path)}\s*:\s*" if path and isinstance(path[-1], str) else ""
    pattern = rf"({before})([\"']?){re.escape(old)}\2(?=\s*(?:$|[,}}\]#]))"
    mended = re.sub(pattern, lambda match: f"{match[1]}{match[2]}{new}{match[2]}", line, count=1)
    return "" if mended == line else mended


def _key_pattern(path: Path) -> str:
    names = [path[-1], *(old for old, now in OLDER_KEYS.items() if now == path[-1])]
    return rf"\b(?:{'|'.join(re.escape(str(name)) for name in names)})"


# --- Keys -----------------------------------------------------------------------------


def _unknown_key(path: Path, document: Document) -> Sentence:
    key, line = str(path[-1]), document.text_of(path)
    spaced = re.fullmatch(r"([a-z_]+):(\S.*)", key)
    if spaced:
        mended = line.replace(key, f"{spaced[1]}: {spaced[2]}", 1)
        return Sentence(repairs.no_space_message(), "", mended, "no space")
    message = _("Không có khóa “%(key)s”.") % {"key": key}
    part = part_at(path[:-1])
    known = list(part.model_fields) if part else []
    better = nearest(key, known)
    if better:
        message += " " + _("Có phải “%(key)s” không?") % {"key": better}
        mended = re.sub(rf"(?<!\w){re.escape(key)}(?=\s*:)", better, line, count=1)
        return Sentence(message, better, mended if mended != line else "", "unknown key")
    if known:
        message += " " + _("Ở đây dùng được: %(keys)s.") % {"keys": ", ".join(known)}
    return Sentence(message, kind="unknown key")


def _missing(path: Path) -> Sentence:
    return Sentence(missing_key(part_at(path[:-1]), str(path[-1])), kind="missing key")


def missing_key(part: type | None, key: str) -> str:
    """What is said of a key that is not there: its name, and what it means."""
    message = _("Thiếu khóa “%(key)s”.") % {"key": key}
    if part is None or get_language() != "vi":
        return message
    return f"{message} {MEANINGS.get(f'{part.__name__}.{key}', '')}".strip()


# --- Values ---------------------------------------------------------------------------

# What people write for the words of the files.
_IN_OTHER_WORDS = {
    "truc tuyen": "online", "qua mang": "online", "truc tiep": "direct", "tai quay": "counter",
    "buu dien": "postal", "buu chinh": "postal", "buu chinh cong ich": "postal",
    "toan trinh": "full", "mot phan": "partial", "khong": "none", "nop": "submit",
    "xuat trinh": "show", "khi nop": "at_filing", "khi nop ho so": "at_filing",
    "khi nhan ket qua": "at_collection", "sau khi tiep nhan": "after_acceptance",
    "mot cua": "reception", "thu ly": "case_officer", "lanh dao": "leader", "ky": "approver",
    "cong dan": "citizen", "thu ngan": "cashier", "so": "number", "ngay": "date",
    "lua chon": "choice", "chu": "text", "ho ten": "name", "dia chi": "address",
    "dien thoai": "phone", "chup": "photo",
}  # fmt: skip


def _wrong_word(path: Path, given: str, expected: str, document: Document) -> Sentence:
    words = re.findall(r"'([^']*)'", expected)
    better = _IN_OTHER_WORDS.get(fold(given), "")
    better = better if better in words else nearest(given, words)
    key = str(path[-1])
    if isinstance(path[-1], int) and len(path) > 1:
        key = str(path[-2])
    message = _("“%(key)s: %(given)s” không dùng được; chỉ nhận %(words)s.") % {
        "key": document.key_at(path, key), "given": given,
        "words": ", ".join(document.words_at(path, words)),
    }  # fmt: skip
    return Sentence(message, better, in_line(document, path, given, better), "unknown word")


def _value_sentence(kind: str, detail: ErrorDetails, key: str, given: str) -> str:
    if kind in {"too_short", "too_long"}:
        kind = f"string_{kind}"
    if kind == "whole_number" and given.startswith("-"):
        kind = "negative"
    if kind == "string_pattern_mismatch" and key == "code":
        kind = "code"
    sentences = {
        "string_pattern_mismatch": _(
            "“%(key)s: %(given)s” chưa đúng dạng; chỉ dùng chữ thường không dấu, chữ số và _."
        ),
        "code": _("“%(key)s: %(given)s” chưa đúng dạng mã thủ tục, ví dụ 1.001193."),
        "string_too_short": _("“%(key)s” đang để trống."),
        "string_too_long": _("“%(key)s” dài quá %(limit)s ký tự."),
        "string_type": _("“%(key)s” phải là một dòng chữ."),
        "list_type": _("“%(key)s” phải là một danh sách: mỗi mục một dòng, bắt đầu bằng “- ”."),
        "dict_type": _("“%(key)s” phải gồm các cặp khóa và giá trị."),
        "model_type": _("“%(key)s” phải gồm các dòng khóa và giá trị."),
        "yes_no": _("“%(key)s” chỉ nhận yes hoặc no, không nhận “%(given)s”."),
        "negative": _("“%(key)s” không được là số âm (%(given)s)."),
        "whole_number": _("“%(key)s” phải là số nguyên, không phải “%(given)s”."),
        "day": _("“%(key)s” phải là ngày dạng 01/12/2026, không phải “%(given)s”."),
        "no_such_day": _("“%(key)s: %(given)s”: không có ngày này trong lịch."),
        "hour": _("“%(key)s” phải là giờ dạng 15:00, không phải “%(given)s”."),
        "percent": _(
            "“%(key)s” phải là phần trăm từ 1%% đến 100%%, ví dụ 50%%; không phải “%(given)s”."
        ),
        "duration": _(
            "“%(key)s” phải là same_day, text, hoặc dạng 3 working_days, 5 days, 2 hours; "
            "không phải “%(given)s”."
        ),
        "greater_than_equal": _("“%(key)s: %(given)s” nằm ngoài giới hạn."),
        "less_than_equal": _("“%(key)s: %(given)s” nằm ngoài giới hạn."),
    }
    context = detail.get("ctx") or {}
    text = sentences.get(kind, _("“%(key)s: %(given)s” không dùng được."))
    return text % {"key": key, "given": given, "limit": context.get("max_length", "")}


def _shape(kind: str, key: str) -> Sentence:
    sentences = {
        "string_type": _("“%(key)s” phải là một dòng chữ."),
        "list_type": _("“%(key)s” phải là một danh sách: mỗi mục một dòng, bắt đầu bằng “- ”."),
        "too_short": _("“%(key)s” phải có ít nhất một mục."),
        "dict_type": _("“%(key)s” phải gồm các cặp khóa và giá trị."),
        "model_type": _("“%(key)s” phải gồm các dòng khóa và giá trị."),
    }
    text = sentences.get(kind, _("“%(key)s” không dùng được ở dạng này."))
    return Sentence(text % {"key": key}, kind=kind)


def _better(kind: str, key: str, given: str) -> str:
    """The value that was probably meant, in the spelling of the files."""
    given = given.strip()
    makers = {
        "yes_no": _better_yes_no,
        "whole_number": _better_number,
        "day": _better_day,
        "hour": _better_hour,
        "duration": _better_duration,
    }
    if kind == "string_pattern_mismatch" and key != "code":
        mark = "-" if key in {"slug", "life_events"} else "_"
        slug = make_slug(given).replace("-", mark)[:40] if given else ""
        return slug if re.match(r"[a-z]", slug) and slug != given else ""
    return makers[kind](given) if kind in makers else ""


def _better_yes_no(given: str) -> str:
    word = fold(given)
    if word in {"y", "x", "dung", "ok", "1", *map(fold, YES_WORDS)}:
        return "yes"
    return "no" if word in {"n", "sai", "0", *map(fold, NO_WORDS)} else ""


def _better_number(given: str) -> str:
    digits = re.sub(r"\s*(dong|d|vnd)\.?$", "", fold(given).lstrip("-").strip())
    if re.fullmatch(r"\d{1,3}([., ]\d{3})*|\d+", digits):
        return re.sub(r"[, ]", ".", digits)
    return ""


def _better_day(given: str) -> str:
    match = re.fullmatch(r"(\d{1,2})\s*[-. ]\s*(\d{1,2})\s*[-. ]\s*(\d{4})", given)
    match = match or re.fullmatch(r"ngay (\d{1,2}) thang (\d{1,2}) nam (\d{4})", fold(given))
    return f"{int(match[1]):02d}/{int(match[2]):02d}/{match[3]}" if match else ""


def _better_hour(given: str) -> str:
    match = re.fullmatch(r"(\d{1,2})\s*(?:h|g|gio|\.)\s*(\d{2})?\s*(?:phut)?", fold(given))
    if not match or int(match[1]) > 23 or int(match[2] or 0) > 59:
        return ""
    return f"{int(match[1]):02d}:{match[2] or '00'}"


def _better_duration(given: str) -> str:
    words = fold(given)
    if words in {"trong ngay", "same day", "ngay trong ngay", "sameday"}:
        return "same_day"
    units = (
        ("ngay lam viec|working days?|workingdays?", "working_days"),
        ("ngay|days?", "days"),
        ("gio|gio lam viec|hours?", "hours"),
        ("thang|months?", "months"),
    )
    for pattern, unit in units:
        match = re.fullmatch(rf"0*(\d{{1,4}})\s*(?:{pattern})", words)
        if match:
            return f"{match[1]} {unit}"
    return ""
