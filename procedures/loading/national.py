"""The national catalogue: JSON lines as its database publishes them, made into procedures.

What a row leaves open stays open: an amount of 0 is no "free", a time of "other" is no zero
days, and an amount of 25 is some other currency. The words beside such a number are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from procedures.loading.schema import ProcedureSpec
from procedures.text import in_vietnamese

TIERS = {"Cấp Xã": "commune", "Cấp Tỉnh": "province", "Cấp Bộ/Trung ương": "ministry"}
OTHER_TIER = "other"
# Less than this in đồng is another currency, a percentage, or a slip of the pen.
LEAST_FEE = 1000
# Up to a working day, an hour of the clock and an hour of work are the same hour.
HOURS_OF_A_DAY = 8
SHORT_NAME_LENGTH = 200

_USUAL_CODE = re.compile(r"[1-9]\.\d{6}")
_UNIT_WORDS = {"working_day": "ngày làm việc", "day": "ngày", "hour": "giờ", "month": "tháng"}


class NationalRow(NamedTuple):
    """One row: what it says, or why it cannot be used, and what a reader should know of it."""

    code: str
    spec: ProcedureSpec | None
    faults: list[str]
    warnings: list[str]


# --- A row as it is published ---------------------------------------------------------


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


_Number = Annotated[int, pydantic.Field(ge=0)]
_Duration = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]
_Required = Annotated[str, pydantic.Field(min_length=1, pattern=r"\S")]


class _Fee(_Part):
    amount: _Number | None = None
    note: str = ""


class _Channel(_Part):
    channel: Literal["online", "direct", "postal"]
    duration: _Duration | None = None
    unit: Literal["working_day", "day", "hour", "month", "other"] = "other"
    duration_text: str = ""
    fee_text: str = ""
    note: str = ""
    fees: list[_Fee] = []


class _Document(_Part):
    group: str = ""
    name: str = ""
    originals: _Number = 0
    copies: _Number = 0


class _Law(_Part):
    title: str = ""
    number: str | None = None


class _Row(_Part):
    code: _Required
    name: _Required
    field: _Required
    decision: str = ""
    level: str = ""
    steps: str = ""
    conditions: str = ""
    results: str = ""
    keywords: str = ""
    description: str = ""
    channels: list[_Channel] = []
    documents: list[_Document] = []
    audience: list[str] = []
    agency: str = ""
    authority: str = ""
    address: str = ""
    delegated: str = ""
    coordinating: str = ""
    legal_basis: list[_Law] = []


@in_vietnamese
def read_row(line: bytes | str) -> NationalRow:
    """The procedure in one line of JSON; a broken one comes back with its faults."""
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        return NationalRow("", None, _sentences(error), [])
    try:
        spec = ProcedureSpec.model_validate(_definition(row))
    except ValidationError as error:
        return NationalRow(row.code, None, _sentences(error), [])
    return NationalRow(spec.code, spec, [], list(_warnings(row, spec)))


def _sentences(error: ValidationError) -> list[str]:
    return [_sentence(detail) for detail in error.errors(include_url=False)]


def _sentence(detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    given, kind = str(detail.get("input", ""))[:60], detail["type"]
    sentences = {
        "json_invalid": _("Dòng này không phải JSON đọc được."),
        "model_type": _("Dòng này phải gồm các cặp khóa và giá trị."),
        "missing": _("Thiếu khóa “%(key)s”."),
        "string_too_short": _("“%(key)s” đang để trống."),
        "string_too_long": _("“%(key)s” dài quá mức cho phép."),
        "greater_than_equal": _("“%(key)s: %(given)s” không được là số âm."),
        "less_than_equal": _("“%(key)s: %(given)s” lớn quá mức cho phép."),
        "literal_error": _("“%(key)s: %(given)s” không dùng được; chỉ nhận %(expected)s."),
        "string_pattern_mismatch": _("“%(key)s: %(given)s” chưa đúng dạng."),
    }
    if kind in {"too_short", "too_long"}:
        kind = f"string_{kind}"
    if kind == "string_pattern_mismatch" and not given.strip():
        kind = "string_too_short"
    if kind == "model_type" and key:
        kind = ""
    expected = (detail.get("ctx") or {}).get("expected", "").replace(" or ", ", ").replace("'", "")
    text = sentences.get(kind, _("“%(key)s: %(given)s” sai kiểu dữ liệu."))
    return text % {"key": key, "given": given, "expected": expected}


# --- What a row means -----------------------------------------------------------------


def _definition(row: _Row) -> dict[str, Any]:
    """The row with our keys; what it leaves empty is left out."""
    name = row.name.strip()
    source = row.decision.strip() or "Cơ sở dữ liệu quốc gia về thủ tục hành chính"
    conditions = _lines(row.conditions)
    given = {
        "code": row.code.strip(),
        "name": name,
        "short_name": short_name(name),
        "summary": "" if conditions else row.description.strip(),
        "field": row.field.strip(),
        "keywords": _lines(row.keywords),
        "audience": _audience(row.audience),
        "conditions": conditions,
        "decision": row.decision.strip(),
        "service_level": 1,
        "filing_place": "national_portal",
        "office": _office(row),
        "channels": _channels(row.channels),
        "fees": _fees(row.channels, source=source[:200]),
        "documents": _documents(row.documents),
        "steps_text": row.steps.strip(),
        "result": {"name": row.results.strip() or _("Kết quả ghi trong quyết định công bố")},
        "legal_basis": [_without_empty(law.model_dump()) for law in row.legal_basis if law.title],
    }
    return _without_empty(given)


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.strip() if isinstance(value, str) else value
        for key, value in values.items()
        if (value.strip() if isinstance(value, str) else value) not in ("", None, [])
    }


def short_name(name: str) -> str:
    """A name for headings: without its leading "Thủ tục", at most 200 characters, whole words."""
    bare = re.sub(r"^thủ\s+tục[\s:]+", "", " ".join(name.split()), flags=re.IGNORECASE) or name
    bare = bare[0].upper() + bare[1:]
    if len(bare) <= SHORT_NAME_LENGTH:
        return bare
    cut = bare[: SHORT_NAME_LENGTH - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:-–(") + "…"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _audience(parts: list[str]) -> list[str]:
    """Who may ask, with what was split at a comma inside brackets put together again."""
    whole: list[str] = []
    for part in (part.strip() for part in parts):
        if whole and whole[-1].count("(") > whole[-1].count(")"):
            whole[-1] = f"{whole[-1]}, {part}"
        elif part:
            whole.append(part)
    return list(dict.fromkeys(whole))


def _office(row: _Row) -> dict[str, str]:
    return _without_empty(
        {
            "tier": TIERS.get(row.level.strip(), OTHER_TIER),
            "handled_by": row.agency,
            "authority": row.authority,
            "address": row.address,
            "delegated": row.delegated,
            "coordinating": row.coordinating,
        }
    )


def _channels(channels: list[_Channel]) -> list[dict[str, str]]:
    """Every channel in its order; of several of one kind each says its case."""
    kinds = [channel.channel for channel in channels]
    return [_channel(row, is_one_of_several=kinds.count(row.channel) > 1) for row in channels]


def _channel(row: _Channel, *, is_one_of_several: bool) -> dict[str, str]:
    time, words = _time(row)
    case = _case(row) if is_one_of_several else ""
    notes = [words, row.duration_text.strip(), row.note.strip()]
    note = "\n".join(dict.fromkeys(text for text in notes if text and text != case))
    return _without_empty({"type": row.channel, "case": case, "time": time, "note": note})


def _case(row: _Channel) -> str:
    return row.note.strip() or row.duration_text.strip()


def _time(row: _Channel) -> tuple[str, str]:
    """The time as the schema has it, and as words where the number alone would mislead."""
    amount, unit = row.duration, row.unit
    if not amount or unit == "other":
        return "text", ""
    if unit == "working_day" and amount < 1 and (amount * HOURS_OF_A_DAY).is_integer():
        return f"{int(amount * HOURS_OF_A_DAY)} hours", ""
    is_plain = amount.is_integer() and amount <= 9999
    if is_plain and not (unit == "hour" and amount > HOURS_OF_A_DAY):
        return f"{int(amount)} {unit}s", ""
    return "text", f"{amount:g} {_UNIT_WORDS[unit]}".replace(".", ",")


def _fees(channels: list[_Channel], *, source: str) -> list[dict[str, Any]]:
    """Each charge once, with the kinds of channel on which it is asked (none: all of them)."""
    asked: dict[tuple[int | None, str], list[_Channel]] = {}
    for channel in channels:
        for charge in _charges(channel, channels):
            asked.setdefault(charge, []).append(channel)
    kinds = {channel.channel for channel in channels}
    fees = []
    for number, ((amount, note), where) in enumerate(asked.items(), start=1):
        own = list(dict.fromkeys(channel.channel for channel in where))
        fee = {"id": f"phi_{number}", "name": _fee_name(note), "note": note, "amount": amount,
               "channels": [] if set(own) == kinds else own, "pay": "at_filing",
               "source": source}  # fmt: skip
        fees.append(_without_empty(fee))
    return fees


def _charges(channel: _Channel, channels: list[_Channel]) -> Iterator[tuple[int | None, str]]:
    """The charges of one channel: amount (None: unknown) and what is said of it."""
    case = _case_of_fees(channel, channels)
    for fee in channel.fees:
        yield _amount(fee.amount), "\n".join(filter(None, [fee.note.strip(), _odd(fee), case]))
    for words in dict.fromkeys(part.strip() for part in channel.fee_text.split("|")):
        if words:
            yield None, "\n".join(filter(None, [words, case]))


def _case_of_fees(channel: _Channel, channels: list[_Channel]) -> str:
    """The case of a channel, where another channel of its kind asks other charges."""
    likes = [row for row in channels if row.channel == channel.channel]
    differ = any((row.fees, row.fee_text) != (channel.fees, channel.fee_text) for row in likes)
    return _case(channel) if differ else ""


def _amount(amount: int | None) -> int | None:
    return amount if amount and amount >= LEAST_FEE else None


def _odd(fee: _Fee) -> str:
    if not fee.amount or fee.amount >= LEAST_FEE:
        return ""
    return _("Danh mục quốc gia ghi số %(amount)d, chưa rõ đơn vị tiền.") % {"amount": fee.amount}


def _fee_name(note: str) -> str:
    start = note.lstrip("-+*• ").lower()
    if start.startswith("lệ phí"):
        return _("Lệ phí")
    return _("Phí") if start.startswith("phí") else _("Phí, lệ phí")


def _documents(documents: list[_Document]) -> list[dict[str, Any]]:
    """The papers; an entry of which nobody hands in a copy is a remark about them."""
    papers = []
    for row in documents:
        name, group = row.name.strip(), row.group.strip()
        if not (name or group):
            continue
        how = "submit" if row.originals or row.copies else "remark"
        paper = {"id": f"giay_{len(papers) + 1}", "name": name or group,
                 "group": group if name else "", "how": how,
                 "originals": row.originals, "copies": row.copies}  # fmt: skip
        papers.append(_without_empty(paper))
    return papers


def _warnings(row: _Row, spec: ProcedureSpec) -> Iterator[str]:
    """What was loaded all the same, and somebody should look at."""
    if not _USUAL_CODE.fullmatch(spec.code):
        yield _("Mã thủ tục không theo dạng 1.234567: %(code)s.") % {"code": spec.code}
    if spec.decision is None:
        yield _("Không ghi quyết định công bố.")
    if row.level.strip() not in TIERS:
        yield _("Không rõ cấp giải quyết.")
    if len({channel.model_dump_json() for channel in row.channels}) < len(row.channels):
        yield _("Một cách thức thực hiện ghi hai lần.")
    if any(_odd(fee) for channel in row.channels for fee in channel.fees):
        yield _("Mức phí dưới 1.000 đồng: coi là chưa rõ.")
    if not all(paper.name.strip() or paper.group.strip() for paper in row.documents):
        yield _("Một giấy tờ không ghi tên: bỏ qua.")
    if any(channel.time == "text" and not channel.note for channel in spec.channels):
        yield _("Không ghi thời gian giải quyết.")
