"""What the workbook of the catalogue looks like: its sheets, their columns, and their cells.

A kind of cell turns a value of a definition into what Excel shows, and what Excel gives
back (text, a number, a day, an hour) into what a procedure file would say. The words are
those of a file format: Vietnamese, whoever reads or writes it, and never translated.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from procedures.formspec.spec import NO_WORDS, YES_WORDS
from procedures.text import fold, grouped

# In a cell or a file: something that its writer still has to do.
MARK = "CẦN SỬA"
# Behind the mark, where a cell of Excel is too small for a text.
DOES_NOT_FIT = "một ô Excel không chứa hết chữ; hãy dùng tệp YAML."


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

    def __init__(self, labels: Mapping[str, str]):
        self.labels = labels

    def write(self, value: Any) -> str:
        """The label."""
        return self.labels.get(value, value)

    def read(self, text: str) -> str:
        """The word of the label, whatever its case and accents; the word itself too."""
        wanted = fold(text)
        return next((key for key, label in self.labels.items() if fold(label) == wanted), text)


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
            f"{row.get('up_to') or 'còn lại'}: {grouped(row['amount'])}" for row in value
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
            f"{Amount.UNKNOWN if row.get('amount') is None else grouped(row['amount'])}"
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


class Exemptions(Pairs):
    """`mã: diện` on each line; one that lessens, `mã: diện | 50% | căn cứ | trực tuyến`."""

    ONLINE = "trực tuyến"

    def write(self, value: Any) -> str:
        """One a line; what stands last and is not said is left out."""
        return super().write({key: self._line(row) for key, row in value.items()})

    def _line(self, row: Any) -> str:
        if isinstance(row, str):
            return row
        percent = f"{row['reduce']}%" if "reduce" in row else ""
        automatic = self.ONLINE if row.get("automatic") else ""
        return " | ".join([row["label"], percent, row.get("law", ""), automatic]).rstrip("| ")

    def read(self, text: str) -> dict[str, Any]:
        """Code -> label, or what is said beside it."""
        return {key: self._exemption(line) for key, line in super().read(text).items()}

    def _exemption(self, line: str) -> Any:
        label, *rest = (part.strip() for part in line.split("|"))
        said = dict(zip(("reduce", "law", "automatic"), rest, strict=False))
        said = {name: value for name, value in said.items() if value}
        if fold(said.get("automatic", "")) == fold(self.ONLINE):
            said["automatic"] = "online"
        return {"label": label, **said} if said else label


def make_key(text: str) -> str:
    """`Giấy chứng sinh` -> `giay_chung_sinh`, for whoever leaves the code to us."""
    words = re.findall(r"[a-z0-9]+", fold(text))
    key = "_".join(words)[:40].strip("_")
    return key if key[:1].isalpha() else f"m_{key}"[:40]


TEXT, CODE, NUMBER, AMOUNT = Cell(), Code(), Number(), Amount()
DAY, YES_NO, LINES, PAIRS = Day(), YesNo(), Lines(), Pairs()

KINDS = {"online": "Trực tuyến", "direct": "Trực tiếp", "postal": "Bưu chính"}
ONLINE = {"none": "Không", "partial": "Một phần", "full": "Toàn trình"}
PLACES = {"portal": "Cổng này", "national_portal": "Cổng Dịch vụ công quốc gia"}
TIERS = {"commune": "Cấp xã", "province": "Cấp tỉnh", "ministry": "Cấp bộ"}
TONES = {"plain": "Bình thường", "joyful": "Việc vui", "solemn": "Việc tang"}
CLOCKS = {"restart": "Tính lại từ đầu", "pause": "Tính tiếp"}
STARTS = {"filing": "Từ khi nộp", "acceptance": "Từ khi tiếp nhận"}
PAY = {
    "at_filing": "Khi nộp hồ sơ",
    "after_acceptance": "Sau khi tiếp nhận",
    "at_collection": "Khi nhận kết quả",
}
HOW = {
    "submit": "Nộp",
    "show": "Xuất trình",
    "portal": "Cổng tự in",
    "remark": "Lưu ý (không phải giấy tờ)",
}
SHOTS = {"photo": "Ảnh chụp", "scan": "Bản quét"}
ORIGINAL_DUE = {"before_result": "Trước khi nhận kết quả", "with_filing": "Khi nộp hồ sơ"}
WHO = {
    "reception": "Một cửa",
    "case_officer": "Công chức thụ lý",
    "approver": "Người ký",
    "leader": "Lãnh đạo",
    "citizen": "Công dân",
    "cashier": "Thu ngân",
}
NO_ANSWER = {"agree": "Coi như đồng ý", "remind": "Nhắc lại"}
STEP_CLOCK = {"runs": "Vẫn chạy", "stops": "Dừng"}
GIVE_BY = {"counter": "Tại quầy", "post": "Bưu chính", "online": "Trực tuyến"}
TURNS = {
    "redirect": "Phải làm thủ tục khác",
    "offer": "Có thủ tục tiện hơn",
    "stop_online": "Chỉ nộp tại quầy",
}
TEMPLATE_PARTS = {
    "title": "Tên quyết định",
    "subject": "Về việc",
    "symbol": "Ký hiệu",
    "grounds": "Căn cứ",
    "articles": "Điều",
}
TYPES = {
    "text": "Chữ một dòng",
    "long_text": "Chữ nhiều dòng",
    "name": "Họ tên",
    "number": "Số",
    "money": "Số tiền",
    "date": "Ngày",
    "time": "Giờ",
    "choice": "Chọn một",
    "choices": "Chọn nhiều",
    "yes_no": "Có hay không",
    "declaration": "Lời cam đoan",
    "citizen_number": "Số định danh",
    "phone": "Điện thoại",
    "email": "Thư điện tử",
    "gender": "Giới tính",
    "ethnicity": "Dân tộc",
    "nationality": "Quốc tịch",
    "address": "Địa chỉ",
    "tax_code": "Mã số thuế",
    "dossier": "Mã hồ sơ",
    "coded": "Chọn trong danh sách",
    "attachment": "Tệp đính kèm",
    "explanation": "Lời giải thích",
    "person": "Một người",
    "group": "Nhóm câu hỏi",
}
SECTION = "Mục"


@dataclass(frozen=True)
class Column:
    """One column: `key` is the dotted place in a row of the definition."""

    key: str
    title: str
    cell: Cell = TEXT


@dataclass(frozen=True)
class Sheet:
    """One sheet: a row for each entry of the definition's list `key`."""

    key: str
    title: str
    columns: tuple[Column, ...]
    # The column whose words make the code of a row that has none.
    named_by: str = ""


