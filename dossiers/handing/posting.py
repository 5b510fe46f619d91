"""Results by public post: parcels made, handed over, followed until they are delivered.

Lock order: the dossier, then its parcel. A parcel is only made when nothing is owed any more,
so its delivery hands the dossier over without asking again.
"""

from __future__ import annotations

import datetime
import logging
import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import notices, officepapers, papers, results, workflow
from dossiers.facts import LabelFacts, PostedFacts
from dossiers.handing import addresses
from dossiers.models import Dossier, OfficePaper, Paper, Parcel, ParcelEvent
from dossiers.workflow import Action, Move, Refused, Role, State, register
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User
    from django.db.models import QuerySet

    from procedures.models import Agency

# With the post: it may be neither collected here nor sent once more.
UNDER_WAY = (Parcel.State.HANDED, Parcel.State.ON_WAY, Parcel.State.FAILED)
# What the post, or an official for it, may say of a parcel that is under way.
NEWS = (
    Parcel.State.ON_WAY, Parcel.State.FAILED, Parcel.State.DELIVERED, Parcel.State.CAME_BACK,
)  # fmt: skip
CARRIER = gettext_lazy("Bưu điện Việt Nam")
# Clocks differ a little; a parcel is not delivered tomorrow.
CLOCKS_DIFFER = datetime.timedelta(hours=1)
MAKE_AT_MOST = 100
_S10 = re.compile("[A-Z]{2}([0-9]{8})([0-9])[A-Z]{2}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)

logger = logging.getLogger(__name__)


def latest(dossier: Dossier) -> Parcel | None:
    """The parcel of today, or the last one there was."""
    return dossier.parcels.order_by("-pk").first()


def owed(dossier: Dossier) -> list[str]:
    """Why the result cannot be sent yet, a sentence for each; empty where it can.

    Originals and fees without an amount were settled once a first parcel was made.
    """
    by_hand = [] if dossier.parcels.all() else _settled_by_hand(dossier)
    obstacle = results.obstacle_to_giving(dossier)
    return [*filter(None, [obstacle]), *_fees_owed(dossier), *by_hand, *_address_owed(dossier)]


def _refuse_what_does_not_hold(dossier: Dossier) -> None:
    if obstacle := results.obstacle_to_giving(dossier):
        raise Refused(obstacle)


def _address_owed(dossier: Dossier) -> list[str]:
    if addresses.is_complete(dossier.delivery_address):
        return []
    return [_("Chưa có địa chỉ nhận: xin hỏi người nộp rồi ghi ở “Đổi cách nhận kết quả”.")]


def _fees_owed(dossier: Dossier) -> list[str]:
    names = [line.name for line in results.unpaid_fees(dossier)]
    return [_("Chưa nộp: %(names)s.") % {"names": "; ".join(names)}] if names else []


def _settled_by_hand(dossier: Dossier) -> list[str]:
    """What only an official can say is settled."""
    said = []
    if names := results.originals_owed(dossier):
        said.append(_("Còn chờ bản chính: %(names)s.") % {"names": "; ".join(names)})
    if names := results.unknown_fees(dossier):
        said.append(_("Chưa có mức thu: %(names)s.") % {"names": "; ".join(names)})
    return said


# --- Made ---------------------------------------------------------------------------------


def make(dossier: Dossier, *, at: datetime.datetime, by: User | None) -> Parcel:
    """A parcel ready for the post, with its label; inside the transaction of a move.

    Where one is open already it is that one.
    """
    open_one = dossier.parcels.exclude(state__in=Parcel.ENDED).first()
    if open_one is not None:
        return open_one
    address = dossier.delivery_address
    far = addresses.reach_of(dossier, address)
    parcel = Parcel.objects.create(
        dossier=dossier,
        recipient=address["recipient"],
        phone=address["phone"],
        address={key: address.get(key, "") for key in ("commune", "name", "detail")},
        reach=far,
        postage=addresses.postage(dossier.receiving_agency, far),
        state_at=at,
    )
    _note(parcel, Parcel.State.READY, at, by=by)
    ask_for_label(parcel)
    return parcel


def make_paid() -> int:
    """Make the parcels of those who paid after their result was there; how many.

    Run every minute: what the money kept back goes on by itself.
    """
    waiting = Dossier.objects.filter(
        state=State.COMPLETED, delivery=Dossier.Delivery.POST, parcels=None,
        payments__state="paid", payments__paid_at__gte=F("completed_at"),
    )  # fmt: skip
    keys = waiting.order_by().values_list("pk", flat=True).distinct()[:MAKE_AT_MOST]
    return sum(_make_if_clear(pk) for pk in keys)


@transaction.atomic
def _make_if_clear(pk: int) -> bool:
    rows = Dossier.objects.select_related("revision", "receiving_agency", "handling_agency")
    dossier = rows.once_locked(pk)
    if dossier is None or dossier.state != State.COMPLETED or owed(dossier):
        return False
    make(dossier, at=timezone.now(), by=None)
    return True


def ask_for_label(parcel: Parcel) -> Paper:
    """Have the label printed, as the parcel is now."""
    paper = papers.ask_for(parcel.dossier, Paper.Kind.LABEL, _label_facts(parcel))
    parcel.label = paper
    parcel.save(update_fields=["label"])
    return paper


@in_vietnamese
def _label_facts(parcel: Parcel) -> LabelFacts:
    """What stands on the parcel: nothing of what lies in it but the code of the dossier."""
    office = parcel.dossier.receiving_agency
    return {
        **officepapers.head(office),
        "code": parcel.dossier.code,
        "sender": office.name,
        "sender_address": office.address,
        "sender_phone": office.phone,
        "recipient": parcel.recipient,
        "phone": parcel.phone,
        "detail": parcel.address.get("detail", ""),
        "commune": parcel.address.get("name", ""),
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "postage": addresses.amount_in_words(parcel.postage),
        "link": parcel.tracking_number or parcel.dossier.code,
    }


def drop_ready(dossier: Dossier, *, by: User | None) -> None:
    """Do not send what was not handed to the post yet."""
    for parcel in dossier.parcels.filter(state=Parcel.State.READY):
        _note(parcel, Parcel.State.CANCELLED, timezone.now(), by=by)
        parcel.state, parcel.state_at = Parcel.State.CANCELLED, timezone.now()
        parcel.save(update_fields=["state", "state_at"])


def refuse_under_way(dossier: Dossier) -> None:
    """Raise `Refused` where the result lies with the post."""
    if dossier.parcels.filter(state__in=UNDER_WAY).exists():
        raise Refused(
            _("Kết quả đang ở bưu điện nên không trả tại quầy được; chờ phát hoặc chuyển hoàn.")
        )


def _note(
    parcel: Parcel, state: str, at: datetime.datetime, *, note: str = "", by: User | None
) -> bool:
    """Write down what happened; False where that is known."""
    _row, is_new = ParcelEvent.objects.get_or_create(
        parcel=parcel, state=state, at=at, defaults={"note": note[:200], "by": by}
    )
    return is_new


# --- The desk's moves ---------------------------------------------------------------------


def _prepare(move: Move) -> None:
    """The desk has what was owed in its hands, and the result may go."""
    dossier = move.dossier
    _refuse_what_does_not_hold(dossier)
    if dossier.delivery != Dossier.Delivery.POST:
        raise Refused(_("Người nộp không chọn nhận qua bưu chính."))
    if dossier.parcels.exclude(state__in=Parcel.ENDED).exists():
        raise Refused(_("Kết quả này đã có bưu gửi rồi."))
    left = [*_fees_owed(dossier), *_address_owed(dossier)]
    originals, unknown = results.originals_owed(dossier), results.unknown_fees(dossier)
    ticked = move.details
    if (originals and not ticked.get("originals_received")) or (
        unknown and not ticked.get("fees_settled")
    ):
        left += [] if dossier.parcels.exists() else _settled_by_hand(dossier)
    if left:
        raise Refused(" ".join(left))
    move.data = {"originals": len(originals), "unknown_fees": len(unknown)}
    move.afterwards(lambda: make(dossier, at=move.now, by=move.by))


def _send(move: Move) -> None:
    """The parcel leaves the office; what the citizen is told names its number."""
    _refuse_what_does_not_hold(move.dossier)
    parcel = move.dossier.parcels.select_for_update().filter(state=Parcel.State.READY).first()
    if parcel is None:
        raise Refused(_("Hồ sơ này không có bưu gửi nào chờ gửi."))
    parcel.tracking_number = tracking_number(str(move.details.get("tracking_number") or ""))
    parcel.carrier = move.words("carrier")[:60] or str(CARRIER)
    taken = Parcel.objects.filter(
        carrier=parcel.carrier, tracking_number=parcel.tracking_number
    ).exclude(pk=parcel.pk)
    if taken.exists():
        raise Refused(
            _("Mã bưu gửi %(number)s đã dùng cho bưu gửi khác.")
            % {"number": parcel.tracking_number}
        )
    parcel.state, parcel.state_at = Parcel.State.HANDED, move.now
    parcel.save(update_fields=["tracking_number", "carrier", "state", "state_at"])
    _note(parcel, Parcel.State.HANDED, move.now, by=move.by)
    move.afterwards(lambda: ask_for_label(parcel))  # once more, with the number
    move.data = {"parcel": parcel.pk}
    move.say(
        _("%(carrier)s, mã bưu gửi %(number)s")
        % {"carrier": parcel.carrier, "number": parcel.tracking_number}
    )


def tracking_number(text: str) -> str:
    """A number as the post writes it; raises `Refused` for what is none.

    Thirteen characters of the form `EB125966888VN` carry a check digit (UPU standard S10).
    """
    number = re.sub(r"[\s.]", "", text).upper()
    if not number:
        raise Refused(_("Hãy ghi hoặc quét mã bưu gửi."))
    if not re.fullmatch("[A-Z0-9-]{6,40}", number):
        raise Refused(_("Mã bưu gửi chỉ gồm chữ cái và chữ số, ví dụ EB125966888VN."))
    parts = _S10.fullmatch(number)
    if parts and int(parts[2]) != _check_digit(parts[1]):
        raise Refused(_("Mã bưu gửi sai chữ số kiểm tra; xin quét hoặc gõ lại."))
    return number


def _check_digit(serial: str) -> int:
    total = sum(int(digit) * weight for digit, weight in zip(serial, _S10_WEIGHTS, strict=True))
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)


