"""What officials write about a dossier among themselves, and what the law holds them to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from procedures.models import Agency, Sector


class LegalGround(models.Model):
    """A reason in law for which an office may refuse or stop: chosen by its code, never typed.

    `uses` says where it may be chosen (`Use`); one with a `sector` is offered in that field
    alone. A ground that was used stays; one that no longer holds is made inactive.
    """

    class Use(models.TextChoices):
        RECEPTION = "reception", _("Từ chối tiếp nhận")
        RESULT = "result", _("Không đồng ý sau khi thẩm tra")
        STOP = "stop", _("Dừng giải quyết")

    code = models.SlugField(_("mã"), max_length=40, unique=True)
    title = models.CharField(_("lý do"), max_length=200)
    law = models.CharField(
        _("căn cứ"), max_length=200, help_text=_("Ví dụ: khoản 8 Điều 19 Nghị định 61/2018/NĐ-CP")
    )
    uses = models.JSONField(_("dùng khi"), default=list)
    sector = models.ForeignKey(
        Sector, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lĩnh vực")
    )
    is_active = models.BooleanField(_("đang dùng"), default=True)

    class Meta:
        verbose_name = _("căn cứ từ chối, dừng")
        verbose_name_plural = _("căn cứ từ chối, dừng")
        ordering = ("code",)

    def __str__(self) -> str:
        return f"{self.title} ({self.law})"


class Proposal(models.Model):
    """What an official proposes and another one sends: a supplement, a refusal, a new date.

    The citizen deals with the one-stop desk alone (Decree 61/2018, art. 5 and 17): the
    officer proposes, reception sends or returns. `needs_consent` waits for the leader
    first (a refusal at reception, a further or a late supplement). `proposed_by` is empty
    where the portal itself drafted it. `details` holds what the move takes: `documents`,
    `fields`, `notes`, `items`, `new_date`.
    """

    class Kind(models.TextChoices):
        SUPPLEMENT = "supplement", _("Yêu cầu bổ sung")
        REFUSAL = "refusal", _("Từ chối tiếp nhận")
        EXTENSION = "extension", _("Xin lỗi và hẹn lại")

    class Decision(models.TextChoices):
        SENT = "sent", _("Đã gửi")
        RETURNED = "returned", _("Trả lại")
        DROPPED = "dropped", _("Không còn cần")

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="proposals")
    kind = models.CharField(_("đề xuất"), max_length=10, choices=Kind)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    proposed_at = models.DateTimeField(_("đề xuất lúc"), auto_now_add=True)
    reason = models.TextField(_("lý do"), blank=True)
    ground = models.ForeignKey(LegalGround, models.PROTECT, null=True, related_name="+")
    details = models.JSONField(default=dict, blank=True)
    needs_consent = models.BooleanField(_("cần lãnh đạo đồng ý"), default=False)
    consented_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    consented_at = models.DateTimeField(_("lãnh đạo đồng ý lúc"), null=True)
    consent_reason = models.TextField(_("lý do của lãnh đạo"), blank=True)
    decision = models.CharField(_("đã giải quyết"), max_length=8, choices=Decision, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("giải quyết lúc"), null=True)
    comment = models.TextField(_("lời trả lại"), blank=True)

    class Meta:
        verbose_name = _("đề xuất")
        verbose_name_plural = _("đề xuất")
        ordering = ("proposed_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier", "kind"),
                condition=Q(decided_at=None),
                name="proposal_one_open_per_kind",
            ),
        )
        indexes = (
            models.Index(
                fields=("kind", "proposed_at"),
                condition=Q(decided_at=None),
                name="proposal_open",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class Opinion(models.Model):
    """A question to another official or another office about a dossier, and its answer.

    Asked inside the portal (`asked_of`) or by letter to an office outside it (`office`,
    `letter`): what was asked, until when, and what came back is recorded either way
    (Decree 61/2018, art. 19 cl. 5). The clock of the dossier runs on.
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="opinions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("hỏi lúc"), auto_now_add=True)
    asked_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="opinions_asked",
        verbose_name=_("hỏi ai"),
    )
    office = models.CharField(_("cơ quan được hỏi"), max_length=200, blank=True)
    letter = models.CharField(_("số văn bản"), max_length=60, blank=True)
    question = models.TextField(_("nội dung hỏi"))
    due_at = models.DateTimeField(_("trả lời trước"))
    answer = models.TextField(_("trả lời"), blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(_("trả lời lúc"), null=True)

    class Meta:
        verbose_name = _("ý kiến")
        verbose_name_plural = _("ý kiến")
        ordering = ("asked_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(asked_of__isnull=False) | ~Q(office=""), name="opinion_asked_of_someone"
            ),
        )
        indexes = (
            models.Index(
                fields=("asked_of", "due_at"),
                condition=Q(answered_at=None),
                name="opinion_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class PrivateNote(models.Model):
    """A note that officials keep about a dossier; no citizen ever sees it."""

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="private_notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField(_("nội dung"))
    written_at = models.DateTimeField(_("ghi lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("ghi chú nội bộ")
        verbose_name_plural = _("ghi chú nội bộ")
        ordering = ("written_at", "pk")

    def __str__(self) -> str:
        return f"#{self.pk}"


class CheckMark(models.Model):
    """What an official found of one paper or one answer: right, or what is wrong with it.

    `key` is that of `supplements.Choice`: a paper's own, or the path of a question. Marks of
    things that are wrong fill the form of the supplement request.
    """

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="check_marks")
    key = models.CharField(max_length=200)
    is_right = models.BooleanField(_("đạt"))
    note = models.CharField(_("sai chỗ nào"), max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("lúc"), auto_now=True)

    class Meta:
        verbose_name = _("dấu kiểm")
        verbose_name_plural = _("dấu kiểm")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "key"), name="check_mark_once_per_key"),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class ReplyTemplate(models.Model):
    """Words that an office uses again: for a message, a supplement, a refusal, an apology."""

    class Purpose(models.TextChoices):
        MESSAGE = "message", _("Tin nhắn cho công dân")
        SUPPLEMENT = "supplement", _("Yêu cầu bổ sung")
        REFUSAL = "refusal", _("Từ chối")
        EXTENSION = "extension", _("Xin lỗi và hẹn lại")

    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="reply_templates", verbose_name=_("cơ quan")
    )
    purpose = models.CharField(_("dùng cho"), max_length=10, choices=Purpose)
    title = models.CharField(_("tên mẫu"), max_length=100)
    text = models.TextField(_("lời văn"), max_length=4000)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    is_active = models.BooleanField(_("đang dùng"), default=True)

    class Meta:
        verbose_name = _("mẫu trả lời")
        verbose_name_plural = _("mẫu trả lời")
        ordering = ("purpose", "title")
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "purpose", "title"), name="reply_template_title_once"
            ),
        )

    def __str__(self) -> str:
        return self.title


