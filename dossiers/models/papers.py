"""The papers and results that the office issues."""

from __future__ import annotations

from django.conf import settings
from django.db import models
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

    # These print the secret: they are for the one who files, not for all who take part.
    WITH_SECRET = (Kind.FILING, Kind.SECRET)
    # These stay in the office.
    INTERNAL = (Kind.CONTROL,)

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


class Result(models.Model):
    """The result of a dossier: a PDF that we made and signed, or one signed elsewhere.

    Never changed: a wrong one is replaced or revoked, and its check page says so.
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="results")
    token = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    title = models.CharField(_("tên kết quả"), max_length=200)
    facts = models.JSONField(_("nội dung"), default=dict)
    is_made_here = models.BooleanField(_("do cổng lập"), default=True)
    is_sample = models.BooleanField(_("bản minh hoạ"), default=False)
    file = models.FileField(upload_to="results/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    signed_at = models.DateTimeField(_("ký số lúc"), null=True)
    revoked_at = models.DateTimeField(_("thu hồi lúc"), null=True)

    class Meta:
        verbose_name = _("kết quả")
        verbose_name_plural = _("kết quả")
        ordering = ("created_at", "pk")

    def __str__(self) -> str:
        return self.token
