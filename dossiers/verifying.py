"""What a check code or a PDF is worth: genuine, changed, revoked, replaced, or not ours.

Whoever holds a paper may ask, so nothing here names the person whom it is about: officials who
sign are named, because signing is a public act. A file that is brought to be checked is read
in a bounded process and kept nowhere. A true QR code on a forged paper is caught by the file
itself, or by the name that the verifier reads on it (`name_on()`).
"""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from dossiers import intake, papernotes, results, throttling
from dossiers.models import OfficePaper, Paper, Result, SignerCertificate
from dossiers.signing import keys
from procedures import bounded
from procedures.text import fold, normalise

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

MAX_MB = 25
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# The places in which files are opened are few; those who file need them more than who checks.
_AT_ONCE, _AT_MOST_SECONDS = 2, 90

# Names that may be tried (a true QR code is in the hands of whoever holds the paper, and a
# name that is guessed there must not be found): from one address for one paper in an hour,
# for one paper in a day, and from one address in a day.
NAMES_AN_HOUR, NAMES_A_DAY, NAMES_OF_ADDRESS_A_DAY = 5, 20, 40

Issued = Result | Paper | OfficePaper


class State(enum.StrEnum):
    """What a code or a file turned out to be."""

    GENUINE = "genuine"
    CHANGED = "changed"
    REVOKED = "revoked"
    REPLACED = "replaced"
    WAITING = "waiting"
    FOREIGN = "foreign"  # signed, by somebody, and not issued by us
    UNKNOWN = "unknown"


class NotRead(Exception):
    """The file cannot be looked at; the sentence says what to do."""


@dataclass(frozen=True)
class Row:
    """One line of what is known: a label and its words; `is_code` for digests and codes."""

    label: str
    words: str
    is_code: bool = False


@dataclass(frozen=True)
class Checked:
    """The answer of a check.

    `headline` is the verdict, `advice` what to do; `rows` are about the paper, `signers` who
    signed it and when, `notes` what else has to be known. `token` only where the asker had it.
    """

    state: State
    headline: str
    advice: str = ""
    rows: list[Row] = field(default_factory=list)
    signers: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    token: str = ""
    is_sample: bool = False
    asks_name: bool = False
    is_file: bool = False

    @property
    def tone(self) -> str:
        """How the verdict is set on the page."""
        if self.state == State.GENUINE:
            return "success"
        return "info" if self.state == State.WAITING else "danger"


# --- By code ----------------------------------------------------------------------------


def token_in(text: str) -> str:
    """The check code in what somebody typed or pasted: with spaces, or a whole address; or ""."""
    text = re.sub(r"\s", "", text)
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)  # as word processors write it
    code = text.partition("/xac-thuc/")[2].partition("/")[0] or text
    return code if TOKEN.fullmatch(code) else ""


def by_token(token: str) -> Checked:
    """What the paper with this code is."""
    issued = _issued([token]).get(token)
    if issued is None:
        return Checked(
            State.UNKNOWN,
            _("Cổng này không phát hành giấy nào có mã như vậy."),
            _(
                "Xin kiểm tra lại từng ký tự của mã, cả chữ hoa và chữ thường,"
                " hoặc hỏi cơ quan ghi trên giấy."
            ),
        )
    known = _known(issued)
    return replace(
        known, token=token, asks_name=known.state == State.GENUINE and bool(_names(issued))
    )


def _issued(tokens: Iterable[str]) -> dict[str, Issued]:
    """What these codes belong to; what is no code never reaches the database."""
    wanted = [token for token in tokens if TOKEN.fullmatch(token)]
    found: dict[str, Issued] = {}
    for rows in (
        Result.objects.select_related(*_RESULT_NEEDS),
        Paper.objects.select_related("dossier__receiving_agency"),
        OfficePaper.objects.select_related("agency"),
    ):
        if len(found) < len(wanted):
            found |= {row.token: row for row in rows.filter(token__in=wanted)}
    return found


_RESULT_NEEDS = (
    "dossier__handling_agency",
    "dossier__owner",
    "dossier__revision",
    "approved_by",
    "replaced_by",
)


# --- What is known of a paper -----------------------------------------------------------


