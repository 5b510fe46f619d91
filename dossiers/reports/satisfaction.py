"""What people said in a period: ratings, and whether complaints were answered in time."""

from __future__ import annotations

from django.db.models import Count, F, Q

from dossiers.models import Complaint, Rating
from dossiers.reports.figures import Scope
from dossiers.reports.periods import Period


def satisfied(period: Period, scope: Scope) -> tuple[int, int]:
    """How many of the ratings given in a period say satisfied on the whole, and of how many."""
    rated = Rating.objects.filter(rated_at__gte=period.begin, rated_at__lt=period.end)
    found = rated.filter(dossier__in=scope.dossiers(Q())).aggregate(
        of_all=Count("pk"), part=Count("pk", filter=Q(overall__gte=Rating.Grade.GOOD))
    )
    return found["part"], found["of_all"]


def answered_in_time(period: Period, scope: Scope) -> tuple[int, int]:
    """Of the complaints whose time ended in a period, how many were answered before it did."""
    due = Complaint.objects.filter(due_at__gte=period.begin, due_at__lt=period.end)
    found = due.filter(dossier__in=scope.dossiers(Q())).aggregate(
        of_all=Count("pk"), part=Count("pk", filter=Q(answered_at__lte=F("due_at")))
    )
    return found["part"], found["of_all"]
