"""What the citizen is told about each move: in the portal at once, by e-mail from a task.

Each notice says what happened, what to do, by when, and links there. A mail server that
is down delays a notice; it never breaks a move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers.models import Dossier, Event, Notice
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from dossiers.workflow import Move


class Words(NamedTuple):
    """The subject and the body of a notice; `%(…)s` as in `_values()`."""

    subject: object
    body: object


WORDS = {
    "submit": Words(
        gettext_lazy("Hồ sơ %(code)s: đã nộp, chưa được tiếp nhận"),
        gettext_lazy(
            "Ông/bà đã nộp hồ sơ “%(procedure)s” đến %(office)s.\n"
            "Hồ sơ chưa được tiếp nhận. Cơ quan sẽ trả lời trước %(answer_by)s."
        ),
    ),
    "submit_and_pay": Words(
        gettext_lazy("Hồ sơ %(code)s: cần nộp phí để hoàn tất việc nộp"),
        gettext_lazy(
            "Ông/bà đã nộp hồ sơ “%(procedure)s” đến %(office)s.\n"
            "Hãy nộp phí, lệ phí; hồ sơ chuyển đến cơ quan ngay sau khi nộp phí."
        ),
    ),
    "accept": Words(
        gettext_lazy("Hồ sơ %(code)s: đã được tiếp nhận"),
        gettext_lazy(
            "%(office)s đã tiếp nhận hồ sơ “%(procedure)s”.\n"
            "Hẹn trả kết quả: %(promised_at)s. Giấy tiếp nhận có trên trang theo dõi hồ sơ."
        ),
    ),
    "refuse": Words(
        gettext_lazy("Hồ sơ %(code)s: không được tiếp nhận"),
        gettext_lazy(
            "%(office)s không tiếp nhận hồ sơ “%(procedure)s”.\nLý do: %(note)s\nCăn cứ: %(ground)s"
        ),
    ),
    "request_supplement": Words(
        gettext_lazy("Hồ sơ %(code)s: cần bổ sung"),
        gettext_lazy(
            "%(office)s đề nghị ông/bà bổ sung hồ sơ “%(procedure)s”:\n%(note)s\n"
            "Hãy bổ sung trước %(citizen_by)s. Thời gian giải quyết tạm dừng trong lúc chờ."
        ),
    ),
    "answer_supplement": Words(
        gettext_lazy("Hồ sơ %(code)s: đã nhận bổ sung"),
        gettext_lazy("Cơ quan đã nhận phần bổ sung của ông/bà và tiếp tục giải quyết hồ sơ."),
    ),
    "request_payment": Words(
        gettext_lazy("Hồ sơ %(code)s: cần nộp phí, lệ phí"),
        gettext_lazy(
            "Hãy nộp phí, lệ phí của hồ sơ “%(procedure)s” trên trang theo dõi hồ sơ.\n"
            "Thời gian giải quyết tạm dừng trong lúc chờ."
        ),
    ),
    "confirm_payment": Words(
        gettext_lazy("Hồ sơ %(code)s: đã nhận phí, lệ phí"),
        gettext_lazy("Cơ quan đã nhận phí, lệ phí của ông/bà. Xác nhận thanh toán ở trang hồ sơ."),
    ),
    "take": Words(
        gettext_lazy("Hồ sơ %(code)s: đang được xử lý"),
        gettext_lazy("Hồ sơ “%(procedure)s” đã có người thụ lý. Hẹn trả kết quả: %(promised_at)s."),
    ),
    "send_draft": Words(
        gettext_lazy("Hồ sơ %(code)s: mời ông/bà kiểm tra bản dự thảo"),
        gettext_lazy(
            "Hãy kiểm tra từng chữ trong bản dự thảo kết quả và xác nhận trước %(citizen_by)s."
        ),
    ),
    "send_draft_silence_agrees": Words(
        gettext_lazy("Hồ sơ %(code)s: mời ông/bà kiểm tra bản dự thảo"),
        gettext_lazy(
            "Hãy kiểm tra từng chữ trong bản dự thảo kết quả và xác nhận trước %(citizen_by)s.\n"
            "Quá thời gian này mà không có trả lời thì coi như ông/bà đồng ý."
        ),
    ),
    "recall_draft": Words(
        gettext_lazy("Hồ sơ %(code)s: cơ quan xem lại bản dự thảo"),
        gettext_lazy(
            "%(office)s đã thu lại bản dự thảo kết quả để xem lại; ông/bà không cần trả lời.\n"
            "Lý do: %(note)s"
        ),
    ),
    "confirm_by_silence": Words(
        gettext_lazy("Hồ sơ %(code)s: bản dự thảo coi như được đồng ý"),
        gettext_lazy(
            "Đã hết thời gian kiểm tra bản dự thảo kết quả mà không có trả lời, nên coi như "
            "ông/bà đồng ý.\nNếu thấy có chỗ sai, hãy liên hệ ngay với %(office)s."
        ),
    ),
    "extend": Words(
        gettext_lazy("Hồ sơ %(code)s: xin lỗi và hẹn lại ngày trả kết quả"),
        gettext_lazy(
            "%(office)s xin lỗi vì chưa trả được kết quả đúng hẹn.\nLý do: %(note)s\n"
            "Ngày hẹn mới: %(promised_at)s."
        ),
    ),
    "transfer": Words(
        gettext_lazy("Hồ sơ %(code)s: chuyển đến cơ quan có thẩm quyền"),
        gettext_lazy(
            "Hồ sơ “%(procedure)s” được chuyển đến %(office)s. Mã hồ sơ và thời gian không đổi."
        ),
    ),
    "complete": Words(
        gettext_lazy("Hồ sơ %(code)s: đã có kết quả"),
        gettext_lazy("Hồ sơ “%(procedure)s” đã giải quyết xong. Cách nhận: %(delivery)s."),
    ),
    "hand_over": Words(
        gettext_lazy("Hồ sơ %(code)s: đã trả kết quả"),
        gettext_lazy("Kết quả của hồ sơ “%(procedure)s” đã được trả. %(delivery)s."),
    ),
    "stop": Words(
        gettext_lazy("Hồ sơ %(code)s: dừng giải quyết"),
        gettext_lazy(
            "%(office)s dừng giải quyết hồ sơ “%(procedure)s”.\nLý do: %(note)s\nCăn cứ: %(ground)s"
        ),
    ),
    "withdraw": Words(
        gettext_lazy("Hồ sơ %(code)s: đã rút"),
        gettext_lazy("Hồ sơ “%(procedure)s” đã được rút theo đề nghị của ông/bà."),
    ),
}


@in_vietnamese
def tell(move: Move, event: Event) -> None:
    """Write the notice of a move, if the citizen is told of it, and have it sent."""
    from dossiers.tasks import send_notice

    words = WORDS.get(_name_of_words(move))
    if words is None:
        return
    values = _values(move)
    notice = Notice.objects.create(
        dossier=move.dossier,
        recipient=move.dossier.owner,
        event=event,
        subject=str(words.subject) % values,
        body=str(words.body) % values,
    )
    send_notice.enqueue(notice.pk)


def _name_of_words(move: Move) -> str:
    name = move.action.name
    if name == "submit" and move.fee_lines:
        return "submit_and_pay"
    if name == "send_draft" and _silence_agrees(move.dossier):
        return "send_draft_silence_agrees"
    return name


def _silence_agrees(dossier: Dossier) -> bool:
    return any(step.get("no_answer") == "agree" for step in dossier.revision.steps)


def _values(move: Move) -> dict[str, str]:
    dossier, note = move.dossier, move.note
    return {
        "code": dossier.code,
        "procedure": dossier.revision.short_name,
        "office": dossier.handling_agency.name,
        "answer_by": moment_text(dossier.answer_by),
        "promised_at": moment_text(dossier.promised_at),
        "citizen_by": moment_text(dossier.citizen_by),
        "delivery": dossier.get_delivery_display(),
        "note": note.text if note else "",
        "ground": note.legal_ground if note else "",
    }


def moment_text(moment) -> str:
    """`17:00 ngày 25/11/2026`; for none, that the office will say."""
    if moment is None:
        return _("ngày cơ quan thông báo")
    local = timezone.localtime(moment)
    return _("%(time)s ngày %(day)s") % {"time": f"{local:%H:%M}", "day": f"{local:%d/%m/%Y}"}


def send(notice: Notice) -> None:
    """Send a notice by e-mail, once; raises what the mail server raises, to be tried again."""
    if notice.sent_at is not None:
        return
    link = f"{settings.SITE_URL}{notice.dossier.get_absolute_url()}"
    message = EmailMessage(
        subject=notice.subject,
        body=_("%(body)s\n\nXem hồ sơ: %(link)s\n\n%(office)s – %(phone)s")
        % {
            "body": notice.body,
            "link": link,
            "office": notice.dossier.receiving_agency.name,
            "phone": notice.dossier.receiving_agency.phone,
        },
        to=[notice.recipient.email],
        # The same id each time, so that a message sent twice can be told from two messages.
        headers={"Message-ID": f"<notice-{notice.pk}-{notice.dossier.key}@mot-cua>"},
    )
    if not message.send():
        return  # nobody to send it to: it stays unsent, and silence about it means nothing
    Notice.objects.filter(pk=notice.pk).update(sent_at=timezone.now())