class Breach(models.Model):
    """A rule of the law that an office did not keep with one dossier: shown, never hidden.

    `occasion` tells apart several breaches of one kind (the moment that was missed, the
    number of the event), so that what finds them may run twice. `explanation` is the
    office's word on it; a breach is never deleted.
    """

    class Kind(models.TextChoices):
        ANSWER_LATE = "answer_late", _("Trả lời hồ sơ mới nộp quá thời gian")
        HANDED_ON_LATE = "handed_on_late", _("Chuyển hồ sơ cho nơi giải quyết chậm")
        SUPPLEMENT_LATE = "supplement_late", _("Yêu cầu bổ sung sau 03 ngày làm việc")
        SUPPLEMENT_AGAIN = "supplement_again", _("Yêu cầu bổ sung thêm lần nữa")
        STEP_LATE = "step_late", _("Quá thời gian của bước")
        OVERDUE = "overdue", _("Quá hạn trả kết quả")
        NO_APOLOGY = "no_apology", _("Không xin lỗi, hẹn lại trước khi quá hạn")
        APOLOGY_LATE = "apology_late", _("Xin lỗi, hẹn lại chậm")
        REFUSED_LATE = "refused_late", _("Từ chối sau khi đã quá hạn")
        OPINION_LATE = "opinion_late", _("Chưa có ý kiến trong thời hạn")
        ENTERED_LATE = "entered_late", _("Nhập bù hồ sơ")

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="breaches")
    kind = models.CharField(_("vi phạm"), max_length=16, choices=Kind)
    occasion = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(_("lúc"))
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("cơ quan"))
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("cán bộ"),
    )
    explanation = models.TextField(_("giải trình"), blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    explained_at = models.DateTimeField(_("giải trình lúc"), null=True)

    class Meta:
        verbose_name = _("vi phạm quy định")
        verbose_name_plural = _("vi phạm quy định")
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier", "kind", "occasion"), name="breach_once_per_occasion"
            ),
        )
        indexes = (models.Index(fields=("agency", "-at"), name="breach_of_office"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class Relative(models.Model):
    """A relative whom an official declared, by the number of their card.

    Whoever is named here stands in no dossier that this official decides on.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="declared_relatives"
    )
    name = models.CharField(_("họ và tên"), max_length=120)
    relation = models.CharField(_("quan hệ"), max_length=60)
    citizen_number = models.CharField(_("số định danh cá nhân"), max_length=12)
    declared_at = models.DateTimeField(_("khai lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("người thân đã khai")
        verbose_name_plural = _("người thân đã khai")
        ordering = ("name", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "citizen_number"), name="relative_once_per_official"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class Recusal(models.Model):
    """An official's word that they are related to somebody in this dossier, and step aside."""

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="recusals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="recusals")
    reason = models.CharField(_("lý do"), max_length=200)
    declared_at = models.DateTimeField(_("khai lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("từ chối giải quyết vì có người thân")
        verbose_name_plural = _("từ chối giải quyết vì có người thân")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "user"), name="recusal_once_per_official"),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"
