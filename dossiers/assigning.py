"""A leader gives a dossier to a case officer, or to another one; its state stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import conflicts
from dossiers.workflow import Action, Move, Refused, Role, State, is_party, register
from procedures.models import Posting
from procedures.postings import at_or_above

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from dossiers.models import Dossier

_LONGEST_KEY = 18
STATES = (
    State.ACCEPTED,
    State.PROCESSING,
    State.AWAITING_CONFIRMATION,
    State.SUPPLEMENT_REQUIRED,
    State.PAYMENT_REQUIRED,
)


def officers(offices: object) -> QuerySet:
    """The case officers of today at any of these offices (keys), by name."""
    posted = Posting.objects.current().filter(role=Role.CASE_OFFICER, agency__in=offices)
    people = get_user_model().objects.filter(is_active=True, pk__in=posted.values("user"))
    return people.order_by("full_name", "pk")


def officers_of(dossier: Dossier) -> QuerySet:
    """Those to whom this dossier may be given: at the office that handles it, or above."""
    return officers(at_or_above(dossier.handling_agency))


def _assign(move: Move) -> None:
    dossier, key = move.dossier, str(move.details.get("assignee") or "")
    is_key = key.isdecimal() and len(key) <= _LONGEST_KEY
    person = officers_of(dossier).filter(pk=int(key)).first() if is_key else None
    if person is None:
        raise Refused(_("Hãy chọn một công chức thụ lý của cơ quan giải quyết hồ sơ này."))
    if person.pk == dossier.assignee_id:
        raise Refused(_("Hồ sơ đã được giao cho %(name)s.") % {"name": person.get_full_name()})
    if is_party(dossier, person) or conflicts.has_conflict(dossier, person):
        raise Refused(
            _("%(name)s có liên quan đến người trong hồ sơ này nên không thụ lý được.")
            % {"name": person.get_full_name()}
        )
    move.data = {"assignee": person.pk, "before": dossier.assignee_id}
    dossier.assignee = person


register(
    Action(
        "assign", gettext_lazy("Giao cho công chức"), STATES, _assign,
        roles=(Role.LEADER,), asks=("assignee",), is_silent=True,
    )
)  # fmt: skip
