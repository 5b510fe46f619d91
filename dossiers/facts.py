"""What each printed paper says: the shapes of `Paper.facts` and `Result.facts`.

Everything is JSON. Keys that end in `_at` or are called `answer_by` or `due_at` hold a
moment as ISO text with its offset, and the templates write it out; `""` stands for "there
is none". All other values are printed as they are. A template `papers/<kind>.html` takes
`facts` of its shape beside `check_url` (the address of the paper's public check page, ""
before there is one) and `qr` (`papers.qr_svg_data_uri(check_url)`). Headings and wording
follow TT 01/2018/TT-VPCP (DOMAIN.md 1.3), the page NĐ 30/2020 (DOMAIN.md 6).
"""

from __future__ import annotations

from typing import TypedDict


class Applicant(TypedDict):
    """In whose name it was filed, as the person wrote it; "" where not given.

    `filed_by` is who filed for them, and `filed_as` what they are to them; telephone and
    e-mail are then the filer's. A business has a `tax_code` and no citizen number. Papers
    made before these three keys were there go without them.
    """

    name: str
    address: str
    phone: str
    email: str
    citizen_number: str
    tax_code: str
    filed_by: str
    filed_as: str


class PaperFile(TypedDict):
    """One attached file: its name, its size in words (`1,2 MB`) and its whole SHA-256."""

    name: str
    size: str
    sha256: str


class PaperDocument(TypedDict):
    """One paper of the dossier: how many of each, and the files attached for it.

    The counts are numbers; 0 prints as an empty cell. `photos` are plain copies and
    pictures, `copies` certified ones.
    """

    name: str
    originals: int
    copies: int
    photos: int
    files: list[PaperFile]


class Head(TypedDict):
    """The head that all papers share.

    `parent_office` stands above the office ("" for none), `place` before the date.
    `office_phone` is where questions go, `code` the dossier's. `is_sample` prints
    BẢN MINH HOẠ across every page.
    """

    parent_office: str
    office: str
    office_phone: str
    place: str
    issued_at: str
    code: str
    is_sample: bool


class DossierHead(Head):
    """The head of a paper about one dossier; `procedure` is its published name."""

    procedure: str
    applicant: Applicant


class PaperStep(TypedDict):
    """One step of the way ahead, and who takes it."""

    name: str
    who: str


class PaperOriginal(TypedDict):
    """A paper whose original has to be brought, when in words, and when it is not needed."""

    name: str
    when: str
    note: str


class FilingFacts(DossierHead):
    """`filing.html`: filed online, not accepted yet.

    `handling_office` is who decides, `secret` opens the public tracking page at
    `track_url`, `link` does so by itself (for the QR code), `delivery` says how the result
    will be handed over. `office_hours` are those of the office that answers.
    """

    submitted_at: str
    answer_by: str
    handling_office: str
    secret: str
    track_url: str
    link: str
    delivery: str
    documents: list[PaperDocument]
    steps: list[PaperStep]
    originals: list[PaperOriginal]
    office_address: str
    office_hours: str


class PaperFee(TypedDict):
    """One fee as it stands on the receipt: `8.000 đồng`, and when it is due."""

    name: str
    amount: str
    due: str


class ReceiptFacts(DossierHead):
    """`receipt.html`: Mẫu 01, Giấy tiếp nhận hồ sơ và hẹn trả kết quả.

    `channel` is how it was filed, `duration` the time by law in words, `sets` the number
    of dossiers. `needs_submitter` leaves room for the submitter's signature (counter).
    `register_book` and `register_line` are where it stands in the register; papers made
    before there was one go without.
    """

    channel: str
    documents: list[PaperDocument]
    sets: int
    duration: str
    accepted_at: str
    promised_at: str
    delivery: str
    fees: list[PaperFee]
    received_by: str
    track_url: str
    needs_submitter: bool
    register_book: str
    register_line: int


class SupplementFacts(DossierHead):
    """`supplement.html`: Mẫu 02, Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ.

    `documents` and `fields` name the papers and the questions at fault, each with what is
    wrong; `asked` is everything else, in sentences.
    """

    number: str
    asked: list[str]
    documents: list[str]
    fields: list[str]
    reason: str
    due_at: str
    officer: str


class SecretFacts(DossierHead):
    """`secret.html`: Phiếu cấp lại mã tra cứu, given at the counter against a card.

    `person` is who asked for it; `link` the address that opens everything, for its QR.
    """

    person: str
    secret: str
    track_url: str
    link: str
    officer: str


class RefusalFacts(DossierHead):
    """`refusal.html`: Mẫu 03, Phiếu từ chối tiếp nhận giải quyết hồ sơ.

    `appeal` says in whole sentences to whom and until when one may appeal.
    """

    number: str
    reason: str
    legal_ground: str
    officer: str
    appeal: list[str]


