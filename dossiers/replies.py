"""Words that an office uses again, and their places to fill in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dossiers.models import Dossier, ReplyTemplate
from dossiers.notices import moment_text
from procedures.postings import at_or_above

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

_Purpose = ReplyTemplate.Purpose
# Which templates the form of a move offers for its reason.
PURPOSES = {
    "request_supplement": _Purpose.SUPPLEMENT,
    "propose_supplement": _Purpose.SUPPLEMENT,
    "propose_further_supplement": _Purpose.SUPPLEMENT,
    "refuse": _Purpose.REFUSAL,
    "propose_refusal": _Purpose.REFUSAL,
    "extend": _Purpose.EXTENSION,
    "propose_extension": _Purpose.EXTENSION,
}
_PLACE = re.compile(r"\{([^{}]*)\}")
# What may stand in braces, and what is put there.
PLACES: dict[str, Callable[[Dossier], str]] = {
    "ho_so": lambda dossier: dossier.code or "",
    "nguoi_nop": lambda dossier: dossier.owner.get_full_name(),
    "thu_tuc": lambda dossier: dossier.revision.short_name,
    "han": lambda dossier: moment_text(dossier.promised_at or dossier.answer_by),
}


def of(dossier: Dossier, purpose: str) -> QuerySet[ReplyTemplate]:
    """The templates for one purpose of the offices that receive and handle a dossier, and of
    those above them."""
    offices = at_or_above(dossier.receiving_agency) | at_or_above(dossier.handling_agency)
    return ReplyTemplate.objects.filter(agency__in=offices, purpose=purpose, is_active=True)


def chosen(dossier: Dossier, purpose: str, pk: str) -> str:
    """The words of the template with this key for a dossier; "" for one that is not offered."""
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 10):
        return ""
    template = of(dossier, purpose).filter(pk=int(pk)).first()
    return filled(template.text, dossier) if template else ""


def filled(text: str, dossier: Dossier) -> str:
    """`text` with each known place filled in. What stands there is put in as it is, once: a
    name with braces is no place."""

    def put(match: re.Match) -> str:
        place = PLACES.get(match[1].strip())
        return place(dossier) if place else match[0]

    return _PLACE.sub(put, text)


def check_places(text: str) -> None:
    """Raise `ValidationError` for braces that nothing is put into."""
    unknown = [m[0] for m in _PLACE.finditer(text) if m[1].strip() not in PLACES]
    if unknown:
        raise ValidationError(
            _("Không có ô %(unknown)s. Chỉ dùng được: %(known)s.")
            % {
                "unknown": ", ".join(unknown),
                "known": ", ".join(f"{{{name}}}" for name in PLACES),
            }
        )