def hand_to_post(
    rows: list[tuple[Parcel, str]], agency: Agency, *, carrier: str, by: User
) -> OfficePaper:
    """Hand these parcels to the post together, each with its number; the list to sign.

    All or none: the list names what was handed over. Raises `Refused` with the code of the
    dossier that cannot go.
    """
    with transaction.atomic():
        for parcel, number in sorted(rows, key=lambda row: row[0].dossier_id):
            try:
                workflow.perform(
                    parcel.dossier, "send_by_post", by=by, tracking_number=number, carrier=carrier
                )
            except workflow.Refused as error:
                said = _("%(code)s: %(why)s") % {"code": parcel.dossier.code, "why": error}
                raise Refused(said) from error
        sent = Parcel.objects.filter(pk__in=[parcel.pk for parcel, _number in rows])
        contents = _posted_facts(agency, list(sent.select_related("dossier")), by=by)
        today = timezone.localdate()
        return officepapers.ask_for(
            agency, OfficePaper.Kind.POSTED, contents, by=by, first_day=today, last_day=today
        )


@in_vietnamese
def _posted_facts(agency: Agency, parcels: list[Parcel], *, by: User) -> PostedFacts:
    return {
        **officepapers.head(agency),
        "carrier": parcels[0].carrier if parcels else str(CARRIER),
        "rows": [
            {
                "tracking_number": parcel.tracking_number,
                "code": parcel.dossier.code,
                "recipient": parcel.recipient,
                "phone": parcel.phone,
                "address": addresses.in_words(parcel.address),
            }
            for parcel in parcels
        ],
        "officer": by.get_full_name(),
    }


