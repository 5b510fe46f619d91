"""What the law says of a move, told on its form before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import clock, proposals
from dossiers.models import Dossier
from dossiers.notices import moment_text


def hints(name: str, dossier: Dossier) -> list[str]:
    """Sentences for who is about to make this move."""
    tell = _HINTS.get(name)
    return list(tell(dossier)) if tell else []


def _of_supplement(dossier: Dossier) -> Iterator[str]:
    said, last = proposals.circumstances(dossier), proposals.last_moment(dossier)
    if said.needs_consent:
        yield _("Lãnh đạo phải cho phép trước khi gửi: %(why)s.") % {"why": said.words}
    elif last:
        yield _("Yêu cầu một lần, đầy đủ, gửi trước %(when)s (Nghị định 61/2018/NĐ-CP).") % {
            "when": moment_text(last)
        }


def _of_refusal(dossier: Dossier) -> Iterator[str]:
    yield _("Chỉ gửi được khi lãnh đạo đồng ý. Phiếu từ chối tự ghi nơi và thời hạn khiếu nại.")
    if dossier.answer_by:
        yield _("Phải trả lời trước %(when)s.") % {"when": moment_text(dossier.answer_by)}


def _of_stop(dossier: Dossier) -> Iterator[str]:
    yield _("Thông báo dừng tự ghi nơi và thời hạn khiếu nại, khởi kiện.")


def _of_extension(dossier: Dossier) -> Iterator[str]:
    last = clock.apology_by(dossier)
    yield _("Hẹn trả hiện nay: %(when)s. Chỉ được hẹn lại một lần.") % {
        "when": moment_text(dossier.promised_at)
    }
    if last and timezone.now() > last:
        yield _("Đã quá thời gian xin lỗi (trước %(when)s); việc chậm được ghi nhận.") % {
            "when": moment_text(last)
        }
    elif last:
        yield _("Văn bản xin lỗi phải được ký trước %(when)s.") % {"when": moment_text(last)}


def _of_exemption(dossier: Dossier) -> Iterator[str]:
    yield _(
        "Đề nghị được chấp nhận thì không rút lại được: khoản ấy không thu, hoặc chỉ thu phần còn "
        "lại. Đề nghị không được chấp nhận thì ghi rõ lý do; cổng báo cho người nộp."
    )


_HINTS: dict[str, Callable[[Dossier], Iterator[str]]] = {
    "request_supplement": _of_supplement,
    "propose_supplement": _of_supplement,
    "propose_further_supplement": _of_supplement,
    "propose_refusal": _of_refusal,
    "stop": _of_stop,
    "decide_exemption": _of_exemption,
    "propose_extension": _of_extension,
    "extend": _of_extension,
}
