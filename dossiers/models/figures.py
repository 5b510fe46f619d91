"""Figures for reports, counted once, and the papers that an office issues about itself."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.keys import new_key
from procedures.models import Agency, Channel, Procedure


class Tally(models.Model):
    """What one office did on one day, or in one whole month, with one procedure.

    Counted from dossiers and their ledger by `run_due`, anew for a day whose facts changed
    later (an entry made up after a power cut). `officer` is whose dossier it was, empty for
    what reception did. Sums of minutes are working time. What was `open_…` at the end of the
    day is no sum; a month has that of its last day.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    is_month = models.BooleanField(default=False)
    day = models.DateField(_("ngày"), help_text=_("Của một tháng: ngày đầu tháng."))
    procedure = models.ForeignKey(Procedure, models.PROTECT, related_name="+")
    channel = models.CharField(_("cách nộp"), max_length=8, choices=Channel.Kind)
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    received = models.PositiveIntegerField(_("tiếp nhận"), default=0)
    accepted = models.PositiveIntegerField(_("được tiếp nhận"), default=0)
    accept_minutes = models.PositiveBigIntegerField(_("từ nộp đến tiếp nhận (phút)"), default=0)
    done_early = models.PositiveIntegerField(_("trước hạn"), default=0)
    done_on_time = models.PositiveIntegerField(_("đúng hạn"), default=0)
    done_late = models.PositiveIntegerField(_("quá hạn"), default=0)
    done_asked_once = models.PositiveIntegerField(_("xong sau một lần bổ sung"), default=0)
    done_asked_more = models.PositiveIntegerField(_("xong sau nhiều lần bổ sung"), default=0)
    handling_minutes = models.PositiveBigIntegerField(_("thời gian giải quyết (phút)"), default=0)
    refused = models.PositiveIntegerField(_("từ chối tiếp nhận"), default=0)
    stopped = models.PositiveIntegerField(_("dừng"), default=0)
    withdrawn = models.PositiveIntegerField(_("rút"), default=0)
    supplements = models.PositiveIntegerField(_("yêu cầu bổ sung"), default=0)
    further_supplements = models.PositiveIntegerField(_("bổ sung thêm lần nữa"), default=0)
    extended = models.PositiveIntegerField(_("hẹn lại"), default=0)
    paid_online = models.PositiveIntegerField(_("nộp phí trực tuyến"), default=0)
    with_fee = models.PositiveIntegerField(_("có phí"), default=0)
    results_online = models.PositiveIntegerField(_("kết quả điện tử"), default=0)
    open_in_time = models.PositiveIntegerField(_("đang giải quyết, trong hạn"), default=0)
    open_overdue = models.PositiveIntegerField(_("đang giải quyết, quá hạn"), default=0)

    class Meta:
        verbose_name = _("số liệu")
        verbose_name_plural = _("số liệu")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "is_month", "day", "procedure", "channel", "officer"),
                name="tally_once_per_officer",
            ),
            models.UniqueConstraint(
                fields=("agency", "is_month", "day", "procedure", "channel"),
                condition=Q(officer=None),
                name="tally_once_without_officer",
            ),
        )
        indexes = (models.Index(fields=("is_month", "day", "agency"), name="tally_of_days"),)

    def __str__(self) -> str:
        return f"{self.agency_id} {self.day:%Y-%m-%d}"


class TallyDay(models.Model):
    """A day, or a whole month by its first day, and whether its tallies are counted.

    Without `counted_at` they still have to be, or again: rows that are there already are
    those of before. A day on which nothing happened has this row and no tallies.
    """

    day = models.DateField(_("ngày"))
    is_month = models.BooleanField(default=False)
    counted_at = models.DateTimeField(_("tổng hợp lúc"), null=True)

    class Meta:
        verbose_name = _("ngày tổng hợp số liệu")
        verbose_name_plural = _("ngày tổng hợp số liệu")
        constraints = (models.UniqueConstraint(fields=("day", "is_month"), name="tally_day_once"),)
        indexes = (
            models.Index(fields=("day",), condition=Q(counted_at=None), name="tally_day_to_count"),
        )

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class OfficePaper(models.Model):
    """A paper that an office issues about its own work: a page of the register, a report.

    Kept as it was made: `facts` is what it says, `file` what was printed (and, of a report
    that was signed, what was signed). Numbered by office, kind and year.
    """

    class Kind(models.TextChoices):
        REGISTER = "register", _("Sổ theo dõi hồ sơ")
        REPORT = "report", _("Báo cáo tình hình, kết quả giải quyết thủ tục hành chính")
        RESERVED = "reserved", _("Bảng mã hồ sơ dự phòng")
        HANDED_ON = "handed_on", _("Phiếu bàn giao hồ sơ")
        CASH_CLOSE = "cash_close", _("Bảng kê thu tiền mặt")
        POSTED = "posted", _("Bảng kê giao bưu chính")

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="office_papers")
    kind = models.CharField(_("loại giấy"), max_length=10, choices=Kind)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField(_("số"))
    token = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    first_day = models.DateField(_("từ ngày"), null=True)
    last_day = models.DateField(_("đến ngày"), null=True)
    facts = models.JSONField(_("nội dung"))
    file = models.FileField(upload_to="office-papers/%Y/%m/", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    signed_at = models.DateTimeField(_("ký số lúc"), null=True)

    class Meta:
        verbose_name = _("giấy tờ của cơ quan")
        verbose_name_plural = _("giấy tờ của cơ quan")
        ordering = ("-created_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "kind", "year", "number"), name="office_paper_number_once"
            ),
            models.CheckConstraint(
                condition=Q(first_day=None) | Q(last_day__gte=models.F("first_day")),
                name="office_paper_period_in_order",
            ),
        )

    def __str__(self) -> str:
        return self.token
