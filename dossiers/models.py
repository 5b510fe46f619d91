"""What was filed, and everything that became of it."""

from __future__ import annotations

import datetime
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import GET_STATE, RETURN_VALUE, FSMField, transition

from procedures.models import Agency, Channel, Posting, Procedure, Revision, Sector

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


def new_key() -> str:
    """128 random bits, for addresses that nobody may guess."""
    return secrets.token_urlsafe(16)


def new_secret() -> str:
    """Eight characters without look-alikes (0/O, 1/I/L), printed on the receipt."""
    return "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(8))


def overdue(now: datetime.datetime) -> Q:
    """The rule of `Dossier.is_overdue` for a query."""
    waiting_for_office = [Dossier.State.ACCEPTED, Dossier.State.PROCESSING]
    return Q(state=Dossier.State.SUBMITTED, answer_by__lt=now) | Q(
        state__in=[*waiting_for_office, Dossier.State.AWAITING_APPROVAL], promised_at__lt=now
    )


class DossierQuerySet(models.QuerySet):
    """Dossiers as pages and people may see them."""

    def visible_to(self, user: User) -> DossierQuerySet:
        """Those of `user` as a citizen: the ones that they filed or are filling."""
        return self.filter(owner=user)

    def handled_by(self, user: User) -> DossierQuerySet:
        """Those of `user` as an official: filed at an office where they are posted today."""
        if user.is_superuser:
            return self.exclude(state=Dossier.State.DRAFT)
        offices = Posting.objects.filter(user=user).current().values("agency")
        return self.exclude(state=Dossier.State.DRAFT).filter(
            Q(receiving_agency__in=offices) | Q(handling_agency__in=offices)
        )

    def for_list(self) -> DossierQuerySet:
        """With what the citizen's list shows, in one query."""
        return self.select_related("revision__procedure", "handling_agency").order_by("-updated_at")

    def for_queue(self) -> DossierQuerySet:
        """With what the officials' queue shows, in one query."""
        return self.select_related(
            "revision__procedure", "owner", "assignee", "receiving_agency", "handling_agency"
        )

    def for_page(self) -> DossierQuerySet:
        """One dossier with what its own page shows."""
        return self.select_related(
            "revision__procedure",
            "revision__sector",
            "owner",
            "assignee",
            "receiving_agency",
            "handling_agency",
        ).prefetch_related(
            "revision__channels",
            "revision__documents",
            "revision__fees__channels",
            "attachments",
            "papers",
            "results",
            "supplement_requests",
            "events__actor",
            "events__note",
        )

    def open(self) -> DossierQuerySet:
        """Filed and not yet in a final state."""
        return self.exclude(state__in=[Dossier.State.DRAFT, *Dossier.FINAL])


