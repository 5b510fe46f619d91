"""The catalogue as open data: one stable scheme, as JSON, JSON lines and CSV.

The keys are Vietnamese words without accents, described in `docs/open-data.md` and on
/du-lieu-mo/; a key is never renamed or given another meaning while `SCHEME` stays. Texts
are in Vietnamese whatever language the asker reads, and nothing here is about a person.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db.models import Max, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from procedures.models import Agency, CatalogueVersion, LifeEvent, Procedure, Revision
from procedures.text import dong, in_vietnamese

SCHEME = "1.0"
# Rows fetched, and held in memory, at a time; whole procedures are heavy.
CHUNK, HEAVY_CHUNK = 400, 100
# What a spreadsheet takes for the beginning of a formula, also behind spaces and quotes.
_FORMULA = frozenset("=+-@\t\r\n\x00|＝＋－＠｜")
_BEFORE_FORMULA = " '\"\u00a0\u3000\u200b\ufeff"


# --- Which state of the catalogue this is -------------------------------------------------


class State(NamedTuple):
    """Which catalogue this is: its version's token, and when it last changed."""

    token: str
    changed_at: datetime.datetime | None

    def tag(self, kind: str) -> str:
        """The entity tag of one kind of file made from it."""
        return f'"{kind}-{SCHEME}-{self.token}"'


def state(request: HttpRequest) -> State:
    """The catalogue of now; looked up once a request, the moment once a version."""
    if not hasattr(request, "_catalogue_state"):
        version = token()
        # The moment is a look at every revision there ever was.
        moment = cache.get_or_set(f"catalogue-changed:{version}", changed_at, timeout=86_400)
        request._catalogue_state = State(version, moment)
    return request._catalogue_state


def token() -> str:
    """The catalogue's version; "0" while nothing was ever published."""
    return CatalogueVersion.in_force() or "0"


def changed_at() -> datetime.datetime | None:
    """When the catalogue last changed; None while nothing was ever published."""
    moments = Revision.objects.aggregate(Max("published_at"), Max("superseded_at")).values()
    return max(filter(None, moments), default=None)


# --- One procedure -----------------------------------------------------------------------


def in_force() -> QuerySet[Procedure]:
    """The procedures in force with what `document` reads, in a fixed number of queries."""
    return (
        Procedure.objects.for_page()
        .select_related("current__sector")
        .prefetch_related("current__life_events")
        .order_by("code")
    )


def listed() -> QuerySet[Procedure]:
    """The procedures in force with what `entry` reads, in one query."""
    return (
        Procedure.objects.filter(current__isnull=False)
        .select_related("current__sector")
        .defer("current__definition", "current__conditions", "current__partial_reason")
        .order_by("code")
    )


def entry(procedure: Procedure) -> dict[str, Any]:
    """One line of the list: what it is, its level, and where the rest is."""
    revision = procedure.current
    return {
        "ma": procedure.code,
        "ten": revision.name,
        "ten_goi_ngan": revision.short_name,
        "linh_vuc": revision.sector.name,
        "cap_giai_quyet": revision.tier,
        "muc_do": revision.service_level,
        "truc_tuyen": revision.online,
        "quyet_dinh_cong_bo": revision.decision,
        "ap_dung_tu": _day(revision.effective_from),
        "cap_nhat_luc": _moment(revision.published_at),
        "trang": settings.SITE_URL + procedure.get_absolute_url(),
        "du_lieu": settings.SITE_URL
        + reverse("procedures:open_data_procedure", args=[procedure.code]),
    }


def document(procedure: Procedure) -> dict[str, Any]:
    """Everything that is public about one procedure of `in_force()`."""
    revision = procedure.current
    definition = revision.definition
    return {
        "luoc_do": SCHEME,
        **entry(procedure),
        "ban_so": revision.number,
        "nguon": revision.origin,
        "ten_thuong_goi": revision.also_called,
        "de_lam_gi": revision.summary,
        "su_kien": [event.slug for event in revision.life_events.all()],
        "doi_tuong": revision.audience,
        "yeu_cau_dieu_kien": revision.conditions,
        "ly_do_mot_phan": revision.partial_reason,
        "noi_nop_chinh_thuc": revision.filing_place,
        "cach_thuc": [_channel(row) for row in revision.channels.all()],
        "phi_le_phi": [_fee(row) for row in revision.fees.all()],
        "thanh_phan_ho_so": [_paper(row) for row in revision.documents.all()],
        "trinh_tu": [step["name"] for step in revision.steps],
        "trinh_tu_theo_van_ban": definition.get("steps_text") or "",
        "ket_qua": revision.result.get("name", ""),
        "can_cu_phap_ly": [
            {"so_hieu": row.get("number") or "", "trich_yeu": row.get("title") or ""}
            for row in definition.get("legal_basis", [])
        ],
        "co_mau_don": revision.has_form,
    }


def _channel(row: Any) -> dict[str, Any]:
    return {
        "cach_nop": row.kind,
        "so": row.amount,
        "don_vi": row.unit,
        "gio_chot": f"{row.cut_off:%H:%M}" if row.cut_off else None,
        "truong_hop": row.case,
        "ghi_chu": row.note,
    }


def _fee(row: Any) -> dict[str, Any]:
    return {
        "ten": row.name,
        "muc_thu": row.amount,
        "da_xac_nhan": row.is_confirmed,
        "don_vi_tinh": row.unit,
        "bac": [{"den": tier.get("up_to"), "muc_thu": tier.get("amount")} for tier in row.tiers],
        "muc_cao_nhat": row.cap,
        "muc_theo_truong_hop": [
            {"truong_hop": case.get("label") or "", "muc_thu": case.get("amount")}
            for case in row.alternatives
        ],
        "cach_nop": [channel.kind for channel in row.channels.all()],
        "nop_luc": row.due,
        "can_cu": row.source,
        "ghi_chu": row.note,
    }