# --- What the post says -------------------------------------------------------------------


@transaction.atomic
def record(
    parcel: Parcel, state: str, *, at: datetime.datetime, note: str = "", by: User | None = None
) -> bool:
    """Note what became of a parcel (`NEWS`) at a moment; False where that was known already.

    What is older than what is known changes nothing but the journey, unless it is the end; a
    delivered parcel stays delivered. Delivered, the dossier is handed over by the portal
    itself; undelivered or come back, its owner is told. Raises `Refused` for what cannot be.
    """
    if state not in NEWS:
        raise Refused(_("Hãy chọn một trạng thái của bưu gửi."))
    if at > timezone.now() + CLOCKS_DIFFER:
        raise Refused(_("Thời gian này chưa tới."))
    dossier = Dossier.objects.select_for_update().get(pk=parcel.dossier_id)
    if by is not None and not workflow.acting_roles(dossier, by):
        raise Refused(
            _("Xin để người khác ghi: ông/bà không xử lý hồ sơ của mình, của người thân.")
        )
    locked = Parcel.objects.select_for_update().get(pk=parcel.pk)
    if locked.state in (Parcel.State.READY, Parcel.State.CANCELLED):
        raise Refused(_("Bưu gửi này chưa giao cho bưu điện."))
    if not _note(locked, state, at, note=note, by=by):
        return False
    is_end = state in Parcel.ENDED
    if locked.state in UNDER_WAY and (is_end or at >= locked.state_at):
        is_news = locked.state != state
        locked.state, locked.state_at, locked.reminded_at = state, at, None
        locked.save(update_fields=["state", "state_at", "reminded_at"])
        if is_news:
            _follow(locked, note=note)
    return True


