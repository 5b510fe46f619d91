"""Plain functions that make what tests need, with sensible defaults.

Procedures come from the fixtures through the loader, so tests handle what the portal
handles; a dossier is brought into a state by the moves that lead there.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import io
import itertools
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from dossiers import attachments, certificates, filing, intake, proposals, workflow
from dossiers.models import Dossier, LegalGround, SignerCertificate
from procedures.formspec.conditions import lookup
from procedures.formspec.fields import type_of
from procedures.formspec.spec import walk
from procedures.loading.checking import check_files, check_text
from procedures.loading.offices import load_life_events, load_offices
from procedures.loading.saving import publish, save_draft
from procedures.models import Agency, Posting, Procedure

FIXTURES = settings.BASE_DIR / "fixtures"
COMMUNE, DESK = "000.00.61.H50", "000.01.61.H50"
OTHER_COMMUNE = "000.00.62.H50"

BIRTH, COPY, FUNERAL = "1.001193", "2.000635", "1.001731"
MARITAL, LAND_DISPUTE = "1.004873", "1.012812"
CERTIFIED_COPY, SIGNATURE = "2.000815", "2.000884"
FILES = {
    BIRTH: "dang-ky-khai-sinh",
    COPY: "cap-ban-sao-trich-luc-ho-tich",
    FUNERAL: "ho-tro-chi-phi-mai-tang",
    MARITAL: "xac-nhan-tinh-trang-hon-nhan",
    LAND_DISPUTE: "hoa-giai-tranh-chap-dat-dai",
    CERTIFIED_COPY: "chung-thuc-ban-sao",
    SIGNATURE: "chung-thuc-chu-ky",
}

_numbers = itertools.count(1)


def user(**fields: Any):
    """A person without a usable password: tests log in with `force_login`."""
    number = next(_numbers)
    fields.setdefault("email", f"nguoi{number}@example.vn")
    fields.setdefault("full_name", f"Nguyễn Văn Người {number}")
    return get_user_model().objects.create_user(**fields)


def offices() -> None:
    """The offices and life events of the fixtures; a second call adds nothing."""
    if not Agency.objects.filter(code=COMMUNE).exists():
        load_offices(FIXTURES / "offices.yaml")
        load_life_events(FIXTURES / "life_events.yaml")


def official(role: str, office: str | None = None, **fields: Any):
    """An official posted today; reception and cashiers at the desk, others at the commune."""
    offices()
    at_desk = role in {Posting.Role.RECEPTION, Posting.Role.CASHIER}
    person = user(is_staff=True, is_demo=True, **fields)
    agency = Agency.objects.get(code=office or (DESK if at_desk else COMMUNE))
    Posting.objects.create(user=person, agency=agency, role=role, title="Chuyên viên")
    return person


def procedure(code: str = FUNERAL) -> Procedure:
    """A procedure of the fixtures, in force."""
    found = Procedure.objects.filter(code=code, current__isnull=False).first()
    if found:
        return found
    offices()
    [(_document, spec)], _documents = check_files([FIXTURES / "procedures" / f"{FILES[code]}.yaml"])
    publish(save_draft(spec), by=None)
    return Procedure.objects.get(code=code)


def altered_procedure(folder: Path, code: str, *swaps: tuple[str, str]) -> Procedure:
    """A procedure of the fixtures in force with other words in its file: (old, new) each."""
    offices()
    text = (FIXTURES / "procedures" / f"{FILES[code]}.yaml").read_text()
    for old, new in swaps:
        if old not in text:
            raise ValueError(f"{FILES[code]}.yaml does not say: {old}")
        text = text.replace(old, new)
    file = folder / f"{FILES[code]}.yaml"
    file.write_text(text)
    [(_document, spec)], _documents = check_files([file])
    publish(save_draft(spec), by=None)
    return Procedure.objects.get(code=code)


def copy_with_tiers(folder: Path) -> Procedure:
    """`COPY` with a fee by tiers for each copy: 4.000 đồng for each of two."""
    tiers = "tiers: [{up_to: 2, amount: 2.000}, {amount: 1.000}]"
    swap = ("amount: 8.000", f"{tiers}\n    counted: ban_sao.so_luong")
    return altered_procedure(folder, COPY, swap)


def pdf(title: str = "") -> SimpleUploadedFile:
    """A PDF of one empty page, another one for each title."""
    import pikepdf

    file = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        document.docinfo["/Title"] = title
        document.save(file)
    return SimpleUploadedFile("ket-qua.pdf", file.getvalue(), content_type="application/pdf")


def picture(color: str = "#dddddd") -> SimpleUploadedFile:
    """A small JPEG as a phone would send it."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(file, "JPEG")
    return SimpleUploadedFile("anh.jpg", file.getvalue(), content_type="image/jpeg")