PROCEDURE = Sheet(
    "",
    "Thủ tục",
    (
        Column("code", "Mã thủ tục", CODE),
        Column("name", "Tên đúng như đã công bố"),
        Column("short_name", "Tên gọi ngắn"),
        Column("also_called", "Người dân hay gọi là", LINES),
        Column("keywords", "Từ khóa", LINES),
        Column("summary", "Để làm gì"),
        Column("field", "Lĩnh vực"),
        Column("life_events", "Sự kiện trong đời", LINES),
        Column("audience", "Ai làm được", LINES),
        Column("conditions", "Yêu cầu, điều kiện", LINES),
        Column("decision", "Quyết định công bố"),
        Column("effective_from", "Áp dụng từ ngày", DAY),
        Column("service_level", "Mức độ", NUMBER),
        Column("online", "Trực tuyến", Choice(ONLINE)),
        Column("partial_reason", "Lý do chỉ một phần"),
        Column("filing_place", "Nơi nộp chính thức", Choice(PLACES)),
        Column("office.tier", "Cấp giải quyết", Choice(TIERS)),
        Column("office.choose", "Chọn nơi nộp theo"),
        Column("office.handled_by", "Cơ quan giải quyết"),
        Column("office.authority", "Cơ quan có thẩm quyền"),
        Column("office.address", "Địa chỉ tiếp nhận"),
        Column("office.delegated", "Cơ quan được ủy quyền"),
        Column("office.coordinating", "Cơ quan phối hợp"),
        Column("on_time.days", "Hạn của người dân (ngày)", NUMBER),
        Column("on_time.start", "Hạn tính từ câu hỏi"),
        Column("on_time.text", "Hạn nói bằng lời"),
        Column("trips", "Số lần đến cơ quan", NUMBER),
        Column("supplement.clock", "Sau khi bổ sung, thời hạn", Choice(CLOCKS)),
        Column("supplement.citizen_days", "Hạn bổ sung (ngày)", NUMBER),
        Column("supplement.source", "Căn cứ hạn bổ sung"),
        Column("payment.citizen_days", "Hạn nộp phí (ngày)", NUMBER),
        Column("payment.source", "Căn cứ hạn nộp phí"),
        Column("tone", "Giọng của thông báo", Choice(TONES)),
        Column("steps_text", "Trình tự (viết liền)"),
        Column("result.name", "Kết quả"),
        Column("result.made_in", "Kết quả lập ở"),
        Column("result.record", "Ghi lại khi trả", LINES),
        Column("result.give_by", "Cách trả kết quả", Choices(GIVE_BY)),
        Column("paper.title", "Tên tờ đơn"),
        Column("paper.number", "Số mẫu đơn"),
        Column("paper.addressed_to", "Kính gửi"),
        Column("paper.source", "Mẫu đơn theo"),
        Column("ask_first", "Câu hỏi của “Tôi cần gì?”", LINES),
        Column("at_once", "Quầy trả kết quả ngay", YES_NO),
        Column("ask_at_once", "Nhập nhanh hỏi gì", LINES),
    ),
)