def _follow(parcel: Parcel, *, note: str) -> None:
    dossier = Dossier.objects.select_related(
        "owner", "revision", "receiving_agency", "handling_agency"
    ).get(pk=parcel.dossier_id)
    if parcel.state == Parcel.State.DELIVERED and dossier.state == State.COMPLETED:
        workflow.perform(
            dossier, "hand_over", by=None, parcel=parcel.pk, delivered_at=parcel.state_at
        )
    elif parcel.state in TOLD:
        tell(parcel, dossier, note=note)


TOLD = {Parcel.State.FAILED: "parcel_failed", Parcel.State.CAME_BACK: "parcel_came_back"}


def tell(parcel: Parcel, dossier: Dossier, *, note: str = "") -> None:
    """Tell the owner that the result did not reach them, and what they can do."""
    notices.say(
        dossier.owner, TOLD[parcel.state], dossier=dossier,
        number=parcel.tracking_number, carrier=parcel.carrier,
        why=_(" Bưu điện ghi: %(note)s.") % {"note": note.rstrip(".")} if note else "",
        desk=dossier.receiving_agency.name,
    )  # fmt: skip


def place_of(parcel: Parcel) -> str:
    """Where a parcel goes, in words."""
    return addresses.in_words(parcel.address)


def journey(parcels: QuerySet[Parcel]) -> list[Parcel]:
    """Parcels with what happened to each, the latest first, for a page."""
    return list(parcels.prefetch_related("events").order_by("-pk"))


for _action in (
    Action(
        "prepare_parcel", gettext_lazy("Chuẩn bị gửi bưu chính"), (State.COMPLETED,), _prepare,
        roles=(Role.RECEPTION,), asks=("originals_received", "fees_settled"), is_silent=True,
        after_approval=True,
        possible=lambda dossier: dossier.delivery == Dossier.Delivery.POST,
        offered=lambda dossier: not dossier.parcels.exclude(state__in=Parcel.ENDED).exists(),
    ),
    Action(
        "send_by_post", gettext_lazy("Giao bưu điện"), (State.COMPLETED,), _send,
        roles=(Role.RECEPTION,), asks=("tracking_number", "carrier"), after_approval=True,
        possible=lambda dossier: dossier.delivery == Dossier.Delivery.POST,
        offered=lambda dossier: dossier.parcels.filter(state=Parcel.State.READY).exists(),
    ),
):  # fmt: skip
    register(_action)