class ApologyFacts(DossierHead):
    """`apology.html`: Mẫu 04, Phiếu xin lỗi và hẹn lại ngày trả kết quả."""

    number: str
    accepted_at: str
    promised_at: str
    new_promised_at: str
    reason: str
    signer_title: str
    signer: str


class StopFacts(DossierHead):
    """`stop.html`: Thông báo dừng giải quyết hồ sơ.

    `asked_at` is when the applicant asked for it, "" where the office decided. Without a
    `signer` the notice says that the portal made it.
    `originals` lists the originals that are handed back.
    """

    number: str
    accepted_at: str
    asked_at: str
    reason: str
    legal_ground: str
    originals: list[str]
    signer_title: str
    signer: str
    appeal: list[str]


class ControlRow(TypedDict):
    """One hand-over inside the office: who gave it to whom, when, and how that stood.

    `given_by` and `taken_by` are persons ("" for the portal itself), `timing` is in words.
    """

    giver: str
    taker: str
    at: str
    given_by: str
    taken_by: str
    timing: str
    note: str


class ControlFacts(DossierHead):
    """`control.html`: Phiếu kiểm soát quá trình giải quyết hồ sơ, drawn from the ledger.

    `partners` are the offices that were asked for an opinion.
    """

    number: str
    handling_office: str
    partners: list[str]
    accepted_at: str
    promised_at: str
    rows: list[ControlRow]


class GivenResult(TypedDict):
    """One result on a hand-over slip; `sha256` is that of its file, "" for one on paper."""

    title: str
    sha256: str


class HandoverFacts(DossierHead):
    """`handover.html`: Giấy biên nhận trả kết quả, signed by who collects at the counter.

    `collector` is who came ("" prints the applicant), `collected_as` what they are where it is
    another person, with their `mandate`; `proof` is what was looked at, `card_ends_in` the last
    four digits of their card. `originals` are those given back. On slips of before these keys
    `results` are titles alone.
    """

    number: str
    results: list[GivenResult]
    copies: int
    collector: str
    collected_as: str
    mandate: str
    proof: str
    card_ends_in: str
    originals: list[str]
    officer: str


class LabelFacts(Head):
    """`label.html`: what is stuck on a parcel; `link` is what its QR code says."""

    sender: str
    sender_address: str
    sender_phone: str
    recipient: str
    phone: str
    detail: str
    commune: str
    carrier: str
    tracking_number: str
    postage: str
    link: str


class PostedRow(TypedDict):
    """One parcel on the list that the post signs."""

    tracking_number: str
    code: str
    recipient: str
    phone: str
    address: str


class PostedFacts(Head):
    """`posted.html`: Bảng kê giao bưu chính, signed by the desk and the post."""

    carrier: str
    rows: list[PostedRow]
    officer: str


class OriginalRow(TypedDict):
    """One original on a slip, and where the office keeps it."""

    name: str
    place: str


class OriginalsFacts(DossierHead):
    """`originals.html`: the originals that the office keeps, for the person to take home."""

    number: str
    rows: list[OriginalRow]
    officer: str


class GivenBackFacts(OriginalsFacts):
    """`given_back.html`: the originals that `taken_by` takes back and signs for.

    `left` names those that are still kept.
    """

    taken_by: str
    left: list[str]


class PaymentLine(TypedDict):
    """One line of money; amounts are already written out (`8.000`)."""

    name: str
    quantity: str
    unit_price: str
    amount: str
    source: str


class PaymentFacts(DossierHead):
    """`payment.html`: Xác nhận thanh toán, not a legal biên lai (DOMAIN.md 4.3).

    `series` and `number` identify it, `total` is in figures without unit and
    `total_in_words` spells it with `đồng`. `transaction` is the gateway's number.
    """

    series: str
    number: str
    payer: str
    lines: list[PaymentLine]
    total: str
    total_in_words: str
    method: str
    transaction: str
    paid_at: str
    received_by: str


class Row(TypedDict):
    """One labelled value of an extract."""

    label: str
    value: str


class Article(TypedDict):
    """One article of a decision: its paragraphs, without the words `Điều 1.`."""

    paragraphs: list[str]


class ResultFacts(Head):
    """`result.html`: a decision, or an extract where there are `rows`.

    `kind` is the name of the document type (`QUYẾT ĐỊNH`), `subject` what it is about
    (`Về việc …`), `authority` who decides, in capitals (`""` for an extract), `opening`
    the sentence before the rows. `recipients` is the list under Nơi nhận, each with its own
    punctuation; the last lines above the name are `signer_title`, one line each. `appeal`
    says of a refusal to whom and until when one may appeal.
    """

    number: str
    kind: str
    subject: str
    authority: str
    grounds: list[str]
    opening: str
    rows: list[Row]
    articles: list[Article]
    recipients: list[str]
    signer_title: list[str]
    signer: str
    appeal: list[str]
