"""A dossier: one person's filing of one procedure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import GET_STATE, RETURN_VALUE, FSMField, transition

from dossiers.models.keys import new_key, new_secret
from procedures import postings
from procedures.models import Agency, Channel, Posting, Revision

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User
    from django.http import HttpRequest


# As text: an index inside `Meta` is made before the class has its enums.
_OPEN_STATES = [
    "submitted",
    "accepted",
    "processing",
    "awaiting_approval",
    "awaiting_confirmation",
    "supplement_required",
    "payment_required",
    "completed",
]


def overdue(now: datetime.datetime) -> Q:
    """The rule of `Dossier.is_overdue` for a query."""
    waiting_for_office = [Dossier.State.ACCEPTED, Dossier.State.PROCESSING]
    return Q(state=Dossier.State.SUBMITTED, answer_by__lt=now) | Q(
        state__in=[*waiting_for_office, Dossier.State.AWAITING_APPROVAL], promised_at__lt=now
    )


def due_moment() -> Case:
    """`Dossier.due_at` for a query, to sort and filter by; `dossier_due` is its index."""
    return Case(
        When(state="submitted", then=F("answer_by")),
        When(state__in=["accepted", "processing", "awaiting_approval"], then=F("promised_at")),
        default=Value(None, output_field=models.DateTimeField()),
    )


def _count_of(rows: models.QuerySet) -> Coalesce:
    """How many of `rows` belong to each dossier, without joining them to it."""
    mine = rows.filter(dossier=OuterRef("pk")).order_by().values("dossier")
    return Coalesce(Subquery(mine.annotate(count=Count("pk")).values("count")), 0)


class DossierQuerySet(models.QuerySet):
    """Dossiers as pages and people may see them."""

    def visible_to(self, user: User) -> DossierQuerySet:
        """Those of `user` as a citizen: filed or being filled by them, or shared with them.

        What reception is still typing for them is theirs to see once it is filed.
        """
        shared = Participant.objects.active().filter(user=user).values("dossier")
        theirs = self.filter(Q(owner=user) | Q(pk__in=shared))
        return theirs.exclude(state=Dossier.State.DRAFT, entered_by__isnull=False)

    def drafts_of(self, user: User) -> DossierQuerySet:
        """The drafts that `user` fills in; those who were invited to one only read it, and
        one that is entered at a counter is the counter's."""
        return self.filter(owner=user, state=Dossier.State.DRAFT, entered_by=None)

    def entered_at(self, desks: Iterable[int]) -> DossierQuerySet:
        """The drafts that reception types at one of these desks (keys of offices)."""
        drafts = self.filter(state=Dossier.State.DRAFT, entered_by__isnull=False)
        return drafts.filter(receiving_agency__in=set(desks))

    def handled_by(self, user: User) -> DossierQuerySet:
        """Those of `user` as an official: filed at, or handled by, an office where they work
        today with dossiers, or one below it."""
        filed = self.exclude(state=Dossier.State.DRAFT)
        if user.is_superuser:
            return filed
        return filed.at_offices(postings.offices_of(user))

    def for_request(self, request: HttpRequest) -> DossierQuerySet:
        """The same for who sends a request; their offices are asked for once."""
        if request.user.is_superuser:
            return self.handled_by(request.user)
        return self.exclude(state=Dossier.State.DRAFT).at_offices(postings.offices(request))

    def at_offices(self, offices: Iterable[int]) -> DossierQuerySet:
        """Those received or handled at one of these offices (keys)."""
        keys = set(offices)
        return self.filter(Q(receiving_agency__in=keys) | Q(handling_agency__in=keys))

    def for_list(self) -> DossierQuerySet:
        """With what the citizen's list shows, in one query, the latest first."""
        return self.select_related(
            "revision__procedure", "receiving_agency", "handling_agency", "owner"
        ).order_by("-updated_at", "-pk")

    def by_turn(self) -> DossierQuerySet:
        """The citizen's turn first, then results to collect, the office's turn, what ended."""
        return self.annotate(
            rank=Case(
                When(state__in=Dossier.CITIZENS_TURN, then=0),
                When(state=Dossier.State.COMPLETED, then=1),
                When(state__in=Dossier.FINAL, then=3),
                default=2,
            )
        ).order_by("rank", "-updated_at", "-pk")

    def with_news(self, user: User) -> DossierQuerySet:
        """With what `user` has not read: `unread_notices`, and `unread_messages` of the office."""
        from dossiers.models.telling import Message, Notice

        notices = Notice.objects.filter(recipient=user, read_at=None)
        messages = Message.objects.filter(is_from_office=True, read_at=None)
        return self.annotate(unread_notices=_count_of(notices), unread_messages=_count_of(messages))

    def for_queue(self) -> DossierQuerySet:
        """With what the officials' queue shows, in one query; `due` is what it is sorted by."""
        from dossiers.models.telling import Message

        unread = Message.objects.filter(is_from_office=False, read_at=None)
        return self.select_related(
            "revision__procedure", "owner", "assignee", "receiving_agency", "handling_agency"
        ).annotate(unread_messages=_count_of(unread), due=due_moment())

    def for_page(self) -> DossierQuerySet:
        """One dossier with what its own page shows."""
        from dossiers.models.ledger import Event

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
            "bundles",
            Prefetch("events", Event.objects.select_related("actor", "note")),
        )

    def for_officials(self) -> DossierQuerySet:
        """One dossier with what its officials' page shows, one query for each kind of row.

        Attachments come with `drawn_pages`, and with the `bundle_key` of the PDF that joins
        the files of their paper; papers and fees of the revision are recalled
        (`procedures.recalled.recall_rows`); `stand_in` is who does the assignee's work today.
        """
        from dossiers.models.counter import Original
        from dossiers.models.files import Attachment, AttachmentPage, Bundle
        from dossiers.models.handling import Proposal
        from dossiers.models.ledger import Event

        kept = Original.objects.filter(dossier=OuterRef("pk"))
        pages = AttachmentPage.objects.filter(attachment=OuterRef("pk")).order_by()
        joined = Bundle.objects.filter(
            dossier=OuterRef("dossier"), document=OuterRef("document"),
            submitted_at=OuterRef("submitted_at"),
        )  # fmt: skip
        files = Attachment.objects.annotate(
            drawn_pages=Coalesce(
                Subquery(pages.values("attachment").annotate(n=Count("pk")).values("n")), 0
            ),
            bundle_key=Subquery(joined.values("key")[:1]),
            bundle_pages=Subquery(joined.values("pages")[:1]),
        )
        payments = self.model._meta.get_field("payments").related_model.objects
        stand_ins = Posting.objects.current().filter(stands_in_for=OuterRef("assignee"))
        proposed = Proposal.objects.select_related(
            "ground", "proposed_by", "consented_by", "decided_by"
        )
        return (
            self.select_related(
                "revision__procedure", "owner", "assignee", "entered_by",
                "receiving_agency__parent__parent", "handling_agency__parent__parent",
            )
            .annotate(
                stand_in=Subquery(stand_ins.values("user__full_name")[:1]),
                keeps_originals=Exists(kept.filter(is_kept=True, given_back_at=None)),
            )
            .prefetch_related(
                Prefetch("attachments", files),
                "papers",
                "results",
                "supplement_requests",
                Prefetch("events", Event.objects.select_related("actor", "note")),
                Prefetch("participants", Participant.objects.select_related("user")),
                Prefetch("proposals", proposed),
                Prefetch(
                    "payments",
                    payments.select_related("receipt__cancelled_by", "legal_receipt"),
                ),
            )
        )  # fmt: skip

    def once_locked(self, pk: int) -> Dossier | None:
        """The row `pk`, locked, if this query still holds it then; in a transaction.

        Asked by a statement of its own after the lock: PostgreSQL does not look twice at what
        an EXISTS said when the locked row itself did not change.
        """
        list(Dossier.objects.select_for_update().filter(pk=pk).values_list("pk"))
        return self.filter(pk=pk).first()

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
    # Written as the condition of the partial indexes is: the planner knows them by it.
    OPEN = tuple(_OPEN_STATES)
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

    class Timing(models.TextChoices):
        EARLY = "early", _("Trước hạn")
        ON_TIME = "on_time", _("Đúng hạn")
        LATE = "late", _("Quá hạn")

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
    delivery_address = models.JSONField(
        _("gửi kết quả đến"),
        default=dict,
        blank=True,
        help_text=_("recipient, phone, commune, name, detail; trống khi không gửi bưu chính."),
    )
    answers = models.JSONField(_("nội dung khai"), default=dict)
    behalf = models.JSONField(
        _("nộp thay cho"),
        default=dict,
        blank=True,
        help_text=_("Trống khi người nộp tự đứng tên; xem `behalf.Principal`."),
    )
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="+", verbose_name=_("chép từ hồ sơ")
    )
    draft_result = models.TextField(_("bản dự thảo gửi công dân"), blank=True)
    result_record = models.JSONField(_("số, quyển đăng ký"), default=dict, blank=True)
    created_at = models.DateTimeField(_("lúc tạo"), auto_now_add=True)
    updated_at = models.DateTimeField(_("lúc sửa"), auto_now=True)
    expiry_warned_at = models.DateTimeField(_("đã báo bản nháp sắp hết hạn lúc"), null=True)
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
    step_since = models.DateTimeField(_("ở bước này từ"), null=True)
    step_due_at = models.DateTimeField(_("bước này xong trước"), null=True)
    handed_on_at = models.DateTimeField(_("chuyển nơi giải quyết lúc"), null=True)
    hand_on_by = models.DateTimeField(_("chuyển nơi giải quyết trước"), null=True)
    ended_at = models.DateTimeField(
        _("có kết quả hoặc kết thúc lúc"),
        null=True,
        help_text=_("Xử lý xong, từ chối, dừng hoặc rút; từ đó không tính giờ nữa."),
    )
    timing = models.CharField(_("so với hạn"), max_length=7, choices=Timing, blank=True)
    late_minutes = models.IntegerField(
        _("trễ (phút làm việc)"), null=True, help_text=_("Âm là sớm hơn hạn.")
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="entered_dossiers",
        verbose_name=_("người nhập tại quầy"),
    )
    at_counter = models.JSONField(
        _("ghi nhận tại quầy"),
        default=dict,
        blank=True,
        help_text=_("Giấy tờ đã xem, đã giữ, số bản mỗi loại; xem `counter.originals.Record`."),
    )
    is_at_once = models.BooleanField(_("giải quyết ngay tại quầy"), default=False)
    is_entered_late = models.BooleanField(_("nhập bù"), default=False)
    late_entry_reason = models.CharField(_("lý do nhập bù"), max_length=200, blank=True)

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
            models.Index(
                fields=("handling_agency", "promised_at"),
                condition=Q(state__in=_OPEN_STATES),
                name="dossier_open_handling",
            ),
            models.Index(
                fields=("receiving_agency", "promised_at"),
                condition=Q(state__in=_OPEN_STATES),
                name="dossier_open_receiving",
            ),
            models.Index(
                fields=("assignee", "promised_at"),
                condition=Q(state__in=_OPEN_STATES),
                name="dossier_open_assignee",
            ),
            models.Index(fields=("handling_agency", "-submitted_at"), name="dossier_all_handling"),
            models.Index(
                fields=("receiving_agency", "-submitted_at"), name="dossier_all_receiving"
            ),
            models.Index(fields=("handling_agency", "ended_at"), name="dossier_ended"),
            # For who oversees so many offices that an index by office is no help.
            models.Index(due_moment(), condition=Q(state__in=_OPEN_STATES), name="dossier_due"),
            models.Index(
                fields=("state",), condition=Q(state__in=_OPEN_STATES), name="dossier_open_state"
            ),
            models.Index(
                fields=("citizen_by",),
                condition=Q(
                    state__in=["supplement_required", "payment_required", "awaiting_confirmation"]
                ),
                name="dossier_citizens_turn",
            ),
            models.Index(
                fields=("completed_at",),
                condition=Q(state__in=["completed"]),
                name="dossier_to_hand_over",
            ),
            models.Index(
                fields=("-submitted_at", "-id"), condition=~Q(state="draft"), name="dossier_all"
            ),
            models.Index(fields=("handling_agency", "accepted_at"), name="dossier_accepted"),
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
        from dossiers.models.ledger import Note

        notes = Note.objects.filter(event__dossier=self, event__name=name).order_by("-event__seq")
        return notes.values_list("text", flat=True).first() or ""

    @property
    def applicant_name(self) -> str:
        """Whose dossier it is; where another person filed it, with their name too."""
        if self.behalf:
            names = {"principal": self.behalf["name"], "filer": self.owner.get_full_name()}
            return _("%(principal)s (nộp thay: %(filer)s)") % names
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


