"""The words of notices: what happened, and what the reader has to do.

`%(filer)s` and `%(Filer)s` are "ông/bà" for the one who filed and "người nộp hồ sơ" for the
others of the dossier. A subject holds no name: it goes by SMS, and shows on a locked screen.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from dossiers.models import Dossier

NOTHING_TO_DO = _("Ông/bà không cần làm gì thêm lúc này.")
TO_DO = _("%(Filer)s cần làm: %(action)s")


class Words(NamedTuple):
    """The texts of one kind of notice; `%(…)s` as in `notices.values_of()`.

    `action` follows "Ông/bà cần làm:" for the one who files, and `page` is the name of the
    address where it is done, for a dossier's code. Without an action `rest` is what is left
    to say.
    """

    subject: object
    body: object
    action: object = ""
    page: str = ""
    rest: object = NOTHING_TO_DO

    @property
    def is_urgent(self) -> bool:
        """Whether the reader has something to do: such a notice never waits for a digest."""
        return bool(self.action)


WORDS = {
    "submit": Words(
        _("Hồ sơ %(code)s: đã nộp, chưa được tiếp nhận"),
        _(
            "%(Filer)s đã nộp hồ sơ “%(procedure)s” đến %(office)s.\n"
            "Hồ sơ chưa được tiếp nhận. Cơ quan sẽ trả lời trước %(answer_by)s."
        ),
    ),
    "submit_and_pay": Words(
        _("Hồ sơ %(code)s: cần nộp phí để hoàn tất việc nộp"),
        _(
            "%(Filer)s đã nộp hồ sơ “%(procedure)s” đến %(office)s.\n"
            "Hồ sơ chuyển đến cơ quan ngay sau khi nộp phí, lệ phí."
        ),
        _("nộp phí, lệ phí trên trang hồ sơ%(before)s."),
        "payments:start",
    ),
    "submit_at_counter": Words(
        _("Hồ sơ %(code)s: đã nhận tại quầy, chưa được tiếp nhận"),
        _(
            "%(office)s đã nhận giấy tờ của hồ sơ “%(procedure)s” do %(filer)s nộp.\n"
            "Hồ sơ chưa được tiếp nhận. Cơ quan sẽ trả lời trước %(answer_by)s."
        ),
    ),
    "accept": Words(
        _("Hồ sơ %(code)s: đã được tiếp nhận"),
        _(
            "%(office)s đã tiếp nhận hồ sơ “%(procedure)s”.\n"
            "Hẹn trả kết quả: %(promised_at)s. Giấy tiếp nhận có trên trang theo dõi hồ sơ."
        ),
    ),
    "refuse": Words(
        _("Hồ sơ %(code)s: không được tiếp nhận"),
        _(
            "%(office)s không tiếp nhận hồ sơ “%(procedure)s”.\nLý do: %(note)s\n"
            "Căn cứ: %(ground)s\nPhiếu từ chối có trên trang hồ sơ. Khi đã đủ điều kiện, "
            "%(filer)s có thể nộp hồ sơ mới.\n%(appeal)s"
        ),
    ),
    "request_supplement": Words(
        _("Hồ sơ %(code)s: cần bổ sung"),
        _(
            "%(office)s đề nghị bổ sung hồ sơ “%(procedure)s”:\n\n%(note)s\n\n"
            "Thời gian giải quyết tạm dừng trong lúc chờ."
        ),
        _("bổ sung hồ sơ trên cổng%(before)s."),
        "dossiers:supplement",
    ),
    "answer_supplement": Words(
        _("Hồ sơ %(code)s: đã nhận bổ sung"),
        _("Cơ quan đã nhận phần bổ sung của %(filer)s và tiếp tục giải quyết hồ sơ.%(promise)s"),
    ),
    "decide_exemption": Words(
        _("Hồ sơ %(code)s: đề nghị miễn, giảm được chấp nhận"),
        _("%(office)s đã xem đề nghị miễn, giảm của hồ sơ “%(procedure)s”.\n%(note)s"),
    ),
    "decide_exemption_rejected": Words(
        _("Hồ sơ %(code)s: đề nghị miễn, giảm chưa được chấp nhận"),
        _("%(office)s đã xem đề nghị miễn, giảm của hồ sơ “%(procedure)s”.\n%(note)s"),
        rest=_(
            "Khi đến lúc nộp, cổng báo cho ông/bà. Nếu có giấy tờ khác chứng minh, xin gửi cho "
            "%(office)s để được xem lại."
        ),
    ),
    "request_payment": Words(
        _("Hồ sơ %(code)s: cần nộp phí, lệ phí"),
        _(
            "%(office)s đề nghị nộp phí, lệ phí của hồ sơ “%(procedure)s”.\n"
            "Thời gian giải quyết tạm dừng trong lúc chờ."
        ),
        _("nộp phí, lệ phí trên trang hồ sơ%(before)s."),
        "payments:start",
    ),
    "confirm_payment": Words(
        _("Hồ sơ %(code)s: đã nhận phí, lệ phí"),
        _(
            "Cơ quan đã nhận phí, lệ phí của hồ sơ “%(procedure)s”. Xác nhận thanh toán có trên "
            "trang hồ sơ.%(promise)s"
        ),
    ),
    "take": Words(
        _("Hồ sơ %(code)s: đang được xử lý"),
        _("Hồ sơ “%(procedure)s” đã có người thụ lý. Hẹn trả kết quả: %(promised_at)s."),
    ),
    "send_draft": Words(
        _("Hồ sơ %(code)s: mời ông/bà kiểm tra bản dự thảo"),
        _("%(office)s đã soạn bản dự thảo kết quả của hồ sơ “%(procedure)s”."),
        _("kiểm tra từng chữ trong bản dự thảo và xác nhận, hoặc báo chỗ sai,%(before)s."),
        "dossiers:draft_result",
    ),
    "send_draft_silence_agrees": Words(
        _("Hồ sơ %(code)s: mời ông/bà kiểm tra bản dự thảo"),
        _(
            "%(office)s đã soạn bản dự thảo kết quả của hồ sơ “%(procedure)s”.\n"
            "Quá %(citizen_by)s mà không có trả lời thì coi như %(filer)s đồng ý."
        ),
        _("kiểm tra từng chữ trong bản dự thảo và xác nhận, hoặc báo chỗ sai,%(before)s."),
        "dossiers:draft_result",
    ),
    "confirm_draft": Words(
        _("Hồ sơ %(code)s: đã xác nhận bản dự thảo"),
        _("%(Filer)s đã xác nhận bản dự thảo kết quả là đúng. %(office)s tiếp tục giải quyết."),
    ),
    "object_to_draft": Words(
        _("Hồ sơ %(code)s: đã báo chỗ sai trong bản dự thảo"),
        _(
            "%(Filer)s đã báo những chỗ cần sửa trong bản dự thảo kết quả:\n\n%(note)s\n\n"
            "%(office)s sẽ xem lại và gửi bản khác."
        ),
    ),
    "recall_draft": Words(
        _("Hồ sơ %(code)s: cơ quan xem lại bản dự thảo"),
        _("%(office)s đã thu lại bản dự thảo kết quả để xem lại.\nLý do: %(note)s"),
    ),
    "confirm_by_silence": Words(
        _("Hồ sơ %(code)s: bản dự thảo coi như được đồng ý"),
        _(
            "Đã hết thời gian kiểm tra bản dự thảo kết quả mà không có trả lời, nên coi như "
            "%(filer)s đồng ý."
        ),
        rest=_("Nếu thấy có chỗ sai, xin liên hệ ngay với %(office)s."),
    ),
    "extend": Words(
        _("Hồ sơ %(code)s: xin lỗi và hẹn lại ngày trả kết quả"),
        _(
            "%(office)s xin lỗi vì chưa trả được kết quả đúng hẹn.\nLý do: %(note)s\n"
            "Ngày hẹn mới: %(promised_at)s."
        ),
    ),
    "transfer": Words(
        _("Hồ sơ %(code)s: chuyển đến cơ quan có thẩm quyền"),
        _(
            "Hồ sơ “%(procedure)s” được chuyển đến %(office)s. Mã hồ sơ và thời gian không đổi.\n"
            "Lý do: %(note)s"
        ),
    ),
    "complete": Words(
        _("Hồ sơ %(code)s: đã có kết quả"),
        _("Hồ sơ “%(procedure)s” đã giải quyết xong."),
        rest="%(collecting)s",
    ),
    "complete_refused": Words(
        _("Hồ sơ %(code)s: đã có kết quả"),
        _(
            "%(office)s đã giải quyết xong hồ sơ “%(procedure)s” và không đồng ý; lý do và căn cứ "
            "ghi trong văn bản trả lời.\n%(appeal)s"
        ),
        rest="%(collecting)s",
    ),
    "complete_and_pay": Words(
        _("Hồ sơ %(code)s: đã có kết quả, còn phải nộp phí, lệ phí"),
        _(
            "Hồ sơ “%(procedure)s” đã giải quyết xong. Kết quả được trả sau khi nộp đủ phí, lệ phí."
            "\n%(collecting)s"
        ),
        _("nộp phí, lệ phí trên trang hồ sơ, hoặc tại quầy khi đến nhận kết quả."),
        "payments:start",
    ),
    "refund_done": Words(
        _("Hồ sơ %(code)s: đã hoàn trả %(amount)s"),
        _(
            "Cơ quan đã hoàn trả %(amount)s phí, lệ phí của hồ sơ “%(procedure)s” cho %(filer)s. "
            "%(how)s"
        ),
    ),
    "hand_over": Words(
        _("Hồ sơ %(code)s: đã trả kết quả"),
        _("Kết quả của hồ sơ “%(procedure)s” đã được trả. Cách nhận: %(delivery)s."),
    ),
    "replace_result": Words(
        _("Hồ sơ %(code)s: kết quả đã được thay bằng bản mới"),
        _(
            "%(office)s đã thay kết quả của hồ sơ “%(procedure)s” vì bản trước có chỗ sai. "
            "Bản mới đã ký số có trên trang hồ sơ; bản trước không còn giá trị."
        ),
        rest=_("Nếu đã nhận bản giấy trước, xin mang đến bộ phận một cửa để đổi."),
    ),
    "revoke_result": Words(
        _("Hồ sơ %(code)s: kết quả đã bị thu hồi"),
        _(
            "%(office)s đã thu hồi kết quả của hồ sơ “%(procedure)s”; kết quả ấy không còn "
            "giá trị.\nLý do: %(note)s"
        ),
        rest=_("Xin liên hệ cơ quan để được hướng dẫn tiếp."),
    ),
    "change_delivery": Words(
        _("Hồ sơ %(code)s: đã đổi cách nhận kết quả"),
        _("Kết quả của hồ sơ “%(procedure)s” sẽ được trả theo cách: %(delivery)s."),
        rest=_("Nếu %(filer)s không đề nghị việc này, xin báo ngay cho cơ quan."),
    ),
    "send_by_post": Words(
        _("Hồ sơ %(code)s: kết quả đã giao bưu điện"),
        _(
            "Kết quả của hồ sơ “%(procedure)s” đã được giao cho bưu điện: %(note)s. Bưu điện gọi "
            "vào số điện thoại người nhận trước khi phát; cước trả cho bưu điện khi nhận."
        ),
    ),
    "stop": Words(
        _("Hồ sơ %(code)s: dừng giải quyết"),
        _(
            "%(office)s dừng giải quyết hồ sơ “%(procedure)s”.\nLý do: %(note)s\n"
            "Căn cứ: %(ground)s\n%(appeal)s"
        ),
    ),
    "withdraw": Words(
        _("Hồ sơ %(code)s: đã rút"),
        _("Hồ sơ “%(procedure)s” đã được rút theo đề nghị của %(filer)s."),
    ),
    "renew_secret": Words(
        _("Hồ sơ %(code)s: mã tra cứu đã được cấp lại"),
        _(
            "Bộ phận một cửa đã cấp lại mã tra cứu của hồ sơ “%(procedure)s” sau khi đối chiếu "
            "giấy tờ tùy thân. Mã cũ không còn dùng được."
        ),
        rest=_("Nếu %(filer)s không yêu cầu việc này, xin báo ngay cho %(office)s."),
    ),
    # --- Without a move ---------------------------------------------------------------
    "remind_supplement": Words(
        _("Hồ sơ %(code)s: nhắc bổ sung trước %(citizen_by)s"),
        _("Cơ quan đang chờ bổ sung để giải quyết tiếp hồ sơ “%(procedure)s”."),
        _("bổ sung hồ sơ trên cổng%(before)s. Nếu đã gửi rồi, xin bỏ qua lời nhắc này."),
        "dossiers:supplement",
    ),
    "remind_payment": Words(
        _("Hồ sơ %(code)s: nhắc nộp phí, lệ phí trước %(citizen_by)s"),
        _("Hồ sơ “%(procedure)s” đang chờ nộp phí, lệ phí để được giải quyết tiếp."),
        _("nộp phí, lệ phí trên trang hồ sơ%(before)s. Nếu đã nộp rồi, xin bỏ qua lời nhắc này."),
        "payments:start",
    ),
    "remind_draft": Words(
        _("Hồ sơ %(code)s: nhắc kiểm tra bản dự thảo trước %(citizen_by)s"),
        _("Bản dự thảo kết quả của hồ sơ “%(procedure)s” đang chờ ông/bà kiểm tra."),
        _("kiểm tra từng chữ trong bản dự thảo và xác nhận, hoặc báo chỗ sai,%(before)s."),
        "dossiers:draft_result",
    ),
    "remind_collect": Words(
        _("Hồ sơ %(code)s: kết quả đang chờ nhận"),
        _("Kết quả của hồ sơ “%(procedure)s” đã sẵn sàng từ %(ready_at)s mà chưa có người nhận."),
        rest="%(collecting)s",
    ),
    "parcel_failed": Words(
        _("Hồ sơ %(code)s: bưu điện chưa phát được kết quả"),
        _(
            "%(carrier)s chưa phát được bưu gửi %(number)s mang kết quả của hồ sơ “%(procedure)s”."
            "%(why)s"
        ),
        rest=_(
            "Xin để ý điện thoại: bưu điện sẽ phát lại. Ông/bà cũng có thể mang mã bưu gửi và giấy "
            "tờ tùy thân đến bưu cục gần nhà để nhận."
        ),
    ),
    "parcel_came_back": Words(
        _("Hồ sơ %(code)s: kết quả gửi bưu chính đã hoàn về cơ quan"),
        _(
            "Bưu gửi %(number)s mang kết quả của hồ sơ “%(procedure)s” không phát được và đã hoàn "
            "về %(desk)s.%(why)s"
        ),
        _("chọn lại cách nhận: gửi đến địa chỉ khác, hoặc đến nhận tại quầy."),
        "dossiers:delivery",
    ),
    # --- To officials -------------------------------------------------------------------
    "parcels_silent": Words(
        _("Hồ sơ %(code)s: bưu gửi lâu không có tin"),
        _(
            "Bưu gửi %(number)s (%(carrier)s) mang kết quả của hồ sơ “%(procedure)s” từ "
            "%(since)s không có tin gì thêm."
        ),
        rest=_("Xin hỏi bưu điện rồi ghi trạng thái ở trang Gửi bưu chính."),
    ),
    "warn_office": Words(
        _("Hồ sơ %(code)s: sắp đến hạn trả kết quả"),
        _(
            "Hồ sơ “%(procedure)s” hẹn trả kết quả lúc %(promised_at)s mà chưa giải quyết xong."
            "%(drafted)s"
        ),
        rest=_("Nếu không kịp, văn bản xin lỗi phải được ký trước %(when)s."),
    ),
    "escalate": Words(
        _("Hồ sơ %(code)s: đã quá hạn trả kết quả"),
        _(
            "Hồ sơ “%(procedure)s” tại %(office)s hẹn trả kết quả lúc %(promised_at)s mà chưa giải "
            "quyết xong. Người thụ lý: %(officer)s. Việc quá hạn đã được ghi nhận."
        ),
        rest=_("Xin đôn đốc giải quyết ngay và giải trình trên trang hồ sơ."),
    ),
    "proposal_returned": Words(
        _("Hồ sơ %(code)s: đề xuất được trả lại"),
        _("Đề xuất “%(kind_words)s” của hồ sơ “%(procedure)s” được trả lại.\nLý do: %(note)s"),
        rest=_("Xin xem lại và đề xuất khác nếu cần."),
    ),
    "message": Words(
        _("Hồ sơ %(code)s: cơ quan gửi tin nhắn"),
        _("%(office)s vừa gửi tin nhắn về hồ sơ “%(procedure)s”."),
        _("mở trang hồ sơ để đọc, và trả lời nếu được hỏi."),
        "dossiers:detail",
    ),
}

WORDS |= {
    "complaint_taken_up": Words(
        _("Hồ sơ %(code)s: khiếu nại %(complaint)s đã được thụ lý"),
        _("%(office)s đã thụ lý khiếu nại %(complaint)s. Cơ quan trả lời trước %(when)s."),
    ),
    "complaint_answered": Words(
        _("Hồ sơ %(code)s: đã có trả lời cho %(complaint)s"),
        _("%(office)s đã trả lời phản ánh, khiếu nại %(complaint)s của %(filer)s."),
        rest=_("Xin mở trang hồ sơ, mục “Phản ánh, khiếu nại”, để đọc câu trả lời."),
    ),
    "complaint_made": Words(
        _("%(complaint)s: có phản ánh, khiếu nại mới"),
        _(
            "Có phản ánh, khiếu nại %(complaint)s về hồ sơ %(code)s; phải được trả lời trước "
            "%(when)s."
        ),
        rest=_("Xin xem và trả lời trên trang “Phản ánh, khiếu nại”."),
    ),
    "complaint_due": Words(
        _("%(complaint)s: sắp hết hạn trả lời phản ánh, khiếu nại"),
        _("Phản ánh, khiếu nại %(complaint)s về hồ sơ %(code)s phải được trả lời trước %(when)s."),
        rest=_("Xin trả lời trên trang “Phản ánh, khiếu nại”."),
    ),
}

# Steps inside the office: nothing that the citizen waits for has changed.
SILENT = frozenset({"propose", "send_back", "approve", "step_aside", "print_control"})

# Said once, where it belongs: at the first word from the office, and at the very end.
CONDOLENCE = _("%(office)s xin chia buồn cùng gia đình người đã mất.")
ASK_TO_RATE = _(
    "Nếu có ít phút, mời %(filer)s cho biết mức độ hài lòng trên trang hồ sơ; số liệu chung được "
    "công khai, không kèm tên."
)
WARM_WISH = _("Xin chúc gia đình nhiều sức khỏe và hạnh phúc.")
IN_MOURNING = frozenset({"submit", "submit_and_pay", "submit_at_counter"})

COLLECTING = {
    Dossier.Delivery.ONLINE: _("Kết quả được trả trực tuyến, trên trang hồ sơ."),
    Dossier.Delivery.COUNTER: _(
        "Mời %(filer)s đến %(desk)s nhận kết quả, mang theo giấy tờ tùy thân và bản chính các giấy "
        "tờ phải đối chiếu.%(collection_code)s"
    ),
    Dossier.Delivery.POST: _("Kết quả được gửi qua bưu chính đến địa chỉ đã khai."),
}

FILER = {True: (_("Ông/bà"), _("ông/bà")), False: (_("Người nộp hồ sơ"), _("người nộp hồ sơ"))}
