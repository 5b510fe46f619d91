"""The papers and results that the office issues."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.keys import new_key
from procedures.models import Agency
from procedures.text import fold, in_vietnamese


class Paper(models.Model):
    """A printed paper of the one-stop shop, kept as it was made and checkable by its token.

    `facts` is what the paper says, frozen in the transaction that asked for it; a task
    makes the PDF from it afterwards, so no request waits for one.
    """

    class Kind(models.TextChoices):
        FORM = "form", _("Tờ khai đã điền")
        FILING = "filing", _("Xác nhận nộp hồ sơ trực tuyến")
        RECEIPT = "receipt", _("Giấy tiếp nhận hồ sơ và hẹn trả kết quả")
        SUPPLEMENT = "supplement", _("Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ")
        REFUSAL = "refusal", _("Phiếu từ chối tiếp nhận giải quyết hồ sơ")
        APOLOGY = "apology", _("Phiếu xin lỗi và hẹn lại ngày trả kết quả")
        STOP = "stop", _("Thông báo dừng giải quyết hồ sơ")
        PAYMENT = "payment", _("Xác nhận thanh toán")
        SECRET = "secret", _("Phiếu cấp lại mã tra cứu")
        CONTROL = "control", _("Phiếu kiểm soát quá trình giải quyết hồ sơ")
        ORIGINALS = "originals", _("Giấy biên nhận giữ bản chính")
        GIVEN_BACK = "given_back", _("Giấy biên nhận trả lại bản chính")
        HANDOVER = "handover", _("Giấy biên nhận trả kết quả")
        CANCELLED = "cancelled", _("Phiếu hủy xác nhận thanh toán")
        LABEL = "label", _("Phiếu gửi bưu chính")

    # These print the secret: they are for the one who files, not for all who take part.
    WITH_SECRET = (Kind.FILING, Kind.SECRET)
    # These stay in the office.
    INTERNAL = (Kind.CONTROL, Kind.LABEL)

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="papers")
    kind = models.CharField(_("loại giấy"), max_length=12, choices=Kind)
    number = models.PositiveSmallIntegerField(_("lần"), default=1)
    symbol = models.CharField(_("số, ký hiệu"), max_length=40, blank=True)
    token = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    facts = models.JSONField(_("nội dung"))
    file = models.FileField(upload_to="papers/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("giấy tờ một cửa")
        verbose_name_plural = _("giấy tờ một cửa")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier", "kind", "number"), name="paper_number_once_per_kind"
            ),
        )

    def __str__(self) -> str:
        return self.token

    @in_vietnamese
    def slug(self) -> str:
        """What it is, in the name of a file: `to-khai-da-dien`."""
        return slugify(fold(self.get_kind_display()))


class ResultCounter(models.Model):
    """The last number of one series of papers or results at one office in one year; its
    locked row hands them out (`dossiers.numbering`)."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    symbol = models.CharField(max_length=20)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "year", "symbol"), name="result_counter_one_per_series"
            ),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.year} {self.symbol}"


