"""What the dossiers app holds about one person: to hand over a copy of it, and to erase it.

A copy has nothing of other people but what this person was shown anyway: the names of
officials, and of those who take part in the same dossier. Erasing leaves filed dossiers
as they are: the archive law keeps them (DOMAIN.md), under the person's number alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.files import File
from django.db.models import Q, QuerySet
from django.utils import timezone

from dossiers import attachments, searching, wallet
from dossiers.models import (
    Attachment,
    CheckMark,
    Delivery,
    Dossier,
    KeptPaper,
    Message,
    Notice,
    NoticePreference,
    Paper,
    Participant,
    PrivateNote,
    Question,
    Rating,
    Result,
)

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


class StoredFile(NamedTuple):
    """One file of the copy: its name inside, and where it lies."""

    name: str
    file: File


# --- A copy -----------------------------------------------------------------------------


def copy_of(user: User) -> dict[str, Any]:
    """Everything but the files, in plain values that JSON can hold."""
    return {
        "ho_so": [_dossier(dossier) for dossier in _dossiers(user)],
        "tham_gia_ho_so_cua_nguoi_khac": [
            {
                "ho_so": part.dossier.code or "",
                "vai_tro": part.get_role_display(),
                "tham_gia_luc": _when(part.joined_at),
                "dong_y_luc": _when(part.agreed_at),
                "thoi_tham_gia_luc": _when(part.ended_at),
            }
            for part in Participant.objects.filter(user=user).select_related("dossier")
        ],
        "tin_nhan_da_gui": [
            {"ho_so": said.dossier.code or "", "luc": _when(said.sent_at), "noi_dung": said.text}
            for said in Message.objects.filter(author=user)
            .exclude(dossier__owner=user)
            .select_related("dossier")
        ],
        "thong_bao": [_notice(notice) for notice in _notices(user)],
        "cach_nhan_thong_bao": list(
            NoticePreference.objects.filter(user=user).values("email", "sms", "zalo", "pace")
        ),
        "vi_giay_to": [
            {
                "ten": paper.title,
                "tep": _in_wallet(paper),
                "co_gia_tri_den": paper.expires_on and paper.expires_on.isoformat(),
                "luu_luc": _when(paper.created_at),
            }
            for paper in KeptPaper.objects.filter(owner=user)
        ],
        "cau_hoi": [_question(question) for question in Question.objects.of(user)],
    }


def files_of(user: User) -> Iterator[StoredFile]:
    """The files of the copy: what was sent in, what was issued, what lies in the wallet."""
    for dossier in _dossiers(user):
        folder = _folder(dossier)
        for sent in _attached(dossier):
            yield StoredFile(f"{folder}/tep/{_named(sent)}", sent.file)
        for paper in dossier.papers.exclude(file="").exclude(kind__in=Paper.INTERNAL):
            yield StoredFile(f"{folder}/giay/{paper.slug()}-{paper.number}.pdf", paper.file)
        # As on the dossier's page: the result is theirs once it was handed over.
        for result in _results(dossier):
            yield StoredFile(f"{folder}/ket-qua/{result.pk}.pdf", result.file)
    for kept in KeptPaper.objects.filter(owner=user):
        yield StoredFile(_in_wallet(kept), kept.file)


def _attached(dossier: Dossier) -> list[Attachment]:
    """Its files, without those that somebody else has ready for a message and did not send."""
    return [
        row
        for row in dossier.attachments.all()
        if row.submitted_at
        or row.document != Attachment.MESSAGE
        or row.uploaded_by_id == dossier.owner_id
    ]


def _results(dossier: Dossier) -> QuerySet[Result]:
    if dossier.state != Dossier.State.RETURNED:
        return dossier.results.none()
    return dossier.results.exclude(file="").filter(revoked_at=None)


def _dossiers(user: User):
    return (
        Dossier.objects.filter(owner=user)
        .select_related(
            "revision", "receiving_agency", "handling_agency", "assignee", "collection", "rating"
        )
        .prefetch_related(
            "attachments",
            "events__actor",
            "events__note",
            "messages__author",
            "parcels",
            "complaints",
        )
        .order_by("pk")
    )


def _dossier(dossier: Dossier) -> dict[str, Any]:
    return {
        "ma_ho_so": dossier.code or "",
        "ma_tra_cuu": dossier.secret,
        "thu_tuc": dossier.revision.name,
        "trang_thai": dossier.get_state_display(),
        "noi_giai_quyet": dossier.handling_agency.name if dossier.handling_agency else "",
        "nguoi_thu_ly": dossier.assignee.get_full_name() if dossier.assignee else "",
        "noi_dung_khai": dossier.answers,
        "nop_thay_cho": dossier.behalf,
        "nhan_ket_qua": {
            "cach": dossier.get_delivery_display(),
            "gui_den": dossier.delivery_address,
            "buu_gui": [
                {
                    "ma": parcel.tracking_number,
                    "nguoi_nhan": parcel.recipient,
                    "dien_thoai": parcel.phone,
                    "dia_chi": parcel.address,
                    "trang_thai": parcel.get_state_display(),
                    "luc": _when(parcel.state_at),
                }
                for parcel in dossier.parcels.all()
            ],
            "tai_quay": _at_desk(dossier),
        },
        "tao_luc": _when(dossier.created_at),
        "nop_luc": _when(dossier.submitted_at),
        "hen_tra": _when(dossier.promised_at),
        "tep": [
            {
                "tep": f"{_folder(dossier)}/tep/{_named(sent)}",
                "giay_to": sent.document,
                "sha256": sent.sha256,
                "gui_luc": _when(sent.uploaded_at),
            }
            for sent in _attached(dossier)
        ],
        "dien_bien": [
            {
                "viec": event.name,
                "luc": _when(event.at),
                "nguoi": event.actor.get_full_name() if event.actor else "",
            }
            for event in dossier.events.all()
        ],
        "tin_nhan": [
            {
                "tu_co_quan": said.is_from_office,
                "luc": _when(said.sent_at),
                "noi_dung": said.text,
            }
            for said in dossier.messages.all()
        ],
        "yeu_cau_bo_sung": [
            {
                "ly_do": asked.reason,
                "can_bo_sung": asked.items,
                "yeu_cau_luc": _when(asked.asked_at),
                "tra_loi_luc": _when(asked.answered_at),
                "tra_loi": asked.answer,
            }
            for asked in dossier.supplement_requests.all()
        ],
        "danh_gia": _rating(dossier),
        "phan_anh_khieu_nai": [
            {
                "ma": row.code,
                "loai": row.get_kind_display(),
                "luc": _when(row.made_at),
                "noi_dung": row.text,
                "tra_loi": row.answer,
                "tra_loi_luc": _when(row.answered_at),
            }
            for row in dossier.complaints.all()
        ],
    }


def _rating(dossier: Dossier) -> dict[str, Any]:
    """How satisfied its filer was; {} where they did not say."""
    row = getattr(dossier, "rating", None)
    if row is None:
        return {}
    return {
        "chung": row.get_overall_display(),
        "thuan_tien": row.get_convenience_display() or "",
        "dung_han": row.get_timeliness_display() or "",
        "thai_do": row.get_attitude_display() or "",
        "y_kien": row.words,
        "luc": _when(row.rated_at),
    }


def _at_desk(dossier: Dossier) -> dict[str, Any]:
    """Who collected the result at the desk; {} for none."""
    row = getattr(dossier, "collection", None)
    if row is None or row.collected_at is None:
        return {}
    return {
        "luc": _when(row.collected_at),
        "nguoi_nhan": row.collector_name,
        "tu_cach": row.get_collector_display(),
        "giay_uy_quyen": row.mandate,
    }


def _notices(user: User):
    return Notice.objects.filter(recipient=user).select_related("dossier").order_by("pk")


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "ho_so": notice.dossier.code if notice.dossier else "",
        "tieu_de": notice.subject,
        "noi_dung": notice.body,
        "luc": _when(notice.created_at),
        "doc_luc": _when(notice.read_at),
    }


def _question(question: Question) -> dict[str, Any]:
    return {
        "ma": question.code,
        "hoi_luc": _when(question.asked_at),
        "cau_hoi": question.text,
        "tra_loi": question.answer,
        "tra_loi_luc": _when(question.answered_at),
    }


def _folder(dossier: Dossier) -> str:
    return f"ho-so/{dossier.code or f'ban-nhap-{dossier.pk}'}"


def _named(sent: Attachment) -> str:
    """Two files may have one name: the number goes before it."""
    return f"{sent.pk}-{_safe(sent.name)}"


def _in_wallet(paper: KeptPaper) -> str:
    return f"vi-giay-to/{paper.pk}-{_safe(paper.name)}"


def _safe(name: str) -> str:
    """A name that leads out of no folder, whatever unpacks the copy."""
    kept = "".join("-" if sign in '\\/:*?"<>|' or ord(sign) < 32 else sign for sign in name)
    return kept.strip(". ") or "tep"


def _when(moment: datetime.datetime | None) -> str | None:
    return timezone.localtime(moment).isoformat() if moment else None


# --- Erasing ------------------------------------------------------------------------------


def still_open(user: User) -> list[Dossier]:
    """The filed dossiers that are not at their end: the person's own, or joined by them."""
    joined = Participant.objects.active().filter(user=user).values("dossier")
    theirs = Dossier.objects.filter(Q(owner=user) | Q(pk__in=joined))
    return list(theirs.open().select_related("revision").order_by("pk"))