def _known(issued: Issued) -> Checked:
    if isinstance(issued, Result):
        return _known_result(issued)
    return _known_paper(issued) if isinstance(issued, Paper) else _known_office_paper(issued)


def _known_result(result: Result) -> Checked:
    state, headline, advice = _standing(result)
    rows = [
        Row(_("Loại giấy"), result.title),
        Row(_("Cơ quan"), result.dossier.handling_agency.name),
        *_hash_row(result.sha256),
    ]
    return Checked(
        state, headline, advice, rows,
        signers=list(_signers_of(result)),
        notes=list(_notes_of(result)) if state == State.GENUINE else [],
        is_sample=result.is_sample,
    )  # fmt: skip


def _standing(result: Result) -> tuple[State, str, str]:
    """Whether a result still holds; why one was revoked may name people, and is for them alone."""
    newer = getattr(result, "replaced_by", None)
    if newer is not None and newer.signed_at:
        when = _day(newer.signed_at)
        return (
            State.REPLACED,
            _("Kết quả này đã được thay bằng bản khác từ ngày %(when)s.") % {"when": when},
            _("Bản này không còn giá trị. Hãy đề nghị người xuất trình đưa bản mới."),
        )
    if result.revoked_at:
        return (
            State.REVOKED,
            _("Kết quả này đã bị thu hồi từ ngày %(when)s, không còn giá trị.")
            % {"when": _day(result.revoked_at)},
            _("Cơ quan đã thu hồi theo quyết định của người có thẩm quyền. Không dùng giấy này; "
              "cần biết thêm xin hỏi cơ quan."),
        )  # fmt: skip
    if not result.signed_at:
        return (
            State.WAITING,
            _("Kết quả này đang chờ ký số.")
            if result.is_made_here
            else _("Kết quả này đang chờ duyệt để trao."),
            _("Giấy chưa có giá trị cho đến khi ký xong. Xin kiểm tra lại sau."),
        )
    return (
        State.GENUINE,
        _("Giấy này là thật: do cổng này phát hành và còn hiệu lực."),
        _("Mã QR thật vẫn có thể bị in lên giấy giả: hãy so tờ giấy với thông tin dưới đây, gõ tên "
          "ghi trên giấy, hoặc kiểm tra chính tệp PDF."),
    )  # fmt: skip


def _signers_of(result: Result) -> Iterator[Row]:
    """Whose signatures a result carries by our own record; one signed elsewhere says it itself."""
    if not result.signed_at:
        return
    if not result.is_made_here:
        # What its signatures said when it was taken in.
        for one in result.facts.get("signatures", []):
            at = parse_datetime(one["signed_at"])
            yield Row(one["name"], _moment(at) if at else _("không ghi thời điểm"))
        if result.approved_by:
            yield Row(_("Người duyệt trả kết quả"), result.approved_by.get_full_name())
        yield Row(_("Trao qua cổng từ"), _moment(result.signed_at))
        return
    if result.approved_by:
        at = result.approver_signed_at or result.signed_at
        yield Row(_signer_words(result), _moment(at))
    office = result.dossier.handling_agency.name
    yield Row(_("%(office)s (dấu của cơ quan)") % {"office": office}, _moment(result.signed_at))


def _signer_words(result: Result) -> str:
    title = " ".join(result.facts.get("signer_title", []))
    name = result.approved_by.get_full_name()
    return _("%(title)s %(name)s") % {"title": title.capitalize(), "name": name} if title else name


def _notes_of(result: Result) -> Iterator[str]:
    if result.signing == Result.Signing.BY_HAND:
        yield _("Bản giấy được ký tay và đóng dấu; cổng không giữ tệp để so.")
    elif not result.is_made_here and result.sha256:
        yield _(
            "Tệp do phần mềm chuyên ngành ký số; cổng trao nguyên tệp, không đóng mã QR vào đó."
        )


