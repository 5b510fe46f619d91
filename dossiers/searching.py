"""Finding a dossier by what people say of it: a name, a number, a telephone, a code.

Terms are written when a dossier is filed and whenever its people change, folded by
`procedures.text.fold`, and are searched by their beginning alone, so that an index answers
however many dossiers there are. A name is kept forwards from each of its words and
backwards from its last, which is the one that people are called by.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import filing, workflow
from dossiers.models import Dossier, SearchTerm
from procedures.models import Agency
from procedures.text import fold

LONGEST = SearchTerm._meta.get_field("value").max_length
MOST_TERMS = 100  # of one dossier: with many co-applicants the others are found by the first
MOST_FOUND = 5000  # beyond this a word says too little, and only the newest are looked through
NEWEST = 500
SHORTEST = 2
MOST_DAYS, MOST_CODES = 180, 1000
_CHANGE_PEOPLE = {"submit", "submit_at_counter", "answer_supplement"}
_SEPARATORS = re.compile(r"[\s.()+–-]")
_COUNTRY = re.compile(r"^(00)?840?(?=[0-9]{9}$)")


class TooShort(Exception):
    """One letter says nothing; the message is for the person who typed it."""


# --- What a dossier is found by -------------------------------------------------------


def chains(name: str) -> set[str]:
    """A name from each of its words on, from its last word backwards, and its two ends.

    "Nguyễn Thị Hoa" gives "nguyen thi hoa", "thi hoa", "hoa thi nguyen" and "nguyen hoa".
    """
    words = fold(name).split()
    if not words:
        return set()
    if len(words) == 1:
        return {words[0][:LONGEST]}
    forwards = {" ".join(words[start:]) for start in range(len(words) - 1)}
    ends = f"{words[0]} {words[-1]}"
    return {chain[:LONGEST] for chain in (*forwards, " ".join(reversed(words)), ends)}


def number(text: str) -> str:
    """The digits of a citizen number, a tax code or a telephone; the country's 84 as 0."""
    return _COUNTRY.sub("0", _SEPARATORS.sub("", text))[:LONGEST]


def terms(dossier: Dossier) -> set[str]:
    """Everything that this dossier is found by, but its code."""
    said = filing.said_of_applicant(dossier)
    people = [_account(dossier.owner), said, dossier.behalf]
    for row in dossier.participants.active().select_related("user"):
        people += [{"name": row.name}, _account(row.user)]
    return set(sorted(_of_people(people))[:MOST_TERMS])


def _account(user: Any) -> dict[str, str]:
    return {"name": user.full_name, "phone": user.phone, "number": user.citizen_number}


def _of_people(people: Iterable[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for person in people:
        found |= chains(str(person.get("name") or ""))
        for key in ("phone", "number", "citizen_number", "tax_code"):
            found.add(number(str(person.get(key) or "")))
    return found - {""}


def index(dossier: Dossier) -> None:
    """Write what a filed dossier is found by now; what no longer holds goes."""
    wanted = terms(dossier)
    rows = SearchTerm.objects.filter(dossier=dossier)
    rows.exclude(value__in=wanted).delete()
    kept = set(rows.values_list("value", flat=True))
    fresh = [SearchTerm(dossier=dossier, value=value) for value in sorted(wanted - kept)]
    SearchTerm.objects.bulk_create(fresh, ignore_conflicts=True)


@receiver(workflow.moved)
def _index_moved(sender: type, move: workflow.Move, **kwargs: Any) -> None:
    if move.action.name in _CHANGE_PEOPLE:
        index(move.dossier)


# --- Looking for one ------------------------------------------------------------------


def by_code(text: str, codes: QuerySet[Agency]) -> Q | None:
    """The condition for a code or a part of one; None where `text` is no such thing.

    `codes` are the offices of the person who searches: the end of a code from its day on
    ("261124-0001") is one of theirs, its last digits alone ("0001") one of theirs of the
    latest days, `MOST_DAYS` of them or as many as make `MOST_CODES`.
    """
    typed = re.sub(r"[\s–]+", lambda found: "-" if "–" in found[0] else "", text.upper())
    if re.fullmatch(r"[0-9]{6}-[0-9]+", typed):
        full = [f"{code}-{typed}" for code in codes.values_list("code", flat=True)]
        return Q(code__in=full)
    if re.fullmatch(r"[0-9]{1,5}", typed):
        return Q(code__in=_of_latest_days(typed.zfill(4), codes.values_list("code", flat=True)))
    if re.match(r"[0-9]{3}\.[0-9]", typed):
        return Q(code__startswith=typed)
    return None


def _of_latest_days(number: str, offices: Iterable[str]) -> list[str]:
    """The codes that end so at these offices: asked for by name, because an index has no ends."""
    codes, today = list(offices), timezone.localdate()
    count = min(MOST_DAYS, MOST_CODES // max(1, len(codes)) + 1)
    days = [today - datetime.timedelta(days=back) for back in range(count)]
    return [f"{code}-{day:%y%m%d}-{number}" for code in codes for day in days]


def prefix(text: str) -> str:
    """The beginning of the terms that `text` looks for; raises `TooShort`."""
    digits = number(text)
    found = digits if digits.isdecimal() else fold(text)
    if len(found) < SHORTEST:
        raise TooShort(_("Hãy gõ ít nhất hai chữ của họ tên, hoặc nhiều số hơn."))
    return found[:LONGEST]


def with_term(beginning: str) -> QuerySet[SearchTerm]:
    """The terms that begin so."""
    return SearchTerm.objects.filter(value__startswith=beginning)


def is_common(beginning: str) -> bool:
    """Whether more than `MOST_FOUND` terms begin so; reads no more of the index than that."""
    return with_term(beginning).order_by()[: MOST_FOUND + 1].count() > MOST_FOUND
