"""What the workbook of the catalogue looks like: its sheets, their columns, and their cells.

A kind of cell turns a value of a definition into what Excel shows, and what Excel gives
back (text, a number, a day, an hour) into what a procedure file would say.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from procedures.formspec.spec import NO_WORDS, YES_WORDS
from procedures.text import fold

type Words = str | Promise


def as_text(cell: Any) -> str:
    """What Excel keeps in a cell, as it would be typed into a procedure file."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime.datetime | datetime.date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, datetime.time):
        return f"{cell:%H:%M}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


class Cell:
    """One line of text, or several; the base of the other kinds."""

    width = 24

    def write(self, value: Any) -> Any:
        """What the cell shows for a value that is there."""
        return str(value)

    def read(self, text: str) -> Any:
        """What a procedure file would say for a cell that is not empty."""
        return text


class Code(Cell):
    """A procedure's code; Excel takes 2.000720 for a number and drops the last nought."""

    width = 12

    def read(self, text: str) -> str:
        """The code with the noughts that Excel dropped."""
        return f"{float(text):.6f}" if re.fullmatch(r"[1-9]\.\d{1,5}", text) else text


class Number(Cell):
    """A whole number."""

    width = 12

    def write(self, value: Any) -> Any:
        """The number itself, so that Excel can add it up."""
        return value


class Amount(Number):
    """Whole đồng, or `unknown` where the law does not say how much yet."""

    UNKNOWN = "chưa rõ"

    def write(self, value: Any) -> Any:
        """The number, or "chưa rõ"."""
        return self.UNKNOWN if value in (None, "unknown") else value

    def read(self, text: str) -> str:
        """Digits, with the Vietnamese thousands mark or without, or `unknown`."""
        return "unknown" if fold(text) in {fold(self.UNKNOWN), "khong ro"} else text


class Day(Cell):
    """A day."""

    width = 12

    def write(self, value: Any) -> Any:
        """A real date, from the ISO text of a definition."""
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            return value  # a mark that the day is still to be written


class Duration(Cell):
    """`3 working_days`, shown as `3 ngày làm việc`."""

    width = 18
    UNITS = {
        "working_day": "ngày làm việc",
        "day": "ngày",
        "hour": "giờ làm việc",
        "month": "tháng",
    }
    WORDS = {"same_day": "trong ngày", "text": "xem ghi chú"}

    def write(self, value: Any) -> str:
        """In Vietnamese."""
        match = re.fullmatch(r"(\d+) (\w+?)s?", value)
        if not match:
            return self.WORDS.get(value, value)
        return f"{match[1]} {self.UNITS[match[2]]}"

    def read(self, text: str) -> str:
        """As a procedure file says it; what is not understood is left for the checker."""
        folded = fold(text)
        for value, words in self.WORDS.items():
            if folded == fold(words):
                return value
        match = re.fullmatch(r"(\d+) (.+)", folded)
        units = {fold(words): unit for unit, words in self.UNITS.items()} | {"gio": "hour"}
        return f"{match[1]} {units[match[2]]}" if match and match[2] in units else text


class YesNo(Cell):
    """Có, không."""

    width = 10

    def write(self, value: Any) -> Any:
        """In Vietnamese."""
        return "có" if value else "không"

    def read(self, text: str) -> str:
        """One spelling; anything else is left for the checker to name."""
        word = text.lower()
        return "yes" if word in YES_WORDS else "no" if word in NO_WORDS else text


class Choice(Cell):
    """One of a few words, shown in Vietnamese, in a list that Excel offers."""

    def __init__(self, labels: Mapping[str, Words]):
        self.labels = labels

    def write(self, value: Any) -> str:
        """The label."""
        return str(self.labels.get(value, value))

    def read(self, text: str) -> str:
        """The word of the label, whatever its case and accents; the word itself too."""
        wanted = fold(text)
        return next((key for key, label in self.labels.items() if fold(str(label)) == wanted), text)