def _known_paper(paper: Paper) -> Checked:
    gone = papernotes.words_for(paper)
    rows = [
        Row(_("Loại giấy"), paper.get_kind_display()),
        *([Row(_("Số"), paper.symbol, is_code=True)] if paper.symbol else []),
        Row(_("Mã hồ sơ"), paper.dossier.code or "", is_code=True),
        Row(_("Cơ quan"), paper.dossier.receiving_agency.name),
        Row(_("Lập lúc"), _moment(paper.created_at)),
        *_hash_row(paper.sha256),
        *_given_results(paper),
    ]
    if gone:
        headline = _("Giấy này do cổng phát hành nhưng không còn giá trị.")
        advice = _("Không dùng giấy này; cần biết thêm xin hỏi cơ quan.")
        return Checked(State.REVOKED, headline, advice, rows, notes=gone)
    return Checked(
        State.GENUINE,
        _("Giấy này là thật: do cổng này phát hành."),
        _("Hãy so tờ giấy với thông tin dưới đây, gõ tên ghi trên giấy, hoặc kiểm tra chính tệp "
          "PDF."),
        rows,
        is_sample=bool(paper.facts.get("is_sample")),
    )  # fmt: skip


def _given_results(paper: Paper) -> Iterator[Row]:
    """On a hand-over slip, the digests of the files: one signed elsewhere bears no code of ours."""
    given = paper.facts.get("results", []) if paper.kind == Paper.Kind.HANDOVER else []
    for row in given:
        if isinstance(row, dict) and row.get("sha256"):
            label = _("SHA-256 của kết quả “%(title)s”") % {"title": row["title"]}
            yield Row(label, row["sha256"], is_code=True)


def _known_office_paper(paper: OfficePaper) -> Checked:
    rows = [
        Row(_("Loại giấy"), paper.get_kind_display()),
        Row(_("Số"), paper.facts["symbol"], is_code=True),
        Row(_("Cơ quan"), paper.agency.name),
        *([Row(_("Kỳ"), _period(paper))] if paper.last_day else []),
        Row(_("Lập lúc"), _moment(paper.created_at)),
        *_hash_row(paper.sha256),
    ]
    signers = []
    if paper.signed_at:
        seal = _("%(office)s (dấu của cơ quan)") % {"office": paper.agency.name}
        signers = [Row(seal, _moment(paper.signed_at))]
    return Checked(
        State.GENUINE, _("Giấy này là thật: do cổng này phát hành."), "", rows, signers,
        is_sample=bool(paper.facts.get("is_sample")),
    )  # fmt: skip


def _period(paper: OfficePaper) -> str:
    return f"{paper.first_day:%d/%m/%Y}–{paper.last_day:%d/%m/%Y}"


def _hash_row(sha256: str) -> list[Row]:
    return [Row(_("Mã băm SHA-256 của tệp"), sha256, is_code=True)] if sha256 else []


def _moment(moment: datetime.datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M %d/%m/%Y}"


def _day(moment: datetime.datetime) -> str:
    return f"{timezone.localtime(moment):%d/%m/%Y}"


# --- By file ----------------------------------------------------------------------------


def by_file(file: UploadedFile) -> Checked:
    """What a PDF is. Raises `NotRead` for what is no PDF, too large, or not to be read now.

    First by its SHA-256: what was issued is known to the byte. A file that is not known but says
    that it is one of ours, or begins with one of ours, was changed.
    """
    _check_size(file)
    sha256 = intake.sha256_of(file)
    said = _said_by(file)
    signatures = [_signature(row) for row in said["signatures"]]
    found = _issued(said["tokens"])
    same = _same(found.values(), sha256) or _result_with(sha256=sha256)
    if same is not None:
        answer = _genuine_file(_known(same), signatures)
    elif cut := _cut(found.values(), sha256):
        answer = _changed(cut, _("Chữ ký số của tệp đã bị gỡ bỏ."))
    elif added := _added_to(found.values(), said["beginnings"]):
        answer = _changed(added, _("Sau khi phát hành, có người đã thêm nội dung vào tệp."))
    elif found:
        answer = _changed(next(iter(found.values())), _("Nội dung tệp khác với tệp đã phát hành."))
    else:
        answer = _not_ours(signatures)
    return replace(answer, is_file=True)


def _check_size(file: UploadedFile) -> None:
    if not file.size:
        raise NotRead(_("Tệp trống; có thể tệp chưa tải xong. Hãy chọn lại tệp."))
    if file.size > MAX_MB * intake.MB:
        raise NotRead(
            _("Tệp nặng %(size)s; chỉ kiểm tra được tệp đến %(most)d MB.")
            % {"size": intake.size_text(file.size), "most": MAX_MB}
        )
    file.seek(0)
    if file.read(5) != b"%PDF-":
        raise NotRead(
            _("Chỉ kiểm tra được tệp PDF. Với ảnh chụp hoặc bản quét của giấy, hãy quét mã QR "
              "hoặc nhập mã kiểm tra ghi trên giấy.")
        )  # fmt: skip