@functools.cache
def taken_picture(color: str = "#dddddd") -> intake.Taken:
    """`picture()` as it is kept: looked at once, because that takes a process of its own."""
    with intake.taken(picture(color)) as one:
        return dataclasses.replace(one, content=ContentFile(one.content.read()))


def _person(name: str) -> dict[str, Any]:
    return {
        "ho_ten": name,
        "ngay_sinh": "1990-03-02",
        "so_dinh_danh": "045190001234",
        "noi_cu_tru": {"commune": "19495", "name": "Xã Gio Linh, Tỉnh Quảng Trị", "detail": ""},
    }


_HOME = {"commune": "19495", "name": "Xã Gio Linh, Tỉnh Quảng Trị", "detail": "Thôn 5"}

ANSWERS: dict[str, dict[str, Any]] = {
    FUNERAL: {
        "dien_huong": {"dien": "tro_cap_hang_thang"},
        "nguoi_mat": {
            "ho_ten": "Trần Văn Cụ",
            "ngay_sinh": "1940-01-01",
            "ngay_mat": "2026-11-10",
            "noi_cu_tru": _HOME,
        },
        "nguoi_dung_ra": {
            "tu_cach": "ca_nhan",
            "nguoi": {**_person("Trần Thị Bình"), "dien_thoai": "0912345678"},
            "quan_he": "con",
        },
        "nhan_tien": {"cach": "tien_mat"},
        "cam_doan": {"dong_y": "yes"},
    },
    COPY: {
        "nguoi_yeu_cau": {
            "nguoi": {**_person("Trần Thị Bình"), "dien_thoai": "0912345678"},
            "quan_he": "ban_than",
        },
        "viec_dang_ky": {"loai": "khai_sinh", "noi": _HOME, "nam": 1994},
        "ban_sao": {"so_luong": 2},
        "cam_doan": {"dong_y": "yes"},
    },
    BIRTH: {
        "truong_hop": {
            "cha_me": "da_ket_hon", "nuoc_ngoai": "no", "co_giay_to_cu": "no", "mang_thai_ho": "no",
        },
        "chung_minh": {"bang": "giay_chung_sinh"},
        "nguoi_yeu_cau": {"nguoi": _person("Trần Thị Bình"), "quan_he": "me"},
        "be": {
            "ho_ten": "Nguyễn Trần Minh Khôi",
            "ngay_sinh": "2026-11-05",
            "gioi_tinh": "nam",
            "dan_toc": "Kinh",
            "quoc_tich": "VN",
            "noi_sinh": "co_so_y_te",
            "ten_co_so": "Trung tâm Y tế Gio Linh",
            "dia_chi_sinh": _HOME,
            "que_quan": _HOME,
        },
        "me": {"nguoi": {**_person("Trần Thị Bình"), "dan_toc": "Kinh", "quoc_tich": "VN"}},
        "cha": {"nguoi": {**_person("Nguyễn Văn An"), "dan_toc": "Kinh", "quoc_tich": "VN"}},
        "ket_hon": {},
        "ban_sao": {"can": "yes", "so_luong": 1},
        "cam_doan": {"dong_y": "yes"},
    },
}  # fmt: skip


def posted(code: str, section_id: str) -> dict[str, Any]:
    """What a browser sends for one section of `ANSWERS`."""
    section = procedure(code).current.form.section(section_id)
    data = {}
    for path, spec in walk(section.fields):
        answer = lookup(ANSWERS[code].get(section_id, {}), path)
        values = type_of(spec).to_values(answer)
        data |= {f"{path}{suffix}": value for suffix, value in values.items() if value}
    return data


def newer_revision(code: str, old: str, new: str) -> Procedure:
    """Publish the fixture once more with one text replaced."""
    text = (FIXTURES / "procedures" / f"{FILES[code]}.yaml").read_text(encoding="utf-8")
    assert old in text
    document, spec = check_text(text.replace(old, new), "test.yaml")
    assert spec, document.faults
    publish(save_draft(spec), by=None)
    return Procedure.objects.get(code=code)


