"""What the page of a procedure says, in the words of its readers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.fees import blocks_online_filing
from procedures.models import Agency, Channel, Fee, Procedure, Revision
from procedures.text import dong

WHO = {
    "reception": gettext_lazy("Bộ phận Tiếp nhận và Trả kết quả"),
    "case_officer": gettext_lazy("Công chức thụ lý"),
    "approver": gettext_lazy("Người ký duyệt"),
    "leader": gettext_lazy("Lãnh đạo"),
    "citizen": gettext_lazy("Công dân"),
    "cashier": gettext_lazy("Thu ngân"),
}
GIVE_BY = {
    "online": gettext_lazy("trực tuyến"),
    "counter": gettext_lazy("tại Bộ phận Tiếp nhận và Trả kết quả"),
    "post": gettext_lazy("qua bưu chính công ích"),
}
_UNITS = {
    "hour": gettext_lazy("giờ làm việc"),
    "working_day": gettext_lazy("ngày làm việc"),
    "day": gettext_lazy("ngày"),
    "month": gettext_lazy("tháng"),
}


def page_context(procedure: Procedure) -> dict[str, Any]:
    """The context of `procedures/detail.html`; the rows were loaded by `for_page()`."""
    revision = procedure.current
    redirects = revision.definition.get("redirect", [])
    return {
        "procedure": procedure,
        "revision": revision,
        "channels": [_channel(row, revision) for row in revision.channels.all()],
        "documents": list(revision.documents.all()),
        "steps": [_step(row) for row in revision.steps],
        "result": _result(revision),
        "legal_bases": list(revision.legal_bases.all()),
        "offices": list(
            Agency.objects.filter(tier=revision.tier, is_active=True).select_related("reception")
        ),
        "can_file_online": not closed_reason(revision),
        "closed_reason": closed_reason(revision),
        "on_time": (revision.definition.get("on_time") or {}).get("text", ""),
        "redirects": _linked(redirects),
        "offers": _linked(revision.definition.get("offer", [])),
        "only_at_counter": [row["text"] for row in revision.definition.get("stop_online", [])],
        "trips": revision.definition.get("trips"),
        "level": revision.level_text,
    }


def closed_reason(revision: Revision) -> str:
    """Why this procedure cannot be filed online here; "" when it can."""
    if revision.service_level < 3:
        return _("Thủ tục này chưa nhận hồ sơ trực tuyến; mời ông/bà nộp tại cơ quan.")
    fee = blocks_online_filing(revision)
    if fee is None:
        return ""
    return _(
        "Tạm thời chưa nhận hồ sơ trực tuyến vì mức thu “%(fee)s” chưa được xác nhận; "
        "ông/bà vẫn nộp được tại cơ quan."
    ) % {"fee": fee.name}


def _channel(channel: Channel, revision: Revision) -> dict[str, Any]:
    fees = [
        _fee(fee)
        for fee in revision.fees.all()
        if not fee.channels.all() or channel in fee.channels.all()
    ]
    return {
        "kind": channel.get_kind_display(),
        "time_text": channel.time_text,
        "note": channel.note,
        "fees": fees,
    }


def _fee(fee: Fee) -> dict[str, Any]:
    return {
        "name": fee.name,
        "text": fee_text(fee),
        "source": fee.source,
        "is_conditional": bool(fee.when),
        "due": fee.get_due_display(),
        "exemptions": list(fee.exemptions.values()),
        "exemption_law": fee.exemption_law,
    }


def fee_text(fee: Fee) -> str:
    """`8.000 đồng/bản sao`; an amount that nobody checked is "tạm tính", never a fact."""
    parts = [f"{case['label']}: {_amount_text(case['amount'])}" for case in fee.alternatives]
    if fee.tiers:
        parts.append(_tiers_text(fee))
    elif fee.amount is not None or not parts:
        parts.append(_amount_text(fee.amount, fee.unit))
    text = "; ".join(parts)
    if fee.is_confirmed or not any(char.isdigit() for char in text):
        return text
    return _("%(amount)s (tạm tính)") % {"amount": text}


def _amount_text(amount: int | None, unit: str = "") -> str:
    if amount is None:
        return _("Chưa xác định (tạm tính); cơ quan sẽ thông báo")
    return f"{dong(amount)}/{unit}" if unit else dong(amount)


def _tiers_text(fee: Fee) -> str:
    """`trang 1–2: 2.000 đồng; từ trang 3: 1.000 đồng; nhiều nhất 200.000 đồng`."""
    parts, first = [], 1
    for tier in fee.tiers:
        last = tier["up_to"]
        where = (
            _("từ %(unit)s thứ %(first)d") % {"unit": fee.unit, "first": first}
            if last is None
            else _("%(unit)s thứ %(first)d đến %(last)d")
            % {"unit": fee.unit, "first": first, "last": last}
        )
        parts.append(f"{where}: {dong(tier['amount'])}")
        first = (last or 0) + 1
    if fee.cap is not None:
        parts.append(_("nhiều nhất %(cap)s") % {"cap": dong(fee.cap)})
    return "; ".join(parts)


def _step(step: dict) -> dict[str, Any]:
    return {
        "name": step["name"],
        "who_text": WHO[step["who"]],
        "budget_text": _budget(step.get("budget", "")),
    }


def _budget(text: str) -> str:
    if not text:
        return ""
    if text == "same_day":
        return _("trong ngày")
    if text == "text":
        return ""
    amount, unit = text.split(" ")
    return f"{amount} {_UNITS[unit.rstrip('s')]}"


def _result(revision: Revision) -> dict[str, Any]:
    ways = [str(GIVE_BY[way]) for way in revision.result.get("give_by", ["counter"])]
    return {"name": revision.result["name"], "give_by_text": ", ".join(ways)}


def _linked(rows: list[dict]) -> list[dict[str, Any]]:
    procedures = {
        row.code: row
        for row in Procedure.objects.filter(
            code__in=[row["to"] for row in rows], current__isnull=False
        )
    }
    return [
        {
            "text": row["text"],
            "code": row["to"],
            "url": procedures[row["to"]].get_absolute_url() if row["to"] in procedures else "",
        }
        for row in rows
    ]
