"""What changed about a procedure and when, in words that a citizen understands."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from procedures.fees import WAIVED
from procedures.formspec.spec import Form
from procedures.models import CatalogueLoad, Channel, Fee, Procedure, RequiredDocument, Revision
from procedures.presenting import channel_time, exemption_text, fee_text
from procedures.text import lower_first

IN_FORCE = (Revision.Status.PUBLISHED, Revision.Status.SUPERSEDED)
# A text longer than this is told to have been rewritten, and shown in full only on demand.
_SHORT = 240
# More differences than a person reads: the office's own text in place of the national one.
_FEW = 25

# What only helps people find it, or orders the questions, changes nothing for who files.
_LABELS = {
    "name": gettext_lazy("Tên thủ tục"),
    "short_name": gettext_lazy("Tên gọi ngắn"),
    "summary": gettext_lazy("Để làm gì"),
    "field": gettext_lazy("Lĩnh vực"),
    "audience": gettext_lazy("Đối tượng thực hiện"),
    "conditions": gettext_lazy("Yêu cầu, điều kiện"),
    "decision": gettext_lazy("Quyết định công bố"),
    "effective_from": gettext_lazy("Ngày áp dụng"),
    "service_level": gettext_lazy("Mức độ"),
    "online": gettext_lazy("Nộp trực tuyến"),
    "partial_reason": gettext_lazy("Lý do chỉ trực tuyến một phần"),
    "filing_place": gettext_lazy("Nơi nộp chính thức"),
    "office": gettext_lazy("Cơ quan giải quyết"),
    "on_time": gettext_lazy("Hạn thực hiện"),
    "trips": gettext_lazy("Số lần đến cơ quan"),
    "redirect": gettext_lazy("Trường hợp làm thủ tục khác"),
    "offer": gettext_lazy("Thủ tục tiện hơn"),
    "stop_online": gettext_lazy("Trường hợp chỉ nộp tại cơ quan"),
    "channels": gettext_lazy("Cách nộp, thời hạn"),
    "supplement": gettext_lazy("Bổ sung hồ sơ"),
    "payment": gettext_lazy("Hạn nộp phí, lệ phí"),
    "tone": gettext_lazy("Giọng của thông báo"),
    "fees": gettext_lazy("Phí, lệ phí"),
    "documents": gettext_lazy("Giấy tờ"),
    "steps": gettext_lazy("Trình tự thực hiện"),
    "steps_text": gettext_lazy("Trình tự thực hiện"),
    "result": gettext_lazy("Kết quả"),
    "legal_basis": gettext_lazy("Căn cứ pháp lý"),
    "paper": gettext_lazy("Phần đầu của mẫu đơn"),
    "form": gettext_lazy("Mẫu đơn, tờ khai"),
}


@dataclass(frozen=True)
class Difference:
    """One thing that changed: `was` is "" for something new, `now` for something gone."""

    what: str
    was: str
    now: str

    @property
    def is_long(self) -> bool:
        """Whether the texts are too long to stand beside each other."""
        return len(self.was) > _SHORT or len(self.now) > _SHORT

    @property
    def phrase(self) -> str:
        """The change in a few words, for lists."""
        if not self.was:
            return _("thêm %(what)s") % {"what": lower_first(self.what)}
        if not self.now:
            return _("bỏ %(what)s") % {"what": lower_first(self.what)}
        return _("sửa %(what)s") % {"what": lower_first(self.what)}


@dataclass(frozen=True)
class Change:
    """One revision that came into force, and how it differs from the one before."""

    revision: Revision
    day: datetime.date | None
    is_first: bool
    differences: list[Difference]

    @property
    def phrase(self) -> str:
        """`sửa thời hạn trực tuyến; thêm giấy tờ “…”`: at most three, and how many more."""
        if self.is_first:
            return _("thủ tục mới có trên cổng")
        if self.is_rewritten:
            return _("cơ quan soạn lại trang này")
        counts = Counter(row.phrase for row in self.differences)
        phrases = [
            phrase if count == 1 else f"{phrase} ({count})" for phrase, count in counts.items()
        ]
        shown, more = "; ".join(phrases[:3]), len(phrases) - 3
        if more > 0:
            shown += _(" và %(count)d thay đổi khác") % {"count": more}
        return shown or _("sửa cách trình bày, nội dung giữ nguyên")

    @property
    def is_coming(self) -> bool:
        """Whether it is approved and waits for its day."""
        return self.revision.status == Revision.Status.SCHEDULED

    @property
    def is_rewritten(self) -> bool:
        """Whether hardly anything is as it was, so that the points are read only on demand."""
        return len(self.differences) > _FEW


# --- The revisions of one procedure, and of all -----------------------------------------


def changes_of(procedure: Procedure) -> list[Change]:
    """Every revision that was, is or is approved to be in force, the latest first, in one query."""
    statuses = (*IN_FORCE, Revision.Status.SCHEDULED)
    rows = list(procedure.revisions.filter(status__in=statuses).order_by("-number"))
    before: list[Revision | None] = [*rows[1:], None]
    return [_change(row, old) for row, old in zip(rows, before, strict=True)]


def recent() -> QuerySet[Revision]:
    """What changed lately, the latest first: all but the first coming of national procedures.

    A load of the whole country brings thousands of those on one day; `loads()` counts them.
    """
    return (
        Revision.objects.filter(
            Q(origin=Revision.Origin.OFFICE) | Q(number__gt=1), status__in=IN_FORCE
        )
        .select_related("procedure", "sector")
        .order_by("-published_at", "-pk")
    )


def with_differences(revisions: Iterable[Revision]) -> list[Change]:
    """The changes of a page of `recent()`, their predecessors read in one query."""
    revisions = list(revisions)
    by_number: dict[int, dict[int, Revision]] = {}
    for row in Revision.objects.filter(
        procedure__in=[row.procedure_id for row in revisions], status__in=IN_FORCE
    ).order_by("number"):
        by_number.setdefault(row.procedure_id, {})[row.number] = row
    changes = []
    for row in revisions:
        before = [n for n in by_number.get(row.procedure_id, {}) if n < row.number]
        old = by_number[row.procedure_id][max(before)] if before else None
        changes.append(_change(row, old))
    return changes


def loads(limit: int = 3) -> list[dict[str, Any]]:
    """The last comings of the national catalogue: `published_at`, and how many were new."""
    return list(
        CatalogueLoad.objects.filter(
            kind=CatalogueLoad.Kind.NATIONAL, state=CatalogueLoad.State.PUBLISHED
        )
        .values("published_at", count=F("report__outcomes__new"))
        .order_by("-published_at")[:limit]
    )


def _change(new: Revision, old: Revision | None) -> Change:
    # In force here since it was published, whatever earlier day the decision names.
    day = timezone.localdate(new.published_at) if new.published_at else new.effective_from
    found = differences(old.definition, new.definition) if old else []
    return Change(revision=new, day=day, is_first=old is None, differences=found)


# --- Two definitions --------------------------------------------------------------------


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """How `new` differs from `old` for somebody who files, in the order of the page."""
    found = []
    for key in _LABELS:
        if old.get(key) != new.get(key):
            compare = _COMPARED.get(key, _whole)
            found += compare(key, old.get(key), new.get(key))
    return [row for row in found if row.was != row.now]


def _whole(key: str, old: Any, new: Any) -> Iterator[Difference]:
    yield Difference(str(_LABELS[key]), _text(key, old), _text(key, new))


def _text(key: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return str(_DEFAULTS.get(key, ""))
    if key == "online":
        return str(Revision.Online(value).label)
    if key == "filing_place":
        return str(Revision.FilingPlace(value).label)
    if key == "effective_from":
        return datetime.date.fromisoformat(value).strftime("%d/%m/%Y")
    if key == "service_level":
        return _("Mức độ %(level)d") % {"level": value}
    if key == "trips":
        return str(value)
    return _said(value)


_DEFAULTS = {
    "online": Revision.Online.NONE.label,
    "filing_place": Revision.FilingPlace.PORTAL.label,
}


def _said(value: Any) -> str:
    """The texts in a value, without its keys: those are for the people who write files."""
    if isinstance(value, dict):
        texts = [_said(value[key]) for key in ("name", "text", "choose", "title") if key in value]
        return "; ".join(filter(None, texts)) or _("có thay đổi")
    if isinstance(value, list):
        return "; ".join(filter(None, (_said(row) for row in value)))
    return str(value)


def _list(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    """Lines that came and lines that went."""
    label = str(_LABELS[key])
    lines_before = [_said(row) for row in old or []]
    lines_now = [_said(row) for row in new or []]
    for line in lines_before:
        if line not in lines_now:
            yield Difference(label, line, "")
    for line in lines_now:
        if line not in lines_before:
            yield Difference(label, "", line)


def _laws(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    def lines(rows: list | None) -> list[str]:
        return [f"{row.get('number') or ''} {row['title']}".strip() for row in rows or []]

    return _list(key, lines(old), lines(new))


def _by_id(rows: list[dict] | None, name: str = "id") -> dict[str, dict]:
    return {row[name]: row for row in rows or []}


def _channels(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    def named(rows: list | None) -> dict[tuple[str, str], dict]:
        return {(row["type"], row.get("case") or ""): row for row in rows or []}

    before, now = named(old), named(new)
    for kind, case in {**before, **now}:
        label = _("Thời hạn khi nộp %(way)s") % {"way": Channel.Kind(kind).label.lower()}
        label = f"{label} ({case})" if case else label
        yield Difference(label, _time(before.get((kind, case))), _time(now.get((kind, case))))


def _time(row: dict | None) -> str:
    if row is None:
        return ""
    amount, _space, unit = row["time"].rpartition(" ")
    channel = Channel(
        kind=row["type"],
        unit=unit.rstrip("s") if amount else unit,
        amount=int(amount) if amount else None,
        cut_off=datetime.time.fromisoformat(row["cut_off"]) if row.get("cut_off") else None,
    )
    text = channel_time(channel)
    return f"{text} ({row['note']})" if row.get("note") else text


def _fees(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    before, now = _by_id(old), _by_id(new)
    for name in {**before, **now}:
        row = now.get(name) or before[name]
        yield Difference(row["name"], _price(before.get(name)), _price(now.get(name)))


def _price(row: dict | None) -> str:
    if row is None:
        return ""
    text = fee_text(
        Fee(
            amount=row.get("amount"), unit=row.get("per") or "", tiers=row.get("tiers") or [],
            cap=row.get("cap"), alternatives=row.get("alternatives") or [],
            is_confirmed=row.get("confirmed", False),
        )
    )  # fmt: skip
    exempt = (row.get("exempt") or {}).values()
    extra = [str(Fee.Due(row["pay"]).label), *map(_exemption, exempt)]
    return "; ".join([text, *extra, *filter(None, [row.get("note")])])


def _exemption(row: str | dict[str, Any]) -> str:
    if isinstance(row, str):
        return row
    percent = row.get("reduce", WAIVED)
    return exemption_text(row["label"], percent, row.get("automatic", ""))


def _documents(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    before, now = _by_id(old), _by_id(new)
    for name in {**before, **now}:
        row = now.get(name) or before[name]
        label = _("Giấy tờ “%(name)s”") % {"name": row["name"]}
        yield Difference(label, _paper(before.get(name)), _paper(now.get(name)))


def _paper(row: dict | None) -> str:
    if row is None:
        return ""
    parts = [row["name"], str(RequiredDocument.How(row["how"]).label)]
    if row.get("originals"):
        parts.append(_("bản chính: %(count)d") % {"count": row["originals"]})
    if row.get("copies"):
        parts.append(_("bản sao: %(count)d") % {"count": row["copies"]})
    if row.get("when"):
        parts.append(_("tùy trường hợp"))
    if row.get("optional"):
        parts.append(_("không bắt buộc"))
    parts += [
        row[name] for name in ("not_needed_if", "only_if_office_asks", "help") if row.get(name)
    ]
    return "; ".join(parts)


def _steps(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    def lines(rows: list | None) -> str:
        return "; ".join(row["name"] for row in rows or [])

    yield Difference(str(_LABELS[key]), lines(old), lines(new))


def _form(key: str, old: list | None, new: list | None) -> Iterator[Difference]:
    """Questions that came and went; other wordings are counted."""
    before, now = (Form.model_validate(rows or []).paths() for rows in (old, new))
    label = _("Câu hỏi trong mẫu đơn")
    for path, field in before.items():
        if path not in now:
            yield Difference(label, str(field.label or field.text or path), "")
    for path, field in now.items():
        if path not in before:
            yield Difference(label, "", str(field.label or field.text or path))
    reworded = sum(path in now and now[path] != field for path, field in before.items())
    if reworded:
        text = ngettext("%(count)d câu hỏi được sửa", "%(count)d câu hỏi được sửa", reworded)
        yield Difference(str(_LABELS[key]), _("cách hỏi cũ"), text % {"count": reworded})


_COMPARED = {
    "also_called": _list, "life_events": _list, "audience": _list, "conditions": _list,
    "redirect": _list, "offer": _list, "stop_online": _list, "legal_basis": _laws,
    "channels": _channels, "fees": _fees, "documents": _documents, "steps": _steps,
    "form": _form,
}  # fmt: skip