class Dossier(models.Model):
    """One person's filing of one procedure, from draft to result.

    `state` moves only through `workflow.perform()`, which writes the `Event` that
    explains the move. Fees and the promised time are those of the revision it was filed
    under: later changes of the catalogue do not touch it. A draft is addressed by its
    unguessable `key`, a filed dossier by its `code`.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Bản nháp")
        SUBMITTED = "submitted", _("Mới đăng ký")
        ACCEPTED = "accepted", _("Được tiếp nhận")
        REFUSED = "refused", _("Không được tiếp nhận")
        PROCESSING = "processing", _("Đang xử lý")
        AWAITING_APPROVAL = "awaiting_approval", _("Trình ký")
        AWAITING_CONFIRMATION = "awaiting_confirmation", _("Chờ công dân xác nhận bản dự thảo")
        SUPPLEMENT_REQUIRED = "supplement_required", _("Yêu cầu bổ sung")
        PAYMENT_REQUIRED = "payment_required", _("Yêu cầu nộp phí, lệ phí")
        WITHDRAWN = "withdrawn", _("Công dân rút hồ sơ")
        STOPPED = "stopped", _("Dừng xử lý")
        COMPLETED = "completed", _("Đã xử lý xong")
        RETURNED = "returned", _("Đã trả kết quả")

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("Đồng ý")
        REFUSED = "refused", _("Không đồng ý")

    class Delivery(models.TextChoices):
        ONLINE = "online", _("Nhận trực tuyến")
        COUNTER = "counter", _("Nhận tại Bộ phận Tiếp nhận và Trả kết quả")
        POST = "post", _("Nhận qua bưu chính công ích")

    FINAL = (State.REFUSED, State.WITHDRAWN, State.STOPPED, State.RETURNED)
    CITIZENS_TURN = (
        State.SUPPLEMENT_REQUIRED,
        State.PAYMENT_REQUIRED,
        State.AWAITING_CONFIRMATION,
    )
    # The status numbers of the national synchronisation list (DOMAIN.md 2).
    NATIONAL_STATUS = {
        State.SUBMITTED: 1,
        State.ACCEPTED: 2,
        State.REFUSED: 3,
        State.PROCESSING: 4,
        State.AWAITING_APPROVAL: 4,
        State.AWAITING_CONFIRMATION: 4,
        State.SUPPLEMENT_REQUIRED: 5,
        State.PAYMENT_REQUIRED: 6,
        State.WITHDRAWN: 7,
        State.STOPPED: 8,
        State.COMPLETED: 9,
        State.RETURNED: 10,
    }

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    code = models.CharField(_("mã hồ sơ"), max_length=40, unique=True, null=True, editable=False)
    secret = models.CharField(_("mã tra cứu"), max_length=8, default=new_secret, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="dossiers",
        verbose_name=_("người nộp"),
    )
    revision = models.ForeignKey(
        Revision, models.PROTECT, related_name="dossiers", verbose_name=_("thủ tục")
    )
    channel = models.CharField(
        _("cách nộp"), max_length=8, choices=Channel.Kind, default=Channel.Kind.ONLINE
    )
    receiving_agency = models.ForeignKey(
        Agency,
        models.PROTECT,
        null=True,
        related_name="received_dossiers",
        verbose_name=_("nơi tiếp nhận"),
    )
    handling_agency = models.ForeignKey(
        Agency,
        models.PROTECT,
        null=True,
        related_name="handled_dossiers",
        verbose_name=_("nơi giải quyết"),
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="assigned_dossiers",
        verbose_name=_("người thụ lý"),
    )
    state = FSMField(
        _("trạng thái"),
        max_length=22,
        choices=State,
        default=State.DRAFT,
        protected=True,
        editable=False,
    )
    came_from = models.CharField(
        max_length=22,
        choices=State,
        blank=True,
        editable=False,
        help_text=_("Trạng thái trước khi đến lượt công dân."),
    )
    version = models.PositiveIntegerField(default=0, editable=False)
    outcome = models.CharField(_("kết quả"), max_length=8, choices=Outcome, blank=True)
    delivery = models.CharField(
        _("cách nhận kết quả"), max_length=8, choices=Delivery, default=Delivery.ONLINE
    )
    answers = models.JSONField(_("nội dung khai"), default=dict)
    draft_result = models.TextField(_("bản dự thảo gửi công dân"), blank=True)
    result_record = models.JSONField(_("số, quyển đăng ký"), default=dict, blank=True)
    created_at = models.DateTimeField(_("lúc tạo"), auto_now_add=True)
    updated_at = models.DateTimeField(_("lúc sửa"), auto_now=True)
    submitted_at = models.DateTimeField(_("lúc nộp"), null=True)
    answer_by = models.DateTimeField(_("cơ quan trả lời trước"), null=True)
    accepted_at = models.DateTimeField(_("lúc tiếp nhận"), null=True)
    promised_at = models.DateTimeField(_("hẹn trả"), null=True)
    citizen_by = models.DateTimeField(_("công dân trả lời trước"), null=True)
    paused_at = models.DateTimeField(_("dừng tính giờ từ"), null=True)
    confirmed_at = models.DateTimeField(_("công dân xác nhận lúc"), null=True)
    approved_at = models.DateTimeField(_("ký duyệt lúc"), null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("người ký"),
    )
    completed_at = models.DateTimeField(_("xử lý xong lúc"), null=True)
    returned_at = models.DateTimeField(_("trả kết quả lúc"), null=True)

    objects = DossierQuerySet.as_manager()

    class Meta:
        verbose_name = _("hồ sơ")
        verbose_name_plural = _("hồ sơ")
        constraints = (
            models.CheckConstraint(
                condition=Q(state="draft", code=None) | (~Q(state="draft") & Q(code__isnull=False)),
                name="dossier_code_from_filing_on",
            ),
            models.CheckConstraint(
                condition=Q(state="draft")
                | Q(receiving_agency__isnull=False, handling_agency__isnull=False),
                name="dossier_office_from_filing_on",
            ),
        )
        indexes = (
            models.Index(
                fields=("handling_agency", "state", "promised_at"), name="dossier_handling_queue"
            ),
            models.Index(
                fields=("receiving_agency", "state", "submitted_at"), name="dossier_reception_queue"
            ),
            models.Index(fields=("owner", "-updated_at"), name="dossier_mine"),
        )

    def __str__(self) -> str:
        return self.code or f"#{self.pk}"

    def get_absolute_url(self) -> str:
        """The citizen's page: tracking for a filed dossier, filling for a draft."""
        if self.state == self.State.DRAFT:
            return reverse("dossiers:draft", args=[self.key])
        return reverse("dossiers:detail", args=[self.code])

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in self.FINAL

    @property
    def is_citizens_turn(self) -> bool:
        """Whether the office waits for the citizen."""
        return self.state in self.CITIZENS_TURN

    @property
    def due_at(self) -> datetime.datetime | None:
        """By when the office must act: answer a filing, or give what it promised.

        None while it is the citizen's turn, and once the result is there.
        """
        if self.is_citizens_turn or self.is_final or self.state == self.State.COMPLETED:
            return None
        return self.answer_by if self.state == self.State.SUBMITTED else self.promised_at

    @property
    def is_overdue(self) -> bool:
        """Whether that moment has passed."""
        return self.due_at is not None and timezone.now() > self.due_at

    @property
    def national_status(self) -> int | None:
        """The number of this state in the national list; None for a draft."""
        return self.NATIONAL_STATUS.get(self.state)

    def last_words(self, name: str) -> str:
        """The words that went with the latest event of this name; "" for none."""
        notes = Note.objects.filter(event__dossier=self, event__name=name).order_by("-event__seq")
        return notes.values_list("text", flat=True).first() or ""

    @property
    def applicant_name(self) -> str:
        """Who filed, as it is printed on papers."""
        return self.owner.get_full_name()

    # The moves. Each does nothing but name where it leads: conditions, permissions, rows
    # and the ledger are `workflow.perform()`'s, which alone may call them.

    @transition(
        state, source=State.DRAFT, target=RETURN_VALUE(State.SUBMITTED, State.PAYMENT_REQUIRED)
    )
    def to_submitted(self, *, pays_first: bool) -> str:
        """Filed; where a fee is due at filing, it waits for the money first."""
        return self.State.PAYMENT_REQUIRED if pays_first else self.State.SUBMITTED

    @transition(state, source=State.SUBMITTED, target=State.ACCEPTED)
    def to_accepted(self) -> None:
        """Complete: the receipt is issued and the promised day set."""

    @transition(state, source=State.SUBMITTED, target=State.REFUSED)
    def to_refused(self) -> None:
        """Not taken in at reception."""

    @transition(state, source=State.ACCEPTED, target=State.PROCESSING)
    def to_processing(self) -> None:
        """A case officer has it."""

    @transition(
        state,
        source=[State.SUBMITTED, State.ACCEPTED, State.PROCESSING],
        target=State.SUPPLEMENT_REQUIRED,
    )
    def to_supplement_required(self) -> None:
        """The citizen has to add something."""

    @transition(
        state,
        source=[State.SUBMITTED, State.ACCEPTED, State.PROCESSING],
        target=State.PAYMENT_REQUIRED,
    )
    def to_payment_required(self) -> None:
        """The citizen has to pay something."""

    @transition(
        state,
        source=[State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED],
        target=GET_STATE(
            lambda dossier: dossier.came_from,
            states=[State.SUBMITTED, State.ACCEPTED, State.PROCESSING],
        ),
    )
    def to_where_it_came_from(self) -> None:
        """The citizen did their part; the office goes on where it was."""

    @transition(state, source=State.PROCESSING, target=State.AWAITING_CONFIRMATION)
    def to_awaiting_confirmation(self) -> None:
        """The citizen checks the draft of the result."""

    @transition(
        state,
        source=State.AWAITING_CONFIRMATION,
        target=RETURN_VALUE(State.PROCESSING, State.AWAITING_APPROVAL),
    )
    def from_awaiting_confirmation(self, *, straight_to_approval: bool) -> str:
        """Answered; the officer goes on, or it goes straight to the person who signs."""
        return self.State.AWAITING_APPROVAL if straight_to_approval else self.State.PROCESSING

    @transition(state, source=State.PROCESSING, target=State.AWAITING_APPROVAL)
    def to_awaiting_approval(self) -> None:
        """Proposed to the person who signs."""

    @transition(state, source=State.AWAITING_APPROVAL, target=State.PROCESSING)
    def back_to_processing(self) -> None:
        """The person who signs wants it done again."""

    @transition(state, source=State.AWAITING_APPROVAL, target=State.COMPLETED)
    def to_completed(self) -> None:
        """Decided, and the result exists."""

    @transition(
        state,
        source=[
            State.SUBMITTED,
            State.ACCEPTED,
            State.PROCESSING,
            State.AWAITING_APPROVAL,
            State.SUPPLEMENT_REQUIRED,
            State.PAYMENT_REQUIRED,
        ],
        target=State.WITHDRAWN,
    )
    def to_withdrawn(self) -> None:
        """The citizen takes it back."""

    @transition(
        state,
        source=[State.PROCESSING, State.SUPPLEMENT_REQUIRED, State.PAYMENT_REQUIRED],
        target=State.STOPPED,
    )
    def to_stopped(self) -> None:
        """The office ends it with a reason."""

    @transition(state, source=State.COMPLETED, target=State.RETURNED)
    def to_returned(self) -> None:
        """The citizen has the result."""