def lock_all(user: User) -> None:
    """Hold the person's dossiers until the transaction ends: none is filed meanwhile."""
    rows = Dossier.objects.select_for_update().filter(owner=user).order_by("pk")
    list(rows.values_list("pk", flat=True))


def erase(user: User) -> None:
    """Remove what no law keeps, in the caller's transaction; files go once it committed.

    Drafts, the wallet, preferences, notices outside filed dossiers and the addresses that
    notices went to; the person leaves others' drafts, and questions lose their asker. What
    officials jotted down about their dossiers (notes, marks) and the words of ratings go too.
    """
    theirs = Notice.objects.filter(recipient=user)
    theirs.filter(Q(dossier=None) | Q(dossier__state=Dossier.State.DRAFT)).delete()
    Delivery.objects.filter(notice__recipient=user).update(address="")
    NoticePreference.objects.filter(user=user).delete()
    parts = Participant.objects.filter(user=user)
    parts.update(contact="")
    parts.filter(ended_at=None).update(ended_at=timezone.now())
    for draft in Dossier.objects.filter(owner=user, state=Dossier.State.DRAFT):
        attachments.discard(draft)
    PrivateNote.objects.filter(dossier__owner=user).delete()
    CheckMark.objects.filter(dossier__owner=user).delete()
    for paper in KeptPaper.objects.filter(owner=user):
        wallet.forget(paper)
    _erase_questions(user)
    # The grades stay counted; what was written beside them nobody is bound to keep.
    Rating.objects.filter(dossier__owner=user).update(words="")


def forget_terms(user: User) -> None:
    """Find the filed dossiers of an erased person no longer by what their account said."""
    joined = Participant.objects.filter(user=user).values("dossier")
    filed = Dossier.objects.filter(Q(owner=user) | Q(pk__in=joined))
    for dossier in filed.exclude(state=Dossier.State.DRAFT).select_related("owner", "revision"):
        searching.index(dossier)


def _erase_questions(user: User) -> None:
    """Questions lose who asked; one still to be answered keeps its text for the office."""
    asked = Question.objects.filter(owner=user)
    asked.exclude(answered_at=None).update(text="", erased_at=timezone.now())
    asked.update(name="", email="", phone="", owner=None)