class Choices(Choice):
    """Several of them, with semicolons between."""

    def write(self, value: Any) -> str:
        """The labels."""
        return "; ".join(super(Choices, self).write(word) for word in value)

    def read(self, text: str) -> Any:
        """The words."""
        parts = re.split(r"[;\n]", text)
        return [super(Choices, self).read(part.strip()) for part in parts if part.strip()]


class Lines(Cell):
    """Several texts, each on a line of the cell (Alt+Enter)."""

    width = 40

    def write(self, value: Any) -> str:
        """One a line."""
        return "\n".join(value)

    def read(self, text: str) -> list[str]:
        """One a line."""
        return [line.strip() for line in text.splitlines() if line.strip()]


class Pairs(Lines):
    """`mã: chữ` on each line; a line without a code gets one from its words."""

    def write(self, value: Any) -> str:
        """One pair a line."""
        return "\n".join(f"{key}: {label}" for key, label in value.items())

    def read(self, text: str) -> dict[str, str]:
        """Code -> words."""
        pairs = {}
        for line in super().read(text):
            match = re.fullmatch(r"([a-z][a-z0-9_]*)\s*:\s*(.+)", line)
            key, label = match.groups() if match else (make_key(line), line)
            pairs[key] = label
        return pairs


class Tiers(Lines):
    """`2: 2.000` on each line, the last one `còn lại: 1.000`."""

    def write(self, value: Any) -> str:
        """One tier a line."""
        return "\n".join(
            f"{row.get('up_to') or 'còn lại'}: {_dotted(row['amount'])}" for row in value
        )

    def read(self, text: str) -> list[dict[str, str]]:
        """Tiers as a procedure file has them."""
        tiers = []
        for line in super().read(text):
            upto, _colon, amount = (part.strip() for part in line.partition(":"))
            open_end = fold(upto) == "con lai"
            tiers.append({"amount": amount} if open_end else {"up_to": upto, "amount": amount})
        return tiers


class Alternatives(Lines):
    """`điều kiện | nhãn | mức` on each line."""

    def write(self, value: Any) -> str:
        """One case a line."""
        return "\n".join(
            f"{row['when']} | {row['label']} | "
            f"{Amount.UNKNOWN if row.get('amount') is None else _dotted(row['amount'])}"
            for row in value
        )

    def read(self, text: str) -> list[dict[str, str]]:
        """Alternatives as a procedure file has them."""
        cases = []
        for line in super().read(text):
            parts = [part.strip() for part in line.split("|")]
            when, label, amount = (parts + ["", "", ""])[:3]
            cases.append({"when": when, "label": label, "amount": Amount().read(amount)})
        return cases


