"""What the page of a procedure says, in the words of its readers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.fees import WAIVED, Exemption, blocks_online_filing, exemptions
from procedures.filingplace import national_url, only_national, portal_office
from procedures.formspec.inwords import in_words
from procedures.models import Agency, Channel, Fee, Procedure, RequiredDocument, Revision
from procedures.text import dong, fold

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
ORIGINAL_DUE = {
    "before_result": gettext_lazy("bản chính nộp khi đến nhận kết quả"),
    "with_filing": gettext_lazy("bản chính nộp cùng hồ sơ"),
}
_UNITS = {
    "hour": gettext_lazy("giờ làm việc"),
    "working_day": gettext_lazy("ngày làm việc"),
    "day": gettext_lazy("ngày"),
    "month": gettext_lazy("tháng"),
}
_OFFICES = {
    "handled_by": gettext_lazy("Cơ quan thực hiện"),
    "authority": gettext_lazy("Cơ quan có thẩm quyền"),
    "address": gettext_lazy("Địa chỉ tiếp nhận hồ sơ"),
    "delegated": gettext_lazy("Cơ quan được ủy quyền"),
    "coordinating": gettext_lazy("Cơ quan phối hợp"),
}
# What the national catalogue writes where there is nothing to say.
_NOTHING = {
    "khong", "khong co", "khong quy dinh", "khong co thong tin", "chua co thong tin",
    "khong co yeu cau", "khong yeu cau", "-",
}  # fmt: skip
# Texts that would push everything else off a phone are folded.
LONG_TEXT, LONG_PAPERS, LONG_CASE, LONG_NOTE = 900, 2500, 160, 320
MIN_SHARED = 40

# A list whose line ends were lost on the way: `…: - Thời hạn …; - Thời hạn …`.
_INLINE_MARK = re.compile(r"(?<=[;:.])\s+(?=[-+*•]\s+\w)")


def page_context(procedure: Procedure) -> dict[str, Any]:
    """The context of `procedures/detail.html`; the rows were loaded by `for_page()`."""
    revision = procedure.current
    context: dict[str, Any] = {"procedure": procedure, "revision": revision}
    context |= _ways_and_fees(revision) | _papers(revision) | _texts(revision)
    context |= _offices_and_filing(revision, procedure.code) | _other_procedures(revision)
    folded = ("are_papers_long", "are_conditions_long", "is_steps_text_long", "has_long_notes")
    context["is_folded"] = any(context[name] for name in folded)
    return context


def _ways_and_fees(revision: Revision) -> dict[str, Any]:
    ways = channel_groups(revision)
    notes = [row for way in ways for row in [*way["times"], *way["fees"]]]
    return {
        "facts": _facts(revision, ways),
        "channels": ways,
        "times": ways[0]["times"] if _same(ways, "times") else None,
        "fees": ways[0]["fees"] if _same(ways, "fees") else None,
        "no_fee": no_fee_text(revision),
        "has_long_notes": any(row.get("long_case") or row["note_start"] for row in notes),
    }


def _papers(revision: Revision) -> dict[str, Any]:
    groups = document_groups(revision)
    return {
        "document_groups": groups,
        "are_papers_long": sum(group["length"] for group in groups) > LONG_PAPERS,
        "documents": list(revision.documents.all()),
    }


def _texts(revision: Revision) -> dict[str, Any]:
    definition = revision.definition
    conditions = _said(revision.conditions)
    steps_text = prose(definition.get("steps_text") or "")
    return {
        "audience": prose("\n".join(f"- {text}" for text in revision.audience)),
        "conditions": conditions,
        "are_conditions_long": sum(map(length_of, conditions)) > LONG_TEXT,
        "steps": [_step(row) for row in revision.steps],
        "steps_text": steps_text,
        "is_steps_text_long": length_of(steps_text) > LONG_TEXT,
        "result": _result(revision),
        "legal_bases": definition.get("legal_basis", []),
        "on_time": (definition.get("on_time") or {}).get("text", ""),
        "only_at_counter": [row["text"] for row in definition.get("stop_online", [])],
        "trips": definition.get("trips"),
    }


def _offices_and_filing(revision: Revision, code: str) -> dict[str, Any]:
    """The offices of its tier and the portal's own, in one query, and where to file."""
    agencies = list(
        Agency.objects.filter(Q(tier=revision.tier) | Q(parent=None), is_active=True)
        .select_related("reception")
        .order_by("pk")
    )
    office = next((row for row in agencies if row.parent_id is None), None)
    reason = closed_reason(revision, office=office)
    its_own = [row for row in agencies if row.tier == revision.tier]
    return {
        "offices": sorted(its_own, key=lambda row: row.name),
        "office_texts": office_texts(revision),
        "can_file_online": not reason,
        "closed_reason": reason,
        "is_only_national": only_national(revision, office),
        "is_national_online": takes_online_nationally(revision),
        "national_url": national_url(code),
    }


