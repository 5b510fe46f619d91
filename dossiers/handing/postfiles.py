"""The post's file of what became of parcels: read, and noted line by line.

CSV (any usual separator and encoding) or XLSX with a heading row that names the number of the
parcel, its state and the time; who received it and a note may stand beside. What cannot be
read is listed with its line; everything good is kept, and the same file twice changes nothing.
"""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.handing import posting
from dossiers.models import Parcel
from dossiers.workflow import Refused
from procedures import tables
from procedures.tables import Row, Unreadable
from procedures.text import fold, normalise

MAX_BYTES = 2 * 1024 * 1024
_HEADING_WITHIN = 20
# By the beginning of what a heading says, folded; the first that fits.
_COLUMNS = {
    "number": ("ma buu gui", "so hieu buu gui", "so hieu", "ma van don", "tracking"),
    "state": ("trang thai", "tinh trang", "status"),
    "at": ("thoi gian", "ngay gio", "thoi diem", "ngay"),
    "receiver": ("nguoi nhan", "nguoi ky nhan"),
    "note": ("ghi chu", "ly do", "dien giai"),
}
# What the state's words contain, folded, in this order: "phát không thành công" holds "phát".
_STATES = (
    (Parcel.State.CAME_BACK, ("da hoan", "hoan thanh cong", "phat hoan", "da chuyen hoan")),
    (Parcel.State.FAILED, ("khong thanh cong", "khong phat", "chua phat", "that bai", "tu choi",
                           "dang chuyen hoan", "chuyen hoan")),
    (Parcel.State.DELIVERED, ("phat thanh cong", "da phat", "giao thanh cong", "da giao")),
    (Parcel.State.ON_WAY, ("dang", "van chuyen", "chap nhan", "da nhan gui", "den buu cuc",
                           "roi buu cuc", "chuyen tiep")),
)  # fmt: skip
_TIMES = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M %d/%m/%Y", "%H:%M:%S %d/%m/%Y",
    "%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d",
)  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What came of a file: lines that were news, known before, of nobody, or wrong.

    `unknown` and `wrong` are (number of the line, words).
    """

    new: int = 0
    known: int = 0
    unknown: list[tuple[int, str]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """One line as it stands in the file, all text."""

    place: int
    number: str
    state: str
    at: Any
    note: str


def take(file: IO[bytes], desks: Iterable[int]) -> Outcome:
    """Note what a file says of the parcels sent from these desks (keys); `Unreadable` if none.

    Every line in a transaction of its own, so that one that fails keeps no other back.
    """
    lines, outcome = list(_read(file)), Outcome()
    numbers = {line.number for line in lines}
    found = Parcel.objects.filter(
        tracking_number__in=numbers, dossier__receiving_agency__in=set(desks)
    )
    parcels = {parcel.tracking_number: parcel for parcel in found}
    for line in lines:
        parcel = parcels.get(line.number)
        if parcel is None:
            outcome.unknown.append((line.place, line.number or _("không ghi mã bưu gửi")))
        else:
            _note(parcel, line, outcome)
    return outcome


def _note(parcel: Parcel, line: Line, outcome: Outcome) -> None:
    try:
        at, state = moment(line.at), state_of(line.state)
        is_new = posting.record(parcel, state, at=at, note=line.note)
    except Refused as error:
        outcome.wrong.append((line.place, f"{line.number}: {error}"))
        return
    except Exception:
        logger.exception("a line of the post's file failed: parcel %s", parcel.pk)
        text = _("chưa ghi được, xin gửi lại tệp sau")
        outcome.wrong.append((line.place, f"{line.number}: {text}"))
        return
    outcome.new += is_new
    outcome.known += not is_new


def state_of(words: str) -> str:
    """What the post's words mean; raises `Refused` where they are not known."""
    folded = fold(words)
    for state, parts in _STATES:
        if any(part in folded for part in parts):
            return state
    raise Refused(_("không hiểu trạng thái “%(words)s”") % {"words": words[:60]})


def moment(value: Any) -> datetime.datetime:
    """A time as the post writes it, on the office's clock; raises `Refused`."""
    if isinstance(value, datetime.datetime):
        return _aware(value)
    if isinstance(value, datetime.date):
        return _aware(datetime.datetime.combine(value, datetime.time()))
    text = " ".join(str(value).replace("T", " ").split())
    for form in _TIMES:
        try:
            return _aware(datetime.datetime.strptime(text, form))
        except ValueError:
            continue
    raise Refused(_("không đọc được thời gian “%(text)s”") % {"text": text[:30]})


def _aware(value: datetime.datetime) -> datetime.datetime:
    return timezone.make_aware(value) if timezone.is_naive(value) else value


# --- Reading ------------------------------------------------------------------------------


def _lines(rows: list[Row], columns: dict[str, int]) -> Iterator[Line]:
    for place, row in rows:
        cells = {name: row[at] for name, at in columns.items() if at < len(row)}
        words = {name: _text(cell) for name, cell in cells.items()}
        if not any(words.values()):
            continue
        note = "; ".join(filter(None, (words.get("receiver"), words.get("note"))))
        number = re.sub(r"[\s.]", "", words.get("number", "")).upper()
        yield Line(place, number[:40], words.get("state", ""), cells.get("at", ""), note[:200])


def _read(file: IO[bytes]) -> Iterator[Line]:
    """The lines below the row that names the columns, in the first table that has one."""
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unreadable(_("Tệp lớn hơn 2 MB; xin chia thành nhiều tệp."))
    if not content.strip():
        raise Unreadable(_("Tệp trống."))
    for rows in tables.read(content):
        for at, (_place, row) in enumerate(rows[:_HEADING_WITHIN]):
            columns = _columns_of(row)
            if {"number", "state", "at"} <= columns.keys():
                return _lines(rows[at + 1 :], columns)
    raise Unreadable(
        _("Tệp phải có dòng đầu ghi tên cột: Mã bưu gửi, Trạng thái, Thời gian. Chưa ghi gì.")
    )


def _columns_of(row: list[Any]) -> dict[str, int]:
    """Which column is which, where a row names them."""
    named = [fold(_text(cell)) for cell in row]
    places = {name: _column(named, words) for name, words in _COLUMNS.items()}
    return {name: at for name, at in places.items() if at is not None}


def _column(named: list[str], words: tuple[str, ...]) -> int | None:
    hits = (at for word in words for at, cell in enumerate(named) if cell.startswith(word))
    return next(hits, None)


def _text(cell: Any) -> str:
    return "" if cell is None else normalise(str(cell)).strip()
