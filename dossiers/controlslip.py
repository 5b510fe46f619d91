"""The control slip: who had a dossier when, drawn from the ledger (DOMAIN.md 1.3, Mẫu 05).

Printed by itself when the result is there, and before that whenever an official wants one:
each print is a paper of its own with a number, kept as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import facts, papers
from dossiers.models import Breach, Dossier, Event, Paper
from dossiers.workflow import Action, Move, Role, State, moved, register
from procedures.text import in_vietnamese

_LATE = (Breach.Kind.HANDED_ON_LATE, Breach.Kind.STEP_LATE, Breach.Kind.OVERDUE)
# What passes a dossier on: (who gives it, who takes it), by the name of the event.
_HANDS = {
    "hand_on": ("desk", "office"),
    "take": ("desk", "officer"),
    "propose": ("officer", "approver"),
    "record_at_once": ("desk", "approver"),
    "confirm_draft": ("citizen", "approver"),
    "send_back": ("approver", "officer"),
    "complete": ("approver", "desk"),
    "hand_over": ("desk", "citizen"),
    "transfer": ("office", "office"),
    "request_supplement": ("desk", "citizen"),
    "answer_supplement": ("citizen", "desk"),
}
_SHOWN_STATES = tuple(
    state for state in State if state not in (State.DRAFT, State.SUBMITTED, State.REFUSED)
)


@in_vietnamese
def control_facts(dossier: Dossier) -> facts.ControlFacts:
    """Every hand-over of the dossier until now."""
    return {
        **papers.head(dossier, dossier.receiving_agency),
        "number": papers.number_of(Paper.Kind.CONTROL, dossier.receiving_agency),
        "handling_office": dossier.handling_agency.name,
        "partners": list(
            dossier.opinions.exclude(office="").values_list("office", flat=True).distinct()
        ),
        "accepted_at": papers.iso(dossier.accepted_at),
        "promised_at": papers.iso(dossier.promised_at),
        "rows": list(_rows(dossier)),
    }


def _rows(dossier: Dossier) -> Iterator[facts.ControlRow]:
    late = list(dossier.breaches.filter(kind__in=_LATE).values_list("at", flat=True))
    before = dossier.submitted_at
    holder = ""
    for event in _passed_on(dossier):
        giver, taker = _HANDS[event.name]
        name = event.actor.get_full_name() if event.actor else ""
        yield {
            "giver": _called(giver, dossier),
            "taker": _called(taker, dossier),
            "at": papers.iso(event.at),
            "given_by": holder if event.name == "take" else name,
            "taken_by": name if event.name == "take" else "",
            "timing": _timing(dossier, event, any(before <= at <= event.at for at in late)),
            "note": _note(event),
        }
        before, holder = event.at, name


def _passed_on(dossier: Dossier) -> list[Event]:
    """The events that passed it on; of handing on and taking in one breath, the taking alone."""
    events = list(dossier.events.filter(name__in=_HANDS).select_related("actor").order_by("seq"))
    return [
        event
        for event, following in zip(events, [*events[1:], None], strict=True)
        if not (event.name == "hand_on" and following and following.name == "take")
    ]


def _called(who: str, dossier: Dossier) -> str:
    office = dossier.handling_agency.name
    return {
        "desk": dossier.receiving_agency.name,
        "office": office,
        "officer": _("%(office)s (người thụ lý)") % {"office": office},
        "approver": _("%(office)s (người ký)") % {"office": office},
        "citizen": _("Người nộp hồ sơ"),
    }[who]


def _timing(dossier: Dossier, event: Event, was_late: bool) -> str:
    if event.name == "complete" and dossier.timing:
        return dossier.get_timing_display()
    return _("Quá hạn") if was_late else _("Đúng hạn")


def _note(event: Event) -> str:
    return {
        "send_back": _("Trả lại để sửa"),
        "transfer": _("Chuyển cơ quan có thẩm quyền"),
        "request_supplement": _("Yêu cầu bổ sung; dừng tính giờ"),
        "answer_supplement": _("Đã bổ sung"),
        "confirm_draft": _("Công dân xác nhận bản dự thảo"),
    }.get(event.name, "")


@receiver(moved, dispatch_uid="control slip")
def _with_the_result(move: Move, **kwargs: object) -> None:
    """With the result there is nothing more to hand over inside the office."""
    if move.action.name == "complete" and not move.dossier.is_at_once:
        papers.ask_for(move.dossier, Paper.Kind.CONTROL, control_facts(move.dossier))


def _print_control(move: Move) -> None:
    move.papers.append((Paper.Kind.CONTROL, control_facts(move.dossier)))


register(
    Action(
        "print_control",
        gettext_lazy("In phiếu kiểm soát"),
        _SHOWN_STATES,
        _print_control,
        roles=(Role.RECEPTION, Role.CASE_OFFICER, Role.APPROVER, Role.LEADER),
        after_approval=True,
    )
)