class SignerCertificate(models.Model):
    """The certificate by which the portal knows a person's signature; never a private key.

    Signatures made before `revoked_at` stay good. Registered by an administrator from the
    certificate file of the person's USB token; a demo registers its own.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="signer_certificates",
        verbose_name=_("người ký"),
    )
    fingerprint = models.CharField(_("dấu vân tay SHA-256"), max_length=64, unique=True)
    subject = models.CharField(_("chủ thể"), max_length=300)
    issuer = models.CharField(_("tổ chức cấp"), max_length=300)
    serial_number = models.CharField(_("số chứng thư"), max_length=64)
    pem = models.TextField(_("chứng thư (PEM)"))
    valid_from = models.DateTimeField(_("hiệu lực từ"))
    valid_until = models.DateTimeField(_("hiệu lực đến"))
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    registered_at = models.DateTimeField(_("đăng ký lúc"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("thôi dùng từ"), null=True, blank=True)

    class Meta:
        verbose_name = _("chứng thư số của người ký")
        verbose_name_plural = _("chứng thư số của người ký")
        ordering = ("user", "-registered_at")

    def __str__(self) -> str:
        return self.subject


class Result(models.Model):
    """The result of a dossier: a PDF that we made or were given and signed, or one signed
    elsewhere.

    Frozen at approval: `unsigned` is the PDF as it was approved, stamp and QR in it; then the
    approver signs (`approver_signed_at`; by USB token where `signing` says so) and the office
    seals (`signed_at`). `file` is there only when both are. Never changed: a wrong one is
    replaced (`replaces` of the new one) or revoked, and its check page says so. `names` are
    those printed on it, for the verifier who types one.
    """

    class Signing(models.TextChoices):
        PORTAL = "portal", _("Ký trên cổng")
        TOKEN = "token", _("Ký bằng USB token")
        ELSEWHERE = "elsewhere", _("Đã ký ở phần mềm chuyên ngành")
        BY_HAND = "by_hand", _("Ký tay trên giấy")

    class Failure(models.TextChoices):
        NO_KEY = "no_key", _("Không mở được khóa ký của cơ quan")
        EXPIRED = "expired", _("Chứng thư số đã hết hạn hoặc chưa có hiệu lực")
        REVOKED = "revoked", _("Chứng thư số đã bị thu hồi hoặc thôi dùng")
        PRINTING = "printing", _("Không lập được văn bản")
        OTHER = "other", _("Không ký được")

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="results")
    token = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    title = models.CharField(_("tên kết quả"), max_length=200)
    facts = models.JSONField(_("nội dung"), default=dict)
    names = models.JSONField(_("tên ghi trên giấy"), default=list, blank=True)
    is_made_here = models.BooleanField(_("do cổng lập"), default=True)
    is_uploaded = models.BooleanField(
        _("văn bản do công chức soạn"), default=False, help_text=_("Cổng đóng mã QR và ký.")
    )
    is_sample = models.BooleanField(_("bản minh hoạ"), default=False)
    signing = models.CharField(_("cách ký"), max_length=9, choices=Signing, default=Signing.PORTAL)
    draft = models.FileField(_("văn bản chưa ký"), upload_to="results/%Y/%m/", blank=True)
    unsigned = models.FileField(_("bản đã duyệt"), upload_to="results/%Y/%m/", blank=True)
    unsigned_sha256 = models.CharField(max_length=64, blank=True)
    approver_signed = models.FileField(upload_to="results/%Y/%m/", blank=True)
    file = models.FileField(upload_to="results/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    approver_signed_at = models.DateTimeField(_("người có thẩm quyền ký lúc"), null=True)
    signed_at = models.DateTimeField(_("ký số lúc"), null=True)
    failure = models.CharField(_("vì sao chưa ký được"), max_length=8, choices=Failure, blank=True)
    failed_at = models.DateTimeField(_("lần ký hỏng gần nhất"), null=True)
    replaces = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        related_name="replaced_by",
        verbose_name=_("thay cho"),
    )
    revoked_at = models.DateTimeField(_("thu hồi lúc"), null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    revoke_reason = models.CharField(_("lý do thu hồi"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("kết quả")
        verbose_name_plural = _("kết quả")
        ordering = ("created_at", "pk")
        indexes = (
            models.Index(
                fields=("approved_by",),
                condition=Q(signed_at=None, approved_by__isnull=False),
                name="result_not_signed",
            ),
            models.Index(fields=("sha256",), name="result_sha256"),
        )

    def __str__(self) -> str:
        return self.token


class ResultChange(models.Model):
    """That a wrong result is revoked, or replaced by another; the leader decides.

    Proposed by who handles the dossier, decided by another person who signs for the office.
    A replacement brings its own wording or file (`details`, `draft`).
    """

    class Kind(models.TextChoices):
        REVOKE = "revoke", _("Thu hồi")
        REPLACE = "replace", _("Thay bằng bản khác")

    class Decision(models.TextChoices):
        AGREED = "agreed", _("Đồng ý")
        REJECTED = "rejected", _("Không đồng ý")

    result = models.ForeignKey(Result, models.PROTECT, related_name="changes")
    kind = models.CharField(_("đề xuất"), max_length=7, choices=Kind)
    reason = models.CharField(_("lý do"), max_length=300)
    law = models.CharField(_("căn cứ"), max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True)
    draft = models.FileField(_("văn bản thay thế"), upload_to="results/%Y/%m/", blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("đề xuất lúc"), auto_now_add=True)
    decision = models.CharField(_("quyết định"), max_length=8, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("quyết định lúc"), null=True)
    comment = models.CharField(_("ý kiến"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("đề xuất thu hồi, thay kết quả")
        verbose_name_plural = _("đề xuất thu hồi, thay kết quả")
        ordering = ("proposed_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("result",), condition=Q(decision=""), name="result_change_one_open"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("proposed_by")),
                name="result_change_needs_two_people",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.result_id}"