def _said_by(file: UploadedFile) -> dict[str, Any]:
    """What the file says of itself, read where it can harm nothing."""
    with throttling.place("verifying", most=_AT_ONCE, seconds=_AT_MOST_SECONDS) as is_free:
        said = _read(file) if is_free else {"fault": "busy"}
    fault = said.get("fault")
    if fault == "busy":
        raise NotRead(_("Hệ thống đang bận. Xin thử lại sau ít phút."))
    if fault == "encrypted":
        raise NotRead(
            _("Tệp có mật khẩu nên không đọc được. Tệp do cổng phát hành không có mật khẩu.")
        )
    # What does not open is none of ours, or none any more: its digest still says.
    return said if fault is None else {"tokens": [], "beginnings": [], "signatures": []}


def _read(file: UploadedFile) -> dict[str, Any]:
    if hasattr(file, "temporary_file_path"):
        with open(file.temporary_file_path(), "rb") as source:
            return bounded.ask("dossiers.opening.signed", "look", source)
    file.seek(0)
    return bounded.ask("dossiers.opening.signed", "look", file.read())


def _same(found: Iterable[Issued], sha256: str) -> Issued | None:
    return next((row for row in found if row.sha256 == sha256), None)


def _result_with(**fields: Any) -> Result | None:
    return Result.objects.select_related(*_RESULT_NEEDS).filter(**fields).order_by("-pk").first()


def _cut(found: Iterable[Issued], sha256: str) -> Issued | None:
    """Of which result this is what was approved, before anybody signed it."""
    return next((row for row in found if getattr(row, "unsigned_sha256", "") == sha256), None)


def _added_to(found: Iterable[Issued], beginnings: list[str]) -> Issued | None:
    """What this file was before somebody added to it."""
    if not beginnings:
        return None
    same = next((row for row in found if row.sha256 in beginnings), None)
    return same or _result_with(sha256__in=beginnings)


def _genuine_file(known: Checked, signatures: list[Signature]) -> Checked:
    """The standing of a file that is to the byte as it was issued."""
    signers = [signature.row for signature in signatures] or known.signers
    if known.state != State.GENUINE:
        return replace(known, signers=signers)
    return replace(
        known,
        headline=_("Tệp này là thật, còn nguyên như khi cổng phát hành."),
        advice=_("Chỉ tệp này có giá trị; bản in và ảnh chụp của nó thì cần so lại với tệp."),
        signers=signers,
        notes=[note for signature in signatures for note in signature.notes],
    )


def _changed(issued: Issued, how: str) -> Checked:
    known = _known(issued)
    rows = [row for row in known.rows if not row.is_code or row.label == _("Mã hồ sơ")]
    return Checked(
        State.CHANGED,
        _("Tệp này đã bị sửa: nó không còn như khi cổng phát hành."),
        _("Không dùng tệp này. Hãy đề nghị người gửi đưa tệp gốc tải từ cổng; mở bằng phần mềm đọc "
          "PDF rồi lưu lại hoặc in ra PDF cũng làm tệp khác đi."),
        rows,
        notes=[how, *([known.headline] if known.state != State.GENUINE else [])],
        is_sample=known.is_sample,
    )  # fmt: skip


def _not_ours(signatures: list[Signature]) -> Checked:
    if not signatures:
        return Checked(
            State.UNKNOWN,
            _("Cổng này không phát hành tệp này, và trong tệp không đọc được chữ ký số nào."),
            _("Nếu đây là bản quét hoặc ảnh của một tờ giấy, hãy quét mã QR hoặc nhập mã kiểm tra "
              "ghi trên giấy."),
        )  # fmt: skip
    return Checked(
        State.FOREIGN,
        _("Cổng này không phát hành tệp này."),
        _("Tệp có chữ ký số; chỉ người hoặc cơ quan ký mới xác nhận được. Xin hỏi nơi ghi tên dưới "
          "đây."),
        signers=[signature.row for signature in signatures],
        notes=[note for signature in signatures for note in (*signature.faults, *signature.notes)],
    )  # fmt: skip


