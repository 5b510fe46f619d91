"""The files that people give."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dossiers.models.dossier import Dossier
from dossiers.models.keys import new_key


class Attachment(models.Model):
    """A file that belongs to a dossier, private, and immutable once uploaded.

    A picture is kept upright, shrunk and without what the camera wrote about the place; PDF
    and DOCX are kept as they came. `sent_sha256` is the digest of what was sent, by which
    a repeated upload is known; `flaws` are values of `Flaw`, shown to the citizen as advice.
    """

    OTHER = "khac"  # the `document` of a file that no paper of the procedure asks for
    MESSAGE = "tin-nhan"  # the `document` of a file that goes with a message

    class Flaw(models.TextChoices):
        DARK = "dark", _("Ảnh tối, có thể khó đọc")
        BLURRED = "blurred", _("Ảnh có vẻ bị nhòe")
        SMALL = "small", _("Ảnh nhỏ, chữ có thể không đọc được")

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="attachments")
    document = models.CharField(
        _("giấy tờ"),
        max_length=120,
        help_text=_("Khóa của giấy tờ trong thủ tục, hoặc đường dẫn của câu hỏi đính kèm."),
    )
    message = models.ForeignKey(
        "dossiers.Message", models.CASCADE, null=True, related_name="attachments"
    )
    file = models.FileField(upload_to="attachments/%Y/%m/")
    name = models.CharField(_("tên tệp"), max_length=120)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField(_("dung lượng"))
    sha256 = models.CharField(max_length=64)
    sent_sha256 = models.CharField(
        max_length=64, blank=True, help_text=_("Mã băm của tệp như trình duyệt gửi lên.")
    )
    pages = models.PositiveSmallIntegerField(_("số trang"), default=1)
    flaws = models.JSONField(_("điều cần lưu ý"), default=list, blank=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(
        null=True, help_text=_("Lúc tệp được nộp cùng hồ sơ; từ đó không xóa được nữa.")
    )

    class Meta:
        verbose_name = _("tệp đính kèm")
        verbose_name_plural = _("tệp đính kèm")
        ordering = ("uploaded_at", "pk")

    def __str__(self) -> str:
        return self.key


class AttachmentPage(models.Model):
    """The picture of one page of a file, made by the worker for the officials' preview."""

    attachment = models.ForeignKey(Attachment, models.CASCADE, related_name="page_images")
    number = models.PositiveSmallIntegerField(_("trang"))
    image = models.FileField(upload_to="pages/%Y/%m/")
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("ảnh của trang")
        verbose_name_plural = _("ảnh của trang")
        ordering = ("attachment", "number")
        constraints = (
            models.UniqueConstraint(fields=("attachment", "number"), name="attachment_page_once"),
        )

    def __str__(self) -> str:
        return f"{self.attachment_id}/{self.number}"


class Bundle(models.Model):
    """The pages of one paper of one filing (or of one supplement), joined into one PDF.

    Made by a task from the attachments of the same `document` and `submitted_at`; only
    where there is more than one file, or a picture.
    """

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="bundles")
    document = models.CharField(_("giấy tờ"), max_length=120)
    submitted_at = models.DateTimeField(_("nộp lúc"))
    file = models.FileField(upload_to="bundles/%Y/%m/")
    size = models.PositiveIntegerField(_("dung lượng"))
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveSmallIntegerField(_("số trang"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("bản ghép của giấy tờ")
        verbose_name_plural = _("bản ghép của giấy tờ")
        ordering = ("created_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier", "document", "submitted_at"), name="bundle_one_per_paper"
            ),
        )

    def __str__(self) -> str:
        return self.key


class KeptPaper(models.Model):
    """A paper in a person's wallet, checked once and used again in later dossiers.

    Using it copies the file into the draft: a dossier that was filed keeps what it got.
    """

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="kept_papers")
    title = models.CharField(_("tên giấy tờ"), max_length=120)
    file = models.FileField(upload_to="wallet/%Y/%m/")
    name = models.CharField(_("tên tệp"), max_length=120)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField(_("dung lượng"))
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveSmallIntegerField(_("số trang"), default=1)
    expires_on = models.DateField(_("có giá trị đến"), null=True, blank=True)
    expiry_warned_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("lưu lúc"), auto_now_add=True)

    class Meta:
        verbose_name = _("giấy tờ trong ví")
        verbose_name_plural = _("ví giấy tờ")
        ordering = ("title", "pk")
        constraints = (
            models.UniqueConstraint(fields=("owner", "sha256"), name="kept_paper_once_per_owner"),
        )

    def __str__(self) -> str:
        return self.key

    @property
    def is_expired(self) -> bool:
        """Whether the last day on which the paper was good has passed."""
        return self.expires_on is not None and self.expires_on < timezone.localdate()