def _paper(row: Any) -> dict[str, Any]:
    return {
        "ten": row.name,
        "truong_hop": row.group,
        "cach_nop": row.how,
        "ban_chinh": row.originals,
        "ban_sao": row.copies,
        "khong_bat_buoc": row.is_optional,
        "chi_tuy_truong_hop": bool(row.when),
        "ghi_chu": row.note or row.help,
    }


def _day(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None


def _moment(moment: datetime.datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else None


# --- Offices and life events -----------------------------------------------------------


def offices() -> list[dict[str, Any]]:
    """The offices that work today; the person responsible is left to the pages."""
    return [
        {
            "ma": row.code,
            "ten": row.name,
            "cap": row.tier,
            "truc_thuoc": row.parent.code if row.parent else None,
            "noi_tiep_nhan": row.reception.code if row.reception else None,
            "dia_chi": row.address,
            "dien_thoai": row.phone,
            "thu_dien_tu": row.email,
            "gio_lam_viec": row.hours_text,
            "trang": settings.SITE_URL + row.get_absolute_url(),
        }
        for row in Agency.objects.filter(is_active=True).select_related("parent", "reception")
    ]


def life_events() -> list[dict[str, Any]]:
    """The events of life with the codes of their procedures in force."""
    codes: dict[int, list[str]] = {}
    rows = Procedure.objects.filter(current__life_events__isnull=False).order_by("code")
    for event, code in rows.values_list("current__life_events", "code"):
        codes.setdefault(event, []).append(code)
    return [
        {
            "ma": row.slug,
            "ten": row.name,
            "gioi_thieu": row.summary,
            "thu_tuc": codes.get(row.pk, []),
            "trang": settings.SITE_URL + row.get_absolute_url(),
        }
        for row in LifeEvent.objects.all()
    ]


# --- Written out, a piece at a time -------------------------------------------------------


def json_text(value: Any) -> str:
    """JSON as it is sent: Vietnamese as written, no line ends inside."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def list_as_json(changed: datetime.datetime | None) -> Iterator[str]:
    """The list as one JSON object, written while it is read; `changed` is the catalogue's."""
    yield (
        f'{{"luoc_do":{json_text(SCHEME)},"cap_nhat_luc":{json_text(_moment(changed))},"thu_tuc":['
    )
    before = ""
    for piece in _chunks(entry(row) for row in listed().iterator(chunk_size=CHUNK)):
        yield before + ",".join(json_text(row) for row in piece)
        before = ","
    yield "]}\n"


def all_as_json_lines() -> Iterator[str]:
    """Every procedure whole, one JSON object to a line."""
    rows = (document(row) for row in in_force().iterator(chunk_size=HEAVY_CHUNK))
    for piece in _chunks(rows):
        yield "".join(f"{json_text(row)}\n" for row in piece)


COLUMNS = (
    "ma", "ten", "ten_goi_ngan", "linh_vuc", "cap_giai_quyet", "muc_do", "truc_tuyen",
    "doi_tuong", "cach_nop_thoi_han", "phi_le_phi", "thanh_phan_ho_so", "ket_qua",
    "quyet_dinh_cong_bo", "ap_dung_tu", "cap_nhat_luc", "trang",
)  # fmt: skip


def all_as_csv() -> Iterator[str]:
    """The catalogue for a spreadsheet: UTF-8 with its mark, no cell that is a formula."""
    yield "\ufeff" + _csv_lines([list(COLUMNS)])
    result = KeyTransform("result", "current__definition")
    procedures = (
        in_force()
        .defer("current__definition")
        .annotate(result_name=KeyTextTransform("name", result))
    )
    rows = (_csv_row(row) for row in procedures.iterator(chunk_size=HEAVY_CHUNK))
    for piece in _chunks(rows):
        yield _csv_lines(piece)


@in_vietnamese
def _csv_row(procedure: Procedure) -> list[str]:
    revision = procedure.current
    cells = entry(procedure) | {
        "doi_tuong": "; ".join(revision.audience),
        "cach_nop_thoi_han": "; ".join(
            f"{row.get_kind_display()}: {row.time_text}" for row in revision.channels.all()
        ),
        "phi_le_phi": "; ".join(
            f"{row.name}: {dong(row.amount) if row.amount is not None else '?'}"
            for row in revision.fees.all()
        ),
        "thanh_phan_ho_so": "; ".join(row.name for row in revision.documents.all()),
        "ket_qua": procedure.result_name,
    }
    return [str(cells[column] if cells[column] is not None else "") for column in COLUMNS]


def _csv_lines(rows: Iterable[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([harmless_cell(cell) for cell in row] for row in rows)
    return file.getvalue()


def harmless_cell(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula: an apostrophe before what might be.

    Excel and LibreOffice look past spaces and quotes, and take full-width signs too (SECURITY
    X01); a line end or a tab at the beginning could start a cell of its own.
    """
    text = text.replace("\x00", "")
    begins = text.lstrip(_BEFORE_FORMULA)[:1]
    return f"'{text}" if begins in _FORMULA else text


def _chunks[T](rows: Iterable[T]) -> Iterator[list[T]]:
    piece: list[T] = []
    for row in rows:
        piece.append(row)
        if len(piece) == HEAVY_CHUNK:
            yield piece
            piece = []
    if piece:
        yield piece