# --- Signatures -------------------------------------------------------------------------


@dataclass(frozen=True)
class Signature:
    """One signature that the file carries, as a stranger may read it."""

    row: Row
    notes: list[str]
    faults: list[str]


def _signature(said: dict[str, Any]) -> Signature:
    at, until = parse_datetime(said["signed_at"] or ""), parse_datetime(said["valid_until"])
    name = said["name"] or _("Không ghi tên")
    words = _moment(at) if at else _("không ghi thời điểm")
    return Signature(
        Row(_owner_words(name, said["fingerprint"]), words),
        notes=list(_certificate_notes(name, at, until)),
        faults=list(_faults(said, name, at)),
    )


def _owner_words(name: str, fingerprint: str) -> str:
    if bytes.fromhex(fingerprint) in keys.our_certificates():
        return _("%(name)s (dấu của cơ quan)") % {"name": name}
    if SignerCertificate.objects.filter(fingerprint=fingerprint).exists():
        return _("%(name)s (người ký của cơ quan)") % {"name": name}
    return name


def _certificate_notes(
    name: str, at: datetime.datetime | None, until: datetime.datetime
) -> Iterator[str]:
    if at and at <= until < timezone.now():
        yield _(
            "Chứng thư số của %(name)s đã hết hạn ngày %(day)s; chữ ký được tạo khi chứng thư còn "
            "hạn nên vẫn có giá trị."
        ) % {"name": name, "day": _day(until)}


def _faults(said: dict[str, Any], name: str, at: datetime.datetime | None) -> Iterator[str]:
    if not said["is_intact"]:
        yield _("Chữ ký của %(name)s không còn khớp với nội dung tệp.") % {"name": name}
    elif not said["covers"]:
        yield _("Có nội dung được thêm vào sau chữ ký của %(name)s.") % {"name": name}
    begins, ends = parse_datetime(said["valid_from"]), parse_datetime(said["valid_until"])
    if at and not begins <= at <= ends:
        yield _("Chứng thư số của %(name)s không có hiệu lực lúc ký.") % {"name": name}


# --- The name on the paper --------------------------------------------------------------


class Match(enum.StrEnum):
    """What the verifier learns of a name: nothing else, and never a name."""

    SAME = "same"
    BUT_ACCENTS = "but_accents"
    OTHER = "other"
    TOO_OFTEN = "too_often"


def name_on(token: str, typed: str, *, address: str) -> Match:
    """Whether `typed` is a name on the paper with this code, in its own accents or without them.

    Every try counts, whatever it says, for the paper and for who asks: the answer must not be
    had by trying. A paper that holds no more, and one without a name, match nothing.
    """
    if not TOKEN.fullmatch(token):
        return Match.OTHER
    if _is_too_often(token, address):
        return Match.TOO_OFTEN
    issued = _issued([token]).get(token)
    holds = issued is not None and _known(issued).state == State.GENUINE
    names = _names(issued) if holds else []
    wanted = _plain(typed)
    if not wanted:
        return Match.OTHER
    if wanted in {_plain(name) for name in names}:
        return Match.SAME
    is_alike = fold(wanted) in {fold(_plain(name)) for name in names}
    return Match.BUT_ACCENTS if is_alike else Match.OTHER


def _is_too_often(token: str, address: str) -> bool:
    hour = timezone.localtime().hour
    counts = (
        (f"name:{token}:{address}:{hour}", NAMES_AN_HOUR),
        (f"name:{token}", NAMES_A_DAY),
        (f"name-by:{address}", NAMES_OF_ADDRESS_A_DAY),
    )
    return any(throttling.count_today(name) > most for name, most in counts)


def _plain(name: str) -> str:
    """One spelling for all ways to write a name: NFC, small letters, single spaces."""
    return " ".join(normalise(name).casefold().split())


def _names(issued: Issued) -> list[str]:
    if isinstance(issued, Result):
        return results.names_on(issued)
    if isinstance(issued, Paper) and issued.kind not in Paper.INTERNAL:
        name = issued.facts.get("applicant", {}).get("name", "")
        return [name] if name else []
    return []
