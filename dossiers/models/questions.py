"""Questions to the office, with or without an account."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dossiers.models.keys import new_key, new_secret
from procedures.models import Agency, Procedure, Sector

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


def new_question_code() -> str:
    """`HD-261124-7K3P9Q`: the day it was asked, and six characters without look-alikes."""
    return f"HD-{timezone.localdate():%y%m%d}-{new_secret()[:6]}"


class QuestionQuerySet(models.QuerySet):
    """Questions as pages and people may see them."""

    def published(self) -> QuestionQuerySet:
        """Those that everybody may read, newest first."""
        return self.exclude(published_at=None).order_by("-published_at", "-pk")

    def of(self, user: User) -> QuestionQuerySet:
        """Those that `user` asked while logged in, newest first."""
        return self.filter(owner=user).order_by("-asked_at", "-pk")

    def waiting(self) -> QuestionQuerySet:
        """Not answered yet."""
        return self.filter(answered_at=None)

    def late(self, now: datetime.datetime) -> QuestionQuerySet:
        """Not answered, and past the day on which the office had to."""
        return self.waiting().filter(due_at__lt=now)

    def for_page(self) -> QuestionQuerySet:
        """With what a page shows, in one query."""
        return self.select_related("agency", "procedure__current", "sector")


class Question(models.Model):
    """One question to the office, with its answer, and what of it is published.

    The asker is told what `answer` says, so it stays as it was sent. What everybody reads is
    the office's own wording in `public_question` and `public_answer`, never the asker's name
    or contact; `questions.erase()` removes those without touching what is published.
    """

    code = models.CharField(_("mã câu hỏi"), max_length=20, unique=True, default=new_question_code)
    secret = models.CharField(max_length=8, default=new_secret, editable=False)
    form_key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("tài khoản người hỏi"),
    )
    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="+", verbose_name=_("cơ quan trả lời")
    )
    procedure = models.ForeignKey(
        Procedure, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("thủ tục"),
    )  # fmt: skip
    sector = models.ForeignKey(
        Sector, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("lĩnh vực"),
    )  # fmt: skip
    name = models.CharField(_("người hỏi"), max_length=100, blank=True)
    email = models.EmailField(_("thư điện tử"), blank=True)
    phone = models.CharField(_("số điện thoại"), max_length=15, blank=True)
    text = models.TextField(_("câu hỏi"), blank=True)
    asked_at = models.DateTimeField(_("hỏi lúc"), default=timezone.now)
    due_at = models.DateTimeField(_("hạn trả lời"))
    answer = models.TextField(_("trả lời"), blank=True)
    answered_at = models.DateTimeField(_("trả lời lúc"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("người trả lời"),
    )  # fmt: skip
    public_question = models.TextField(_("câu hỏi đăng công khai"), blank=True)
    public_answer = models.TextField(_("trả lời đăng công khai"), blank=True)
    public_words = models.TextField(editable=False, blank=True)
    published_at = models.DateTimeField(_("đăng lúc"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("người đăng"),
    )  # fmt: skip
    receipt_sent_at = models.DateTimeField(null=True, editable=False)
    reminder_sent_at = models.DateTimeField(null=True, editable=False)
    answer_sent_at = models.DateTimeField(null=True, editable=False)
    erased_at = models.DateTimeField(_("xóa thông tin cá nhân lúc"), null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("câu hỏi")
        verbose_name_plural = _("hỏi đáp")
        ordering = ("-asked_at", "-pk")
        indexes = (
            models.Index(
                fields=("due_at",), condition=Q(answered_at=None), name="question_waiting_by_due"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(answered_at__isnull=False),
                name="question_published_only_answered",
            ),
        )

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        """The page for those who may read it."""
        return reverse("dossiers:question", args=[self.code])

    @property
    def is_late(self) -> bool:
        """Whether the office let the time go by: it still owes the answer, or gave it late."""
        return (self.answered_at or timezone.now()) > self.due_at