class DayCounter(models.Model):
    """The last running number given at one office on one day; its locked row hands them out."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("agency", "day"), name="day_counter_one_per_office_day"
            ),
        )

    def __str__(self) -> str:
        return f"{self.agency_id} {self.day:%Y-%m-%d}"


class Event(models.Model):
    """One thing that happened to a dossier: a move, or a look by staff.

    Append-only in the database itself, and chained: `hash` covers every column and the
    hash before it. Holds ids, field names and digests, never names or free text: those
    are in `Note`, which can be erased without breaking the chain.
    """

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField(_("thứ tự"))
    name = models.CharField(_("việc"), max_length=40)
    from_state = models.CharField(max_length=22, choices=Dossier.State, blank=True)
    to_state = models.CharField(max_length=22, choices=Dossier.State, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("người thực hiện"),
    )
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(_("lúc"))
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("sự việc")
        verbose_name_plural = _("nhật ký")
        ordering = ("dossier", "seq")
        constraints = (
            models.UniqueConstraint(fields=("dossier", "seq"), name="event_seq_once_per_dossier"),
        )

    def __str__(self) -> str:
        return f"{self.dossier_id}/{self.seq} {self.name}"


class Note(models.Model):
    """The words that go with an event: a reason, what is missing, a comment."""

    event = models.OneToOneField(Event, models.CASCADE, related_name="note")
    text = models.TextField(_("nội dung"))
    legal_ground = models.CharField(_("căn cứ"), max_length=200, blank=True)
    is_public = models.BooleanField(_("công dân được xem"), default=True)
    salt = models.CharField(max_length=22, default=new_key, editable=False)

    class Meta:
        verbose_name = _("ghi chú")
        verbose_name_plural = _("ghi chú")

    def __str__(self) -> str:
        return f"#{self.event_id}"


class Attachment(models.Model):
    """A file that belongs to a dossier, private, and immutable once uploaded."""

    OTHER = "khac"  # the `document` of a file that no paper of the procedure asks for

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="attachments")
    document = models.CharField(
        _("giấy tờ"), max_length=40, help_text=_("Khóa của giấy tờ trong thủ tục.")
    )
    file = models.FileField(upload_to="attachments/%Y/%m/")
    name = models.CharField(_("tên tệp"), max_length=120)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(_("dung lượng"))
    sha256 = models.CharField(max_length=64)
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


class SupplementRequest(models.Model):
    """One request, made once and in full, for what is still missing from a dossier."""

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="supplement_requests")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    items = models.JSONField(_("nội dung cần bổ sung"), default=list)
    documents = models.JSONField(
        _("giấy tờ cần bổ sung"), default=list, help_text=_("Khóa của các giấy tờ.")
    )
    reason = models.TextField(_("lý do"))
    due_at = models.DateTimeField(_("bổ sung trước"), null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(_("trả lời của công dân"), blank=True)

    class Meta:
        verbose_name = _("yêu cầu bổ sung")
        verbose_name_plural = _("yêu cầu bổ sung")
        ordering = ("asked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("dossier",),
                condition=Q(answered_at=None),
                name="supplement_one_open_per_dossier",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


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

    dossier = models.ForeignKey(Dossier, models.PROTECT, related_name="papers")
    kind = models.CharField(_("loại giấy"), max_length=12, choices=Kind)
    number = models.PositiveSmallIntegerField(_("lần"), default=1)
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


class ResultCounter(models.Model):
    """The last number of one kind of result at one office in one year; its locked row
    hands them out."""

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


class Notice(models.Model):
    """Something that the citizen was told: shown in the portal, and sent by e-mail."""

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="notices")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    event = models.OneToOneField(Event, models.CASCADE, null=True, related_name="notice")
    subject = models.CharField(_("tiêu đề"), max_length=200)
    body = models.TextField(_("nội dung"))
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("thông báo")
        verbose_name_plural = _("thông báo")
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"#{self.pk}"


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