LISTS = (
    Sheet(
        "channels",
        "Cách nộp",
        (
            Column("type", "Cách nộp", Choice(KINDS)),
            Column("case", "Trường hợp"),
            Column("time", "Thời hạn", Duration()),
            Column("cut_off", "Giờ chốt trong ngày"),
            Column("clock_starts", "Tính từ", Choice(STARTS)),
            Column("note", "Ghi chú"),
        ),
    ),
    Sheet(
        "fees",
        "Phí",
        (
            Column("id", "Mã"),
            Column("name", "Tên phí, lệ phí"),
            Column("note", "Ghi chú"),
            Column("when", "Chỉ khi"),
            Column("channels", "Cách nộp", Choices(KINDS)),
            Column("amount", "Mức thu (đồng)", AMOUNT),
            Column("alternatives", "Mức theo trường hợp", Alternatives()),
            Column("counted", "Tính bậc theo câu hỏi"),
            Column("tiers", "Các bậc", Tiers()),
            Column("cap", "Cao nhất (đồng)", NUMBER),
            Column("per", "Đơn vị tính"),
            Column("times", "Nhân với câu hỏi"),
            Column("pay", "Nộp lúc", Choice(PAY)),
            Column("source", "Căn cứ"),
            Column("confirmed", "Đã kiểm tra", YES_NO),
            Column("refundable", "Được hoàn", YES_NO),
            Column("exempt", "Ai được miễn", Exemptions()),
            Column("exempt_law", "Căn cứ miễn"),
        ),
        named_by="name",
    ),
    Sheet(
        "documents",
        "Giấy tờ",
        (
            Column("id", "Mã"),
            Column("group", "Trường hợp"),
            Column("name", "Tên giấy tờ"),
            Column("how", "Cách nộp", Choice(HOW)),
            Column("originals", "Bản chính", NUMBER),
            Column("copies", "Bản sao", NUMBER),
            Column("when", "Chỉ khi"),
            Column("optional", "Không bắt buộc", YES_NO),
            Column("online", "Nộp trực tuyến bằng", Choice(SHOTS)),
            Column("original_due", "Nộp bản chính lúc", Choice(ORIGINAL_DUE)),
            Column("not_needed_if", "Không cần nếu"),
            Column("only_if_office_asks", "Chỉ khi cơ quan yêu cầu vì"),
            Column("print_from", "Cổng in từ mục"),
            Column("help", "Giải thích"),
            Column("law", "Luật đòi giấy tờ này"),
        ),
        named_by="name",
    ),
    Sheet(
        "steps",
        "Các bước",
        (
            Column("id", "Mã"),
            Column("name", "Việc làm"),
            Column("who", "Ai làm", Choice(WHO)),
            Column("budget", "Thời gian", Duration()),
            Column("channels", "Cách nộp", Choices(KINDS)),
            Column("answer_days", "Hạn trả lời (ngày)", NUMBER),
            Column("no_answer", "Nếu không trả lời", Choice(NO_ANSWER)),
            Column("clock", "Thời hạn giải quyết", Choice(STEP_CLOCK)),
            Column("outside", "Làm ở hệ thống khác", YES_NO),
        ),
        named_by="name",
    ),
    Sheet(
        "legal_basis",
        "Căn cứ pháp lý",
        (Column("number", "Số hiệu"), Column("title", "Tên văn bản")),
    ),
)  # fmt: skip

