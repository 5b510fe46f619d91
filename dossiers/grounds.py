"""The grounds in law for which an office may refuse or stop, and how one appeals.

A ground is chosen by its code and never typed, so that refusals can be counted by reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier, LegalGround
from dossiers.workflow import Refused
from procedures.models import Sector
from procedures.text import in_vietnamese

Use = LegalGround.Use

# Which grounds each move offers.
OFFERED = {"propose_refusal": Use.RECEPTION, "propose": Use.RESULT, "stop": Use.STOP}


def offered(dossier: Dossier, use: str) -> list[LegalGround]:
    """The grounds that may be chosen for this dossier: of every field, and of its own."""
    rows = LegalGround.objects.filter(is_active=True)
    sector = dossier.revision.sector_id
    return [row for row in rows if use in row.uses and row.sector_id in (None, sector)]


def chosen(dossier: Dossier, use: str, given: Any) -> LegalGround:
    """The ground with this code; raises `Refused` where it is none that may be chosen."""
    code = getattr(given, "code", given)
    for ground in offered(dossier, use):
        if ground.code == code:
            return ground
    raise Refused(_("Hãy chọn căn cứ pháp lý trong danh mục; không có căn cứ thì không từ chối."))


# --- Appeals ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Appeal:
    """One way to appeal: what it is, to whom, within which time, and which law says so."""

    words: Any
    time: Any
    law: Any


# From the laws as they are commonly cited; their texts do not come with the portal, so each
# office has them checked by its own lawyer before it goes live (docs/decisions.md).
APPEALS = (
    Appeal(
        gettext_lazy(
            "Nếu không đồng ý, ông/bà có quyền khiếu nại lần đầu đến người đứng đầu %(office)s "
            "trong thời hạn %(time)s kể từ ngày nhận được hoặc biết được văn bản này (%(law)s)."
        ),
        gettext_lazy("90 ngày"),
        gettext_lazy("Điều 9 Luật Khiếu nại số 02/2011/QH13"),
    ),
    Appeal(
        gettext_lazy(
            "Ông/bà cũng có quyền khởi kiện vụ án hành chính tại Tòa án nhân dân có thẩm quyền "
            "trong thời hạn %(time)s kể từ ngày nhận được hoặc biết được văn bản này (%(law)s)."
        ),
        gettext_lazy("01 năm"),
        gettext_lazy("Điều 116 Luật Tố tụng hành chính số 93/2015/QH13"),
    ),
)


@in_vietnamese
def appeals(dossier: Dossier) -> list[str]:
    """How, to whom and until when one may appeal against a refusal, in whole sentences."""
    office = dossier.handling_agency.name
    return [
        str(way.words) % {"office": office, "time": way.time, "law": way.law} for way in APPEALS
    ]


# --- Loading ----------------------------------------------------------------------------


class GroundsError(Exception):
    """The file cannot be used; the message says where and why."""


@transaction.atomic
def load(path: Path) -> int:
    """Add the grounds of a file that are not there yet; how many it names.

    A list of `{code, title, law, uses: [reception | result | stop], sector: name}`. What is
    there stays as it is: an administrator may have changed it.
    """
    entries = _read(path)
    for entry in entries:
        known = {key: entry[key] for key in ("title", "law", "uses")}
        known["sector"] = _sector(entry.get("sector", ""))
        LegalGround.objects.get_or_create(code=entry["code"], defaults=known)
    return len(entries)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        # BaseLoader makes texts, lists and mappings, and nothing else.
        entries = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise GroundsError(f"{path.name}: {error}") from error
    if not isinstance(entries, list):
        raise GroundsError(_("%(file)s: phải là một danh sách căn cứ") % {"file": path.name})
    for number, entry in enumerate(entries, start=1):
        if not _is_complete(entry):
            raise GroundsError(
                _("%(file)s, mục %(number)d: phải ghi đủ code, title, law, uses")
                % {"file": path.name, "number": number}
            )
    return entries


def _is_complete(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    uses = entry.get("uses")
    has_texts = all(isinstance(entry.get(key), str) for key in ("code", "title", "law"))
    return has_texts and isinstance(uses, list) and bool(uses) and set(uses) <= set(Use.values)


def _sector(name: str) -> Sector | None:
    return Sector.objects.filter(name=name).first() if name else None
