"""How satisfied people were: one rating of a dossier by its filer, and the public figures of them.

The questions and the three grades are those of Circular 32/2017, article 12; the figures of a
service by each question are public (article 11, clause 5 d). The words are for who watches over the
office alone: those who handle dossiers see neither who rated nor what was written, so that nobody
need fear for the next dossier. For the same reason a rating leaves no trace in the ledger.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier, Rating
from procedures.text import normalise
from procedures.worktime import VIETNAM

if TYPE_CHECKING:
    from procedures.models import Agency

State = Dossier.State
Grade = Rating.Grade

# Whose handling has come to an end by the office's hand; who withdrew had no service to rate.
RATED = (State.COMPLETED, State.RETURNED, State.REFUSED, State.STOPPED)
CHANGED_WITHIN = datetime.timedelta(days=7)
MAX_WORDS = 2000
# Fewer say more about those who answered than about the service, and could be told apart.
SHOWN_FROM = 5

# Article 12, clause 1: the whole (always asked, clause 2), then three parts.
QUESTIONS = {
    "overall": gettext_lazy("Nhìn chung về dịch vụ"),
    "convenience": gettext_lazy("Thuận tiện khi sử dụng"),
    "timeliness": gettext_lazy("Đúng hạn trong xử lý, trả kết quả"),
    "attitude": gettext_lazy("Thái độ hỗ trợ, xử lý"),
}


class NotRated(Exception):
    """The rating was not kept; the sentence is for who gave it."""


# --- One rating -------------------------------------------------------------------------


def of(dossier: Dossier) -> Rating | None:
    """What was said of this dossier already; no query for one that cannot be rated."""
    if dossier.state not in RATED:
        return None
    return Rating.objects.filter(dossier=dossier).first()


def is_open(dossier: Dossier, rating: Rating | None) -> bool:
    """Whether it may be rated now, or its rating still be changed."""
    if dossier.state not in RATED:
        return False
    return rating is None or timezone.now() < rating.rated_at + CHANGED_WITHIN


def invitation(dossier: Dossier) -> dict[str, Any]:
    """What a page of the dossier says of it: `may_rate`, `rating`."""
    rating = of(dossier)
    return {"rating": rating, "may_rate": is_open(dossier, rating)}


@transaction.atomic
def rate(dossier: Dossier, grades: dict[str, int | None], words: str) -> Rating:
    """Keep the rating of a dossier, or change it within `CHANGED_WITHIN`; one for each dossier.

    `grades` by the keys of `QUESTIONS`. Words that changed are to be read again. Raises
    `NotRated` for a dossier that is not through, and after that time.
    """
    locked = Dossier.objects.select_for_update().get(pk=dossier.pk)
    rating = of(locked)
    if not is_open(locked, rating):
        raise NotRated(
            _("Hồ sơ chưa giải quyết xong nên chưa đánh giá được.") if rating is None
            else _("Đánh giá chỉ sửa được trong 7 ngày.")
        )  # fmt: skip
    rating = rating or Rating(dossier=locked)
    words = normalise(words).strip()
    if words != rating.words:
        rating.words, rating.read_at, rating.read_by = words, None, None
    for question in QUESTIONS:
        setattr(rating, question, grades.get(question))
    rating.save()
    return rating


# --- Figures ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """The answers to one question: how many of each grade, and the share of satisfied (0–100)."""

    label: str
    poor: int
    good: int
    very_good: int

    @property
    def count(self) -> int:
        """How many answered."""
        return self.poor + self.good + self.very_good

    @property
    def satisfied(self) -> int | None:
        """The share of "Hài lòng" and "Rất hài lòng" in whole percent; None without answers."""
        return round(100 * (self.good + self.very_good) / self.count) if self.count else None


@dataclass(frozen=True)
class Figures:
    """The figures of an office or a procedure; `answers` in the order of `QUESTIONS`.

    Empty below `SHOWN_FROM` ratings: `count` alone is then said.
    """

    name: str
    count: int
    answers: list[Answers]


def since_new_year(today: datetime.date | None = None) -> QuerySet[Rating]:
    """The ratings of this year, by which the circular wants the figures."""
    first = (today or timezone.localdate()).replace(month=1, day=1)
    begin = datetime.datetime.combine(first, datetime.time(), VIETNAM)
    return Rating.objects.filter(rated_at__gte=begin)


def _counts() -> dict[str, Count]:
    """One counted column for each question and grade."""
    return {
        f"{question}_{grade.name.lower()}": Count("pk", filter=Q(**{question: grade}))
        for question in QUESTIONS
        for grade in Grade
    }


def _figures(name: str, row: dict[str, Any]) -> Figures:
    count = row["n"]
    grades = [grade.name.lower() for grade in Grade]
    answers = [
        Answers(str(label), *(row[f"{question}_{grade}"] for grade in grades))
        for question, label in QUESTIONS.items()
    ]
    return Figures(name, count, answers if count >= SHOWN_FROM else [])


def total(rows: QuerySet[Rating], name: str = "") -> Figures:
    """All of them together, in one query."""
    return _figures(name, rows.order_by().aggregate(n=Count("pk"), **_counts()))


def by_office(rows: QuerySet[Rating]) -> list[Figures]:
    """By the office that handled, in one query."""
    return _grouped(rows, "dossier__handling_agency__name")


def by_procedure(rows: QuerySet[Rating]) -> list[Figures]:
    """By procedure under its name of today, or its code where it is gone; in one query."""
    procedure = "dossier__revision__procedure"
    return _grouped(rows, f"{procedure}__current__short_name", f"{procedure}__code")


def _grouped(rows: QuerySet[Rating], *names: str) -> list[Figures]:
    found = rows.order_by().values(*names).annotate(n=Count("pk"), **_counts())
    named = [(next((row[name] for name in names if row[name]), ""), row) for row in found]
    figures = [_figures(name, row) for name, row in named]
    return sorted(figures, key=lambda row: (-row.count, row.name))


def of_offices(offices: Iterable[Agency | int], rows: QuerySet[Rating]) -> Figures:
    """Of the dossiers that these offices handled, for their report."""
    return total(rows.filter(dossier__handling_agency__in=list(offices)))


# --- Who watches over -------------------------------------------------------------------


def words_to(offices: Iterable[int]) -> QuerySet[Rating]:
    """The ratings with words of these offices' dossiers, those nobody has read first."""
    rows = Rating.objects.filter(dossier__handling_agency__in=offices).exclude(words="")
    return rows.order_by(F("read_at").desc(nulls_first=True), "-rated_at", "-pk")


def mark_read(rating: Rating, *, by: Any) -> None:
    """Note that the words were read; the first time counts."""
    Rating.objects.filter(pk=rating.pk, read_at=None).update(read_at=timezone.now(), read_by=by)