def _other_procedures(revision: Revision) -> dict[str, Any]:
    redirects = revision.definition.get("redirect", [])
    linked = linked_procedures([*redirects, *revision.definition.get("offer", [])])
    return {"redirects": linked[: len(redirects)], "offers": linked[len(redirects) :]}


def closed_reason(revision: Revision, *, office: Agency | None = None) -> str:
    """Why this procedure cannot be filed online here; "" when it can.

    `office` is the one whose portal this is, where the caller has read it already.
    """
    # Of a revision that another one replaced a draft is brought to that one first.
    superseded = revision.status == Revision.Status.SUPERSEDED
    if superseded and revision.procedure.current_id is None:
        return _("Thủ tục này không còn được áp dụng.")
    if revision.service_level < 3:
        if takes_online_nationally(revision):
            return _("Cổng này chưa nhận hồ sơ trực tuyến của thủ tục này.")
        return _("Thủ tục này chưa nhận hồ sơ trực tuyến; mời ông/bà nộp tại cơ quan.")
    if revision.filing_place == Revision.FilingPlace.NATIONAL and only_national(
        revision, office or portal_office()
    ):
        return _(
            "Từ ngày 1/7/2025, hồ sơ trực tuyến của thủ tục này nộp ở Cổng Dịch vụ công quốc gia. "
            "Nộp ở đây sẽ không được giải quyết, nên cổng này không nhận."
        )
    fee = blocks_online_filing(revision)
    if fee is None:
        return ""
    return _(
        "Tạm thời chưa nhận hồ sơ trực tuyến vì mức thu “%(fee)s” chưa được xác nhận; "
        "ông/bà vẫn nộp được tại cơ quan."
    ) % {"fee": fee.name}


def takes_online_nationally(revision: Revision) -> bool:
    """Whether the national portal is a place to file: where nothing is filed online, none is."""
    if revision.filing_place != Revision.FilingPlace.NATIONAL:
        return False
    return any(row.kind == Channel.Kind.ONLINE for row in revision.channels.all())


# --- Ways to file, and their time -------------------------------------------------------


def channel_groups(revision: Revision) -> list[dict[str, Any]]:
    """The ways to file, one for each kind: its times by case, and what it costs."""
    kinds: dict[str, list[Channel]] = {}
    for row in revision.channels.all():
        kinds.setdefault(row.kind, []).append(row)
    return [_channel_group(kind, rows, revision) for kind, rows in kinds.items()]


def _channel_group(kind: str, rows: list[Channel], revision: Revision) -> dict[str, Any]:
    times = [_time(row) for row in rows]
    return {
        "key": kind,
        "kind": rows[0].get_kind_display(),
        "times": times,
        "time_text": "; ".join(dict.fromkeys(time["text"] for time in times)),
        "fees": [fee_context(fee, revision) for fee in fees_of(revision, kind)],
    }


def fees_of(revision: Revision, kind: str) -> list[Fee]:
    """The charges of one way to file; one without channels is asked on every way."""
    return [fee for fee in revision.fees.all() if fee.is_asked_on(kind)]


def _same(ways: list[dict[str, Any]], key: str) -> bool:
    """Whether every way to file says the same of this, so that it is said once."""
    return bool(ways) and all(way[key] == ways[0][key] for way in ways)


def _time(channel: Channel) -> dict[str, Any]:
    text, note = channel_time(channel), channel.note.strip()
    if _is_in_words(channel) and note and len(note) <= 160:
        text, note = note, ""
    return {
        "case": channel.case,
        "long_case": prose(channel.case) if len(channel.case) > LONG_CASE else [],
        "text": text,
        **note_context(note),
    }


def channel_time(channel: Channel) -> str:
    """The time of a channel as the office would say it; never a nought.

    The national catalogue writes 0 where the time is told in the steps (DESIGN.md, traps).
    """
    if not _is_in_words(channel):
        return channel.time_text
    return _("Theo nội dung ghi ở trình tự thực hiện")


def _is_in_words(channel: Channel) -> bool:
    same_day = channel.unit == Channel.Unit.SAME_DAY
    return not same_day and (channel.unit == Channel.Unit.TEXT or not channel.amount)


# --- Fees -------------------------------------------------------------------------------