def draft(code: str = FUNERAL, *, owner: Any = None, office: str = COMMUNE) -> Dossier:
    """A draft with everything filled in and attached, ready to be filed."""
    owner = owner or user()
    dossier = filing.start(procedure(code), by=owner)
    dossier.answers = copy.deepcopy(ANSWERS[code])
    filing.set_office(dossier, Agency.objects.get(code=office))
    dossier.save()
    for row in filing.to_attach(dossier):
        attachments.keep(dossier, row.key, taken_picture(), by=owner)
    return dossier


def filed(code: str = FUNERAL, *, owner: Any = None, office: str = COMMUNE) -> Dossier:
    """A dossier as it is right after filing: submitted, or waiting for its fee."""
    dossier = draft(code, owner=owner, office=office)
    return workflow.perform(dossier, "submit", by=dossier.owner)


def signed_pdf(title: str = "") -> SimpleUploadedFile:
    """A PDF that carries a signature, as another system gives it."""
    from dossiers import signing

    content = signing.sign(pdf(title).read(), reason=title, location="", name="Người ký")
    return SimpleUploadedFile("ket-qua.pdf", content, content_type="application/pdf")


def signer_certificate(signer: Any, **fields: Any) -> SignerCertificate:
    """The registered certificate of a pyHanko signer; `fields` are set afterwards."""
    row = certificates.of_portal(fields.pop("user", None) or user(), signer)
    if fields:
        SignerCertificate.objects.filter(pk=row.pk).update(**fields)
    return SignerCertificate.objects.get(pk=row.pk)


def ground(**fields: Any) -> LegalGround:
    """A ground in law that may be chosen everywhere."""
    fields = {"title": "Không đủ điều kiện", "law": "khoản 8 Điều 19 Nghị định 61/2018/NĐ-CP",
              "uses": LegalGround.Use.values, **fields}  # fmt: skip
    return LegalGround.objects.get_or_create(code=fields.pop("code", "thu"), defaults=fields)[0]


class Office:
    """One official for each role at the demo commune, and the ways through its hands."""

    def __init__(self) -> None:
        self.reception = official(Posting.Role.RECEPTION)
        self.officer = official(Posting.Role.CASE_OFFICER)
        self.approver = official(Posting.Role.APPROVER)
        self.cashier = official(Posting.Role.CASHIER)

    @functools.cached_property
    def leader(self) -> Any:
        """The head of the commune; made when somebody asks for them."""
        return official(Posting.Role.LEADER)

    def supplement(self, dossier: Dossier, **details: Any) -> Dossier:
        """The desk asks the citizen; from acceptance on, the officer has proposed it first.

        A further or a late one has the leader's consent.
        """
        details = {"items": "Ảnh chụp rõ cả trang", "reason": "Ảnh bị mờ", **details}
        dossier = Dossier.objects.get(pk=dossier.pk)
        by = self.reception
        if dossier.state != Dossier.State.SUBMITTED:
            dossier = workflow.perform(dossier, "propose_supplement", by=self.officer, **details)
        elif proposals.circumstances(dossier).needs_consent:
            dossier = workflow.perform(dossier, "propose_further_supplement", by=by, **details)
        if proposals.waiting_for_leader(dossier):
            dossier = workflow.perform(dossier, "consent", by=self.leader, reason="Cần thiết")
        return workflow.perform(dossier, "request_supplement", by=by, **details)

    def refused(self, dossier: Dossier, reason: str = "Không đúng nơi", **fields: Any) -> Dossier:
        """From submitted to refused at the desk, with the leader's consent."""
        said = {"reason": reason, "ground": fields.pop("ground", None) or ground()}
        dossier = workflow.perform(dossier, "propose_refusal", by=self.reception, **said)
        dossier = workflow.perform(dossier, "consent", by=self.leader)
        return workflow.perform(dossier, "refuse", by=self.reception)

    def accepted(self, dossier: Dossier) -> Dossier:
        """From submitted to accepted."""
        return workflow.perform(dossier, "accept", by=self.reception)

    def processing(self, dossier: Dossier) -> Dossier:
        """From submitted to processing."""
        return workflow.perform(self.accepted(dossier), "take", by=self.officer)

    def proposed(self, dossier: Dossier, **details: Any) -> Dossier:
        """From submitted to awaiting approval."""
        if details.get("outcome") == Dossier.Outcome.REFUSED:
            details.setdefault("ground", ground())
        return workflow.perform(self.processing(dossier), "propose", by=self.officer, **details)

    def approved(self, dossier: Dossier) -> Dossier:
        """From submitted to approved; the signed file comes with the tasks."""
        return workflow.perform(self.proposed(dossier), "approve", by=self.approver)