class ParticipantQuerySet(models.QuerySet):
    """Participants as access to a dossier asks for them."""

    def active(self) -> ParticipantQuerySet:
        """Those who joined and were not let go: they see the dossier."""
        return self.filter(joined_at__isnull=False, ended_at=None)

    def open(self) -> ParticipantQuerySet:
        """Those invited or joined, and not let go."""
        return self.filter(ended_at=None)


class Participant(models.Model):
    """Another person of a dossier: invited by the one who files, joined by a link.

    A participant sees the dossier from joining until it is ended. `agreed_to` is the
    fingerprint of what a co-applicant read when they agreed: a draft that changed
    afterwards waits for their agreement again.
    """

    class Role(models.TextChoices):
        CO_APPLICANT = "co_applicant", _("Người cùng đứng đơn")
        PRINCIPAL = "principal", _("Người được nộp thay")

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="participants")
    role = models.CharField(_("vai trò"), max_length=12, choices=Role)
    name = models.CharField(_("họ và tên"), max_length=100)
    contact = models.CharField(_("thư điện tử hoặc số điện thoại"), max_length=254, blank=True)
    token = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="participations"
    )
    invited_at = models.DateTimeField(_("mời lúc"), auto_now_add=True)
    joined_at = models.DateTimeField(_("tham gia lúc"), null=True)
    agreed_at = models.DateTimeField(_("đồng ý lúc"), null=True)
    agreed_to = models.CharField(max_length=16, blank=True)
    ended_at = models.DateTimeField(_("thôi tham gia lúc"), null=True)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        verbose_name = _("người tham gia hồ sơ")
        verbose_name_plural = _("người tham gia hồ sơ")
        ordering = ("invited_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("dossier", "user"),
                condition=Q(user__isnull=False, ended_at=None),
                name="participant_once_per_dossier",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


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