def fee_context(fee: Fee, revision: Revision) -> dict[str, Any]:
    """One charge for a page: name, amount in words, when it is asked, who is exempt."""
    return {
        "name": fee.name,
        "text": fee_text(fee),
        **note_context(fee.note if fold(fee.note) != fold(fee.name) else ""),
        "source": fee.source,
        "when": in_words(fee.when, revision.form) if fee.when else "",
        "is_conditional": bool(fee.when),
        "due": fee.get_due_display(),
        "exemptions": [_exemption_words(row, fee) for row in exemptions(fee)],
        "exemption_law": fee.exemption_law,
    }


def _exemption_words(row: Exemption, fee: Fee) -> str:
    text = exemption_text(row.label, row.percent, row.automatic)
    return text if row.law == fee.exemption_law else f"{text} ({row.law})"


def exemption_text(label: str, percent: int = WAIVED, automatic: str = "") -> str:
    """`Hộ cận nghèo: giảm 50%`; of one that waives, the label alone."""
    text = label
    if percent != WAIVED:
        text = _("%(label)s: giảm %(percent)d%%") % {"label": label, "percent": percent}
    return _("%(text)s, không phải đề nghị") % {"text": text} if automatic else text


def note_context(note: str) -> dict[str, Any]:
    """A note as prose, and whether it is so long that it is folded."""
    is_long = len(note) > LONG_NOTE
    return {"note": prose(note), "note_start": " ".join(note.split())[:90] if is_long else ""}


def fee_text(fee: Fee) -> str:
    """`8.000 đồng/bản sao`; an amount that nobody checked is "tạm tính", never a fact."""
    parts = [f"{case['label']}: {_amount_text(case['amount'], fee)}" for case in fee.alternatives]
    if fee.tiers:
        parts.append(_tiers_text(fee))
    elif fee.amount is not None or not parts:
        text = _amount_text(fee.amount, fee, fee.unit)
        parts.append(_("trường hợp khác: %(amount)s") % {"amount": text} if parts else text)
    text = "; ".join(parts)
    if fee.is_confirmed or not any(char.isdigit() for char in text):
        return text
    return _("%(amount)s (tạm tính)") % {"amount": text}


def _amount_text(amount: int | None, fee: Fee, unit: str = "") -> str:
    # An unchecked nought of the national catalogue means "read the text", not "free".
    if amount is None or (amount == 0 and not fee.is_confirmed):
        return _("Chưa xác định (tạm tính); cơ quan sẽ thông báo")
    if amount == 0:
        return _("Không thu")
    return f"{dong(amount)}/{unit}" if unit else dong(amount)


def _tiers_text(fee: Fee) -> str:
    """`trang 1–2: 2.000 đồng; từ trang 3: 1.000 đồng; nhiều nhất 200.000 đồng`."""
    parts, first = [], 1
    for tier in fee.tiers:
        last = tier.get("up_to")
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


def no_fee_text(revision: Revision) -> str:
    """What to say where no charge is listed: the office knows, the national catalogue may not."""
    if revision.origin == Revision.Origin.NATIONAL:
        return _("Danh mục quốc gia không ghi khoản thu nào; xin hỏi cơ quan trước khi nộp.")
    return _("Không thu")


# --- The short facts on top -------------------------------------------------------------


def _facts(revision: Revision, ways: list[dict[str, Any]]) -> dict[str, str]:
    return {
        "time": _time_fact(ways),
        "fee": _fee_fact(revision),
        "ways": ", ".join(str(way["kind"]) for way in ways),
        "papers": _papers_fact(revision),
    }


def _time_fact(ways: list[dict[str, Any]]) -> str:
    texts = list(dict.fromkeys(time["text"] for way in ways for time in way["times"]))
    if len(texts) == 1 and len(texts[0]) <= 80:
        return texts[0]
    one_each = all(len(way["times"]) == 1 and len(way["time_text"]) <= 40 for way in ways)
    if ways and one_each:
        return "; ".join(f"{way['kind']}: {way['time_text']}" for way in ways)
    return _("Tùy trường hợp, xem ở dưới") if ways else ""


def _fee_fact(revision: Revision) -> str:
    fees = list(revision.fees.all())
    if not fees:
        return no_fee_text(revision)
    if all(fee.when for fee in fees):
        return _("Không thu, trừ một số trường hợp ghi ở dưới")
    if len(fees) == 1 and len(fee_text(fees[0])) <= 100:
        return fee_text(fees[0])
    amounts = [fee.amount for fee in fees if fee.amount and not fee.tiers and not fee.alternatives]
    if len(amounts) < len(fees):
        return _("Tùy trường hợp, xem ở dưới")
    low, high = dong(min(amounts)), dong(max(amounts))
    words = {"low": low, "high": high}
    text = _("Từ %(low)s đến %(high)s, tùy trường hợp") if low != high else _("%(low)s mỗi khoản")
    if all(fee.is_confirmed for fee in fees):
        return text % words
    return _("%(amount)s (tạm tính)") % {"amount": text % words}