# Three lists of a definition share a sheet, told apart by their first column.
TURN_SHEET = Sheet(
    "turns",
    "Rẽ sang thủ tục khác",
    (
        Column("turn", "Loại", Choice(TURNS)),
        Column("when", "Chỉ khi"),
        Column("to", "Mã thủ tục kia", CODE),
        Column("text", "Nói với người dân"),
    ),
)
TEMPLATE_SHEET = Sheet(
    "template",
    "Mẫu kết quả",
    (
        Column("part", "Phần", Choice(TEMPLATE_PARTS)),
        Column("text", "Nội dung"),
    ),
)
FORM_SHEET = Sheet(
    "form",
    "Mẫu đơn",
    (
        Column("section", "Mã mục"),
        Column("id", "Mã câu hỏi"),
        Column("type", "Kiểu", Choice({"section": SECTION, **TYPES})),
        Column("label", "Nội dung hỏi"),
        Column("options", "Lựa chọn", PAIRS),
        Column("when", "Chỉ khi"),
        Column("help", "Giải thích"),
        Column("optional", "Không bắt buộc", YES_NO),
        Column("default", "Điền sẵn"),
        Column("min", "Nhỏ nhất"),
        Column("max", "Lớn nhất"),
        Column("text", "Lời cam đoan, giải thích"),
        Column("use", "Khối dùng chung"),
        Column("must_match", "Phải giống câu hỏi", LINES),
        Column("otherwise", "Nếu khác thì"),
        Column("spell_out", "Ghi thêm bằng chữ", YES_NO),
        Column("old_names", "Nhận tên xã cũ", YES_NO),
        Column("unknown_parts", "Nhận ngày không đủ", YES_NO),
        Column("old_number", "Nhận số CMND cũ", YES_NO),
        Column("only_sorts", "Chỉ để chia trường hợp", YES_NO),
        Column("from_list", "Danh sách"),
        Column("max_files", "Số tệp nhiều nhất", NUMBER),
        Column("include", "Hỏi gì về người", LINES),
        Column("optional_parts", "Phần được bỏ trống", LINES),
        Column("copy_from", "Điền theo"),
        Column("copy_when", "Chỉ điền theo khi"),
        Column("repeat.min", "Ít nhất (dòng)", NUMBER),
        Column("repeat.max", "Nhiều nhất (dòng)", NUMBER),
        Column("repeat.row_name", "Tên mỗi dòng"),
        Column("repeat.add_button", "Chữ trên nút thêm"),
        Column("prefill", "Điền từ"),
        Column("beside", "In cạnh mục"),
    ),
)

SHEETS = (PROCEDURE, *LISTS, TURN_SHEET, FORM_SHEET, TEMPLATE_SHEET)


def title_of(path: str) -> str:
    """A place in a definition by the titles of the workbook, below its own key.

    `fees.ban_sao.amount` is `Phí › ban_sao › Mức thu (đồng)`; what no sheet has stays as it is.
    """
    first, *rest = path.split(".")
    if first in TURNS and rest:
        return _turn_title(first, rest)
    sheet = next((sheet for sheet in SHEETS if sheet.key == first), None)
    if sheet is None:
        return _titles(PROCEDURE).get(path, path)
    titles = _titles(sheet)
    if sheet.key == "channels" and rest:
        rest[0] = KINDS.get(rest[0], rest[0])
    return " › ".join([sheet.title, *(titles.get(part, part) for part in rest if part != "fields")])


def _turn_title(turn: str, rest: list[str]) -> str:
    """`redirect.1.001570.text`: the row is named by a code, which has a point itself."""
    titles = _titles(TURN_SHEET)
    parts = [".".join(part for part in rest if part not in titles)]
    parts += [titles[part] for part in rest if part in titles]
    return " › ".join([TURNS[turn], *filter(None, parts)])


def value_in_words(path: str, value: Any) -> str:
    """A value as its cell shows it, not as a file writes it: `3 ngày làm việc`, `Trực tuyến`.

    A row is a line for each of its cells, a list of rows one after the other; "" stands for a
    value that no cell says better than the file does.
    """
    column = column_of(path)
    if column and isinstance(column.cell, Choice | Duration | YesNo | Lines):
        return column.cell.write(value)
    if isinstance(value, dict):
        return row_in_words(path, value)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return "\n\n".join(row_in_words(path, row) for row in value)
    return ""


def column_of(path: str) -> Column | None:
    """The column of a value; None for what has none."""
    first, *rest = path.split(".")
    sheet = next((sheet for sheet in SHEETS if sheet.key == first), None)
    if sheet is None:
        return next((column for column in PROCEDURE.columns if column.key == path), None)
    keys = {".".join(rest[1:]), *rest[1:][-1:]}
    return next((column for column in sheet.columns if column.key in keys), None)


def row_in_words(path: str, row: Mapping[str, Any]) -> str:
    """A whole row of a list, a line for each cell: `Tên phí, lệ phí: …`."""
    if "section" in row:
        return _section_in_words(row)
    first = path.split(".")[0]
    sheet = next((sheet for sheet in SHEETS if sheet.key == first), PROCEDURE)
    if first in TURNS:
        sheet = TURN_SHEET
    cells = {column.key: column for column in sheet.columns}
    named = ((cells.get(key) or cells.get(f"{path}.{key}"), key, row[key]) for key in row)
    lines = (
        f"{column.title if column else key}: {column.cell.write(value) if column else value}"
        for column, key, value in named
        if column or not isinstance(value, list | dict)
    )
    return "\n".join(lines)


def _section_in_words(section: Mapping[str, Any]) -> str:
    """A part of a form: its title, and what it asks."""
    title = f"{SECTION} “{section.get('title', section['section'])}”"
    labels = (field.get("label", field["id"]) for field in section.get("fields", ()))
    return "\n".join([title, *(f"– {label}" for label in labels)])


def _titles(sheet: Sheet) -> dict[str, str]:
    return {column.key: column.title for column in sheet.columns}