def _dotted(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def make_key(text: str) -> str:
    """`Giấy chứng sinh` -> `giay_chung_sinh`, for whoever leaves the code to us."""
    words = re.findall(r"[a-z0-9]+", fold(text))
    key = "_".join(words)[:40].strip("_")
    return key if key[:1].isalpha() else f"m_{key}"[:40]


TEXT, CODE, NUMBER, AMOUNT = Cell(), Code(), Number(), Amount()
DAY, YES_NO, LINES, PAIRS = Day(), YesNo(), Lines(), Pairs()

KINDS = {"online": _("Trực tuyến"), "direct": _("Trực tiếp"), "postal": _("Bưu chính")}
ONLINE = {"none": _("Không"), "partial": _("Một phần"), "full": _("Toàn trình")}
PLACES = {"portal": _("Cổng này"), "national_portal": _("Cổng Dịch vụ công quốc gia")}
TIERS = {"commune": _("Cấp xã"), "province": _("Cấp tỉnh"), "ministry": _("Cấp bộ")}
CLOCKS = {"restart": _("Tính lại từ đầu"), "pause": _("Tính tiếp")}
STARTS = {"filing": _("Từ khi nộp"), "acceptance": _("Từ khi tiếp nhận")}
PAY = {
    "at_filing": _("Khi nộp hồ sơ"),
    "after_acceptance": _("Sau khi tiếp nhận"),
    "at_collection": _("Khi nhận kết quả"),
}
HOW = {
    "submit": _("Nộp"),
    "show": _("Xuất trình"),
    "portal": _("Cổng tự in"),
    "remark": _("Lưu ý, không phải giấy tờ"),
}
SHOTS = {"photo": _("Ảnh chụp"), "scan": _("Bản quét")}
ORIGINAL_DUE = {"before_result": _("Trước khi nhận kết quả"), "with_filing": _("Khi nộp hồ sơ")}
WHO = {
    "reception": _("Một cửa"),
    "case_officer": _("Công chức thụ lý"),
    "approver": _("Người ký"),
    "leader": _("Lãnh đạo"),
    "citizen": _("Công dân"),
    "cashier": _("Thu ngân"),
}
NO_ANSWER = {"agree": _("Coi như đồng ý"), "remind": _("Nhắc lại")}
STEP_CLOCK = {"runs": _("Vẫn chạy"), "stops": _("Dừng")}
GIVE_BY = {"counter": _("Tại quầy"), "post": _("Bưu chính"), "online": _("Trực tuyến")}
TURNS = {
    "redirect": _("Phải làm thủ tục khác"),
    "offer": _("Có thủ tục tiện hơn"),
    "stop_online": _("Chỉ nộp tại quầy"),
}
TEMPLATE_PARTS = {
    "title": _("Tên quyết định"),
    "subject": _("Về việc"),
    "symbol": _("Ký hiệu"),
    "grounds": _("Căn cứ"),
    "articles": _("Điều"),
}
TYPES = {
    "text": _("Chữ một dòng"),
    "long_text": _("Chữ nhiều dòng"),
    "name": _("Họ tên"),
    "number": _("Số"),
    "money": _("Số tiền"),
    "date": _("Ngày"),
    "time": _("Giờ"),
    "choice": _("Chọn một"),
    "choices": _("Chọn nhiều"),
    "yes_no": _("Có hay không"),
    "declaration": _("Lời cam đoan"),
    "citizen_number": _("Số định danh"),
    "phone": _("Điện thoại"),
    "email": _("Thư điện tử"),
    "gender": _("Giới tính"),
    "ethnicity": _("Dân tộc"),
    "nationality": _("Quốc tịch"),
    "address": _("Địa chỉ"),
    "group": _("Nhóm câu hỏi"),
}
SECTION = _("Mục")


@dataclass(frozen=True)
class Column:
    """One column: `key` is the dotted place in a row of the definition."""

    key: str
    title: Words
    cell: Cell = TEXT


@dataclass(frozen=True)
class Sheet:
    """One sheet: a row for each entry of the definition's list `key`."""

    key: str
    title: Words
    columns: tuple[Column, ...]
    # The column whose words make the code of a row that has none.
    named_by: str = ""


PROCEDURE = Sheet(
    "",
    _("Thủ tục"),
    (
        Column("code", _("Mã thủ tục"), CODE),
        Column("name", _("Tên đúng như đã công bố")),
        Column("short_name", _("Tên gọi ngắn")),
        Column("also_called", _("Người dân hay gọi là"), LINES),
        Column("keywords", _("Từ khóa"), LINES),
        Column("summary", _("Để làm gì")),
        Column("field", _("Lĩnh vực")),
        Column("life_events", _("Sự kiện trong đời"), LINES),
        Column("audience", _("Ai làm được"), LINES),
        Column("conditions", _("Yêu cầu, điều kiện"), LINES),
        Column("decision", _("Quyết định công bố")),
        Column("effective_from", _("Áp dụng từ ngày"), DAY),
        Column("service_level", _("Mức độ"), NUMBER),
        Column("online", _("Trực tuyến"), Choice(ONLINE)),
        Column("partial_reason", _("Lý do chỉ một phần")),
        Column("filing_place", _("Nơi nộp chính thức"), Choice(PLACES)),
        Column("office.tier", _("Cấp giải quyết"), Choice(TIERS)),
        Column("office.choose", _("Chọn nơi nộp theo")),
        Column("office.handled_by", _("Cơ quan giải quyết")),
        Column("office.authority", _("Cơ quan có thẩm quyền")),
        Column("office.address", _("Địa chỉ tiếp nhận")),
        Column("office.delegated", _("Cơ quan được ủy quyền")),
        Column("office.coordinating", _("Cơ quan phối hợp")),
        Column("on_time.days", _("Hạn của người dân (ngày)"), NUMBER),
        Column("on_time.start", _("Hạn tính từ câu hỏi")),
        Column("on_time.text", _("Hạn nói bằng lời")),
        Column("trips", _("Số lần đến cơ quan"), NUMBER),
        Column("supplement.clock", _("Sau khi bổ sung, thời hạn"), Choice(CLOCKS)),
        Column("supplement.citizen_days", _("Hạn bổ sung (ngày)"), NUMBER),
        Column("supplement.source", _("Căn cứ hạn bổ sung")),
        Column("steps_text", _("Trình tự (viết liền)")),
        Column("result.name", _("Kết quả")),
        Column("result.made_in", _("Kết quả lập ở")),
        Column("result.record", _("Ghi lại khi trả"), LINES),
        Column("result.give_by", _("Cách trả kết quả"), Choices(GIVE_BY)),
        Column("paper.title", _("Tên tờ đơn")),
        Column("paper.number", _("Số mẫu đơn")),
        Column("paper.addressed_to", _("Kính gửi")),
        Column("paper.source", _("Mẫu đơn theo")),
        Column("ask_first", _("Câu hỏi của “Tôi cần gì?”"), LINES),
    ),
)

LISTS = (
    Sheet(
        "channels",
        _("Cách nộp"),
        (
            Column("type", _("Cách nộp"), Choice(KINDS)),
            Column("case", _("Trường hợp")),
            Column("time", _("Thời hạn"), Duration()),
            Column("cut_off", _("Giờ chốt trong ngày")),
            Column("clock_starts", _("Tính từ"), Choice(STARTS)),
            Column("note", _("Ghi chú")),
        ),
    ),
    Sheet(
        "fees",
        _("Phí"),
        (
            Column("id", _("Mã")),
            Column("name", _("Tên phí, lệ phí")),
            Column("note", _("Ghi chú")),
            Column("when", _("Chỉ khi")),
            Column("channels", _("Cách nộp"), Choices(KINDS)),
            Column("amount", _("Mức thu (đồng)"), AMOUNT),
            Column("alternatives", _("Mức theo trường hợp"), Alternatives()),
            Column("counted", _("Tính bậc theo câu hỏi")),
            Column("tiers", _("Các bậc"), Tiers()),
            Column("cap", _("Cao nhất (đồng)"), NUMBER),
            Column("per", _("Đơn vị tính")),
            Column("times", _("Nhân với câu hỏi")),
            Column("pay", _("Nộp lúc"), Choice(PAY)),
            Column("source", _("Căn cứ")),
            Column("confirmed", _("Đã kiểm tra"), YES_NO),
            Column("refundable", _("Được hoàn"), YES_NO),
            Column("exempt", _("Ai được miễn"), PAIRS),
            Column("exempt_law", _("Căn cứ miễn")),
        ),
        named_by="name",
    ),
    Sheet(
        "documents",
        _("Giấy tờ"),
        (
            Column("id", _("Mã")),
            Column("group", _("Trường hợp")),
            Column("name", _("Tên giấy tờ")),
            Column("how", _("Cách nộp"), Choice(HOW)),
            Column("originals", _("Bản chính"), NUMBER),
            Column("copies", _("Bản sao"), NUMBER),
            Column("when", _("Chỉ khi")),
            Column("optional", _("Không bắt buộc"), YES_NO),
            Column("online", _("Nộp trực tuyến bằng"), Choice(SHOTS)),
            Column("original_due", _("Nộp bản chính lúc"), Choice(ORIGINAL_DUE)),
            Column("not_needed_if", _("Không cần nếu")),
            Column("only_if_office_asks", _("Chỉ khi cơ quan yêu cầu vì")),
            Column("print_from", _("Cổng in từ mục")),
            Column("help", _("Giải thích")),
            Column("law", _("Luật đòi giấy tờ này")),
        ),
        named_by="name",
    ),
    Sheet(
        "steps",
        _("Các bước"),
        (
            Column("id", _("Mã")),
            Column("name", _("Việc làm")),
            Column("who", _("Ai làm"), Choice(WHO)),
            Column("budget", _("Thời gian"), Duration()),
            Column("channels", _("Cách nộp"), Choices(KINDS)),
            Column("answer_days", _("Hạn trả lời (ngày)"), NUMBER),
            Column("no_answer", _("Nếu không trả lời"), Choice(NO_ANSWER)),
            Column("clock", _("Thời hạn giải quyết"), Choice(STEP_CLOCK)),
            Column("outside", _("Làm ở hệ thống khác"), YES_NO),
        ),
        named_by="name",
    ),
    Sheet(
        "legal_basis",
        _("Căn cứ pháp lý"),
        (Column("number", _("Số hiệu")), Column("title", _("Tên văn bản"))),
    ),
)  # fmt: skip

# Three lists of a definition share a sheet, told apart by their first column.
TURN_SHEET = Sheet(
    "turns",
    _("Rẽ sang thủ tục khác"),
    (
        Column("turn", _("Loại"), Choice(TURNS)),
        Column("when", _("Chỉ khi")),
        Column("to", _("Mã thủ tục kia"), CODE),
        Column("text", _("Nói với người dân")),
    ),
)
TEMPLATE_SHEET = Sheet(
    "template",
    _("Mẫu kết quả"),
    (
        Column("part", _("Phần"), Choice(TEMPLATE_PARTS)),
        Column("text", _("Nội dung")),
    ),
)
FORM_SHEET = Sheet(
    "form",
    _("Mẫu đơn"),
    (
        Column("section", _("Mã mục")),
        Column("id", _("Mã câu hỏi")),
        Column("type", _("Kiểu"), Choice({"section": SECTION, **TYPES})),
        Column("label", _("Nội dung hỏi")),
        Column("options", _("Lựa chọn"), PAIRS),
        Column("when", _("Chỉ khi")),
        Column("help", _("Giải thích")),
        Column("optional", _("Không bắt buộc"), YES_NO),
        Column("default", _("Điền sẵn")),
        Column("min", _("Nhỏ nhất")),
        Column("max", _("Lớn nhất")),
        Column("text", _("Lời cam đoan")),
        Column("use", _("Khối dùng chung")),
        Column("must_match", _("Phải giống câu hỏi"), LINES),
        Column("otherwise", _("Nếu khác thì")),
        Column("spell_out", _("Ghi thêm bằng chữ"), YES_NO),
        Column("old_names", _("Nhận tên xã cũ"), YES_NO),
        Column("repeat.min", _("Ít nhất (dòng)"), NUMBER),
        Column("repeat.max", _("Nhiều nhất (dòng)"), NUMBER),
        Column("repeat.row_name", _("Tên mỗi dòng")),
        Column("repeat.add_button", _("Chữ trên nút thêm")),
        Column("prefill", _("Điền từ")),
        Column("beside", _("In cạnh mục")),
    ),
)

SHEETS = (PROCEDURE, *LISTS, TURN_SHEET, FORM_SHEET, TEMPLATE_SHEET)