def _papers_fact(revision: Revision) -> str:
    rows = [row for row in revision.documents.all() if row.how != RequiredDocument.How.REMARK]
    depends = sum(bool(row.when or row.group or row.is_optional) for row in rows)
    if not rows:
        return _("Không phải nộp giấy tờ nào")
    if not depends:
        return _("%(count)d loại") % {"count": len(rows)}
    if depends == len(rows):
        return _("Tùy trường hợp, xem ở dưới")
    return _("%(count)d loại, trong đó %(depends)d loại tùy trường hợp") % {
        "count": len(rows), "depends": depends,
    }  # fmt: skip


# --- Papers -----------------------------------------------------------------------------


def document_groups(revision: Revision) -> list[dict[str, Any]]:
    """The papers by the case they belong to, in order; remarks stand apart in their group."""
    groups: dict[str, dict[str, Any]] = {}
    for row in revision.documents.all():
        group = groups.setdefault(
            row.group, {"name": row.group, "papers": [], "remarks": [], "length": 0}
        )
        if row.how == RequiredDocument.How.REMARK:
            group["remarks"].append(prose(row.name))
        else:
            group["papers"].append(_document(row, revision))
        group["length"] += len(row.name) + 60
    found = list(groups.values())
    shorten_names(found)
    return found


def shorten_names(groups: list[dict[str, Any]]) -> None:
    """Give each group a `short` name, without the words with which all of them begin."""
    shared = _shared_beginning([group["name"] for group in groups if group["name"]])
    for group in groups:
        rest = group["name"].removeprefix(shared)
        group["short"] = f"… {rest}" if shared and group["name"] else group["name"]


def _shared_beginning(names: list[str]) -> str:
    words = itertools.takewhile(
        lambda column: len(set(column)) == 1,
        zip(*(name.split(" ") for name in names), strict=False),
    )
    shared = "".join(f"{column[0]} " for column in words)
    return shared if len(names) > 1 and len(shared) >= MIN_SHARED else ""


def paper_name(name: str) -> str:
    """The name of a paper without the mark that its list in a decree ended it with (`…;`)."""
    return name if name.endswith(("...", "…")) else name.rstrip(" ;,.")


def _document(row: RequiredDocument, revision: Revision) -> dict[str, Any]:
    return {
        "name": paper_name(row.name),
        "is_long": len(row.name) > 160,
        "how": row.get_how_display(),
        "originals": row.originals,
        "copies": row.copies,
        "is_optional": row.is_optional,
        "when": in_words(row.when, revision.form) if row.when else "",
        "original": ORIGINAL_DUE.get(row.original_due, "") if row.originals else "",
        "help": row.help,
        "note": row.note,
        "law": row.law,
    }


# --- Texts ------------------------------------------------------------------------------


def prose(text: str) -> list[dict[str, Any]]:
    """A text of many lines as paragraphs (`text`) and lists (`lines`), nothing lost."""
    blocks: list[dict[str, Any]] = []
    for line in _INLINE_MARK.sub("\n", text).splitlines():
        match = re.match(r"\s*[-+•*–]\s*(?=\S)", line)
        words = " ".join(line[match.end() :].split()) if match else " ".join(line.split())
        if not words:
            continue
        if match and blocks and "lines" in blocks[-1]:
            blocks[-1]["lines"].append(words)
        else:
            blocks.append({"lines": [words]} if match else {"text": words})
    return blocks


def length_of(blocks: Iterable[dict[str, Any]]) -> int:
    """How many characters the blocks of `prose` have."""
    return sum(
        len(block.get("text", "")) + sum(map(len, block.get("lines", []))) for block in blocks
    )


def _said(texts: list[str]) -> list[list[dict[str, Any]]]:
    """Each text as prose, without those that only say that there is nothing."""
    return [prose(text) for text in texts if fold(text).strip(" .") not in _NOTHING]


def office_texts(revision: Revision) -> list[dict[str, Any]]:
    """The offices as the decision of publication names them."""
    office = revision.definition.get("office") or {}
    return [
        {"label": label, "text": prose(office[key])}
        for key, label in _OFFICES.items()
        if fold(office.get(key) or "-").strip(" .") not in _NOTHING
    ]


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
    return {"name": prose(revision.result["name"]), "give_by_text": ", ".join(ways)}


def linked_procedures(rows: list[dict]) -> list[dict[str, Any]]:
    """The other procedures that rows lead `to`, with their addresses, in at most one query."""
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
