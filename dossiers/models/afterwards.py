"""What the citizen says when it is over: a rating, a complaint."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.questions import new_question_code
from procedures.models import Agency


class Rating(models.Model):
    """The three official grades over the official questions (Circular 32/2017, art. 12).

    Grades count in the public figures; `words` are read by the supervisor alone.
    """

    class Grade(models.IntegerChoices):
        POOR = 1, _("Chưa hài lòng")
        GOOD = 2, _("Hài lòng")
        VERY_GOOD = 3, _("Rất hài lòng")

    dossier = models.OneToOneField(Dossier, models.PROTECT, related_name="rating")
    overall = models.PositiveSmallIntegerField(_("mức hài lòng chung"), choices=Grade)
    convenience = models.PositiveSmallIntegerField(_("thuận tiện"), choices=Grade, null=True)
    timeliness = models.PositiveSmallIntegerField(_("đúng hạn"), choices=Grade, null=True)
    attitude = models.PositiveSmallIntegerField(_("thái độ hỗ trợ"), choices=Grade, null=True)
    words = models.TextField(_("ý kiến"), blank=True)
    rated_at = models.DateTimeField(_("đánh giá lúc"), auto_now_add=True)
    read_at = models.DateTimeField(_("đã đọc lúc"), null=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("đánh giá")
        verbose_name_plural = _("đánh giá")
        ordering = ("-rated_at", "-pk")
        indexes = (
            models.Index(
                fields=("rated_at",),
                condition=Q(read_at=None) & ~Q(words=""),
                name="rating_words_unread",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.dossier_id}: {self.overall}"


class Complaint(models.Model):
    """A complaint about a decision or about how somebody behaved, and the office's answer."""

    class Kind(models.TextChoices):
        FEEDBACK = "feedback", _("Phản ánh, kiến nghị về cách phục vụ")
        COMPLAINT = "complaint", _("Khiếu nại quyết định, hành vi hành chính")

    code = models.CharField(_("mã"), max_length=20, unique=True, default=new_question_code)
    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="complaints")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    kind = models.CharField(_("loại"), max_length=9, choices=Kind)
    text = models.TextField(_("nội dung"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("gửi lúc"), auto_now_add=True)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    received_at = models.DateTimeField(_("thụ lý lúc"), null=True)
    due_at = models.DateTimeField(_("phải trả lời trước"))
    answer = models.TextField(_("trả lời"), blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(_("trả lời lúc"), null=True)
    form_key = models.CharField(max_length=22, unique=True)

    class Meta:
        verbose_name = _("phản ánh, khiếu nại")
        verbose_name_plural = _("phản ánh, khiếu nại")
        ordering = ("-made_at", "-pk")
        indexes = (
            models.Index(
                fields=("agency", "due_at"), condition=Q(answered_at=None), name="complaint_open"
            ),
        )

    def __str__(self) -> str:
        return self.code
