"""Where a new procedure file begins: the national catalogue, or a procedure that is like it.

Everything that is known is filled in; what somebody still has to decide or to write carries
the mark `CẦN SỬA`, and a file that has one left cannot be published.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from django.utils.translation import gettext as _

from procedures.loading.schema import ProcedureSpec
from procedures.loading.sheets import MARK, make_key
from procedures.text import in_vietnamese

# What a file from the national catalogue keeps; the rest is the office's own.
_FACTS = (
    "code", "name", "short_name", "keywords", "field", "audience", "conditions", "decision",
    "office", "channels", "fees", "documents", "steps_text", "result", "legal_basis",
)  # fmt: skip


@in_vietnamese
def from_national(facts: dict[str, Any]) -> dict[str, Any]:
    """A definition to work on, from what the national catalogue says of a procedure.

    It is of level 1, with the beginnings of a form for whoever wants level 2.
    """
    started = {key: copy.deepcopy(facts[key]) for key in _FACTS if key in facts}
    started |= {
        "short_name": _marked(facts["short_name"]),
        "also_called": [_marked(_("người dân hay gọi thủ tục này là gì"))],
        "summary": _marked(_("một câu nói thủ tục này để làm gì, bằng lời thường ngày")),
        "effective_from": _marked(_("ngày bắt đầu áp dụng, dạng 01/12/2026")),
        "service_level": 1,
        "online": "none",
        "filing_place": "national_portal",
    }
    for fee in started.get("fees", []):
        fee["source"] = _marked(_("văn bản quy định mức thu"))
    _name_documents(started.get("documents", []))
    started["steps"] = _first_steps()
    started["result"] = {
        **started.get("result", {}),
        "made_in": _marked(_("hệ thống lập kết quả; ghi portal nếu cổng này lập")),
    }
    started["form"] = _first_form()
    return _in_order(started)


@in_vietnamese
def from_similar(
    definition: dict[str, Any], code: str, facts: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A definition for `code`, with the form and the texts of a procedure that is like it.

    What the national catalogue says of `code` (`facts`) takes the place of the other's facts;
    without it they stay, marked where they cannot be right.
    """
    started = copy.deepcopy(definition)
    if facts:
        national = from_national(facts)
        started = {**started, **{key: national[key] for key in _FACTS if key in national}}
        started |= {key: national[key] for key in ("summary", "also_called", "effective_from")}
        started["steps"] = definition.get("steps", [])
        started.pop("steps_text", None)
        return _in_order(started)
    return started | {
        "code": code,
        "name": _marked(definition["name"]),
        "short_name": _marked(definition["short_name"]),
        "decision": _marked(definition.get("decision", "")),
        "effective_from": _marked(_("ngày bắt đầu áp dụng, dạng 01/12/2026")),
    }


def _in_order(definition: dict[str, Any]) -> dict[str, Any]:
    """The keys as the guide and every other file have them."""
    return {key: definition[key] for key in ProcedureSpec.model_fields if key in definition}


def _marked(text: str) -> str:
    return f"{MARK}: {text}"


def _name_documents(documents: list[dict[str, Any]]) -> None:
    """Codes that say which paper is meant, in place of the catalogue's numbers."""
    taken: set[str] = set()
    for row in documents:
        words = " ".join(re.split(r"[\s,;:(]+", row["name"])[:5])
        key = base = make_key(words)[:36].strip("_") or "giay_to"
        number = 2
        while key in taken:
            key, number = f"{base}_{number}", number + 1
        taken.add(key)
        row["id"] = key


def _first_steps() -> list[dict[str, Any]]:
    return [
        {"id": "tiep_nhan", "name": _("Kiểm tra và tiếp nhận hồ sơ"), "who": "reception",
         "budget": "2 hours"},
        {"id": "tham_tra", "name": _marked(_("Thẩm tra hồ sơ")), "who": "case_officer"},
        {"id": "ky", "name": _("Ký kết quả"), "who": "approver"},
        {"id": "tra", "name": _("Trả kết quả"), "who": "reception"},
    ]  # fmt: skip


def _first_form() -> list[dict[str, Any]]:
    oath = _(
        "Tôi cam đoan nội dung khai là đúng sự thật và chịu trách nhiệm trước pháp luật "
        "về lời khai của mình."
    )
    return [
        {"section": "nguoi_nop", "title": _("Người nộp hồ sơ"), "prefill": "profile",
         "fields": [{"id": "nguoi", "use": "nhan_than_lien_he"}]},
        {"section": "noi_dung", "title": _marked(_("Nội dung đề nghị")), "fields": [
            {"id": "de_nghi", "type": "long_text", "label": _marked(_("câu hỏi của mẫu đơn"))}]},
        {"section": "cam_doan", "title": _("Cam đoan"), "fields": [
            {"id": "dong_y", "type": "declaration", "text": oath}]},
    ]  # fmt: skip
