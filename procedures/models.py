"""What can be filed: offices, procedures, and everything the law says about them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from procedures.bankaccounts import check_bank_account
from procedures.orderedjson import OrderedJSONField
from procedures.text import fold

if TYPE_CHECKING:
    from procedures.formspec.spec import Form


class FrozenError(Exception):
    """Somebody tried to change a revision that was already published."""


def _default_hours() -> list[list[str]]:
    return [["07:00", "11:30"], ["13:30", "17:00"]]


class Agency(models.Model):
    """One office: a People's Committee, a one-stop desk, a department.

    Tiers and codes are data. The district tier was abolished on 1/7/2025, and an office
    that received yesterday may hand over to another tomorrow. `reception` is the desk
    that receives for this office where that is another one. `mode` says whether what is
    filed at this office's portal counts in law.
    """

    class Mode(models.TextChoices):
        TRIAL = "trial", _("Chạy thử")
        OFFICIAL = "official", _("Chính thức")

    code = models.CharField(_("mã định danh"), max_length=20, unique=True)
    name = models.CharField(_("tên cơ quan"), max_length=200)
    short_name = models.CharField(_("tên ngắn"), max_length=100, blank=True)
    tier = models.CharField(
        _("cấp"), max_length=20, help_text=_("province, district, commune: khớp với khóa tier.")
    )
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("cơ quan cấp trên"),
    )
    reception = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receives_for",
        verbose_name=_("nơi tiếp nhận"),
        help_text=_("Để trống nếu cơ quan tự tiếp nhận hồ sơ."),
    )
    area_codes = models.JSONField(
        _("địa bàn"), default=list, blank=True, help_text=_("Mã các xã, phường thuộc địa bàn.")
    )
    address = models.CharField(_("địa chỉ"), max_length=200, blank=True)
    place = models.CharField(
        _("địa danh"), max_length=60, blank=True, help_text=_("Ghi trước ngày tháng trên giấy.")
    )
    phone = models.CharField(_("điện thoại"), max_length=30, blank=True)
    email = models.EmailField(_("thư điện tử"), blank=True)
    responsible_person = models.CharField(_("người chịu trách nhiệm"), max_length=100, blank=True)
    working_hours = models.JSONField(_("giờ làm việc"), default=_default_hours)
    bank_account = models.JSONField(
        _("tài khoản thu phí"),
        default=dict,
        blank=True,
        help_text=_("bin, bank, number, name; trống thì không nhận chuyển khoản."),
    )
    tax_code = models.CharField(_("mã số thuế"), max_length=14, blank=True)
    mode = models.CharField(
        _("chế độ"),
        max_length=8,
        choices=Mode,
        default=Mode.TRIAL,
        help_text=_("Chạy thử: mọi trang nhắc rằng hồ sơ nộp ở đây không có giá trị pháp lý."),
    )
    map_url = models.URLField(_("đường dẫn bản đồ"), blank=True)
    is_active = models.BooleanField(_("đang hoạt động"), default=True)

    class Meta:
        verbose_name = _("cơ quan")
        verbose_name_plural = _("cơ quan")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The public page of the office."""
        return reverse("procedures:agency", args=[self.code])

    def clean(self) -> None:
        """An account that no code for transfers can carry is refused where it is typed."""
        check_bank_account(self.bank_account)

    @property
    def receiving(self) -> Agency:
        """The desk where dossiers of this office are handed in."""
        return self.reception or self

    @property
    def map_link(self) -> str:
        """Where the office is on a map: its own link, or a search for its address."""
        if self.map_url or not self.address:
            return self.map_url
        return f"https://www.openstreetmap.org/search?{urlencode({'query': self.address})}"

    @property
    def hours_text(self) -> str:
        """The working hours as people read them: `07:00–11:30, 13:30–17:00`."""
        return ", ".join(f"{start}–{end}" for start, end in self.working_hours)


class CalendarDay(models.Model):
    """A day on which offices deviate from the calendar that the `holidays` package knows.

    The Government swaps working days a few weeks ahead, later than any library hears of it.
    """

    date = models.DateField(_("ngày"), unique=True)
    is_working = models.BooleanField(_("ngày làm việc"))
    note = models.CharField(_("căn cứ"), max_length=200)

    class Meta:
        verbose_name = _("ngày nghỉ, ngày làm bù")
        verbose_name_plural = _("ngày nghỉ, ngày làm bù")
        ordering = ("date",)

    def __str__(self) -> str:
        return f"{self.date:%d/%m/%Y}"


class PostingQuerySet(models.QuerySet):
    """Who works where."""

    def current(self, on: datetime.date | None = None) -> PostingQuerySet:
        """The postings in force on a day (today)."""
        on = on or timezone.localdate()
        return self.filter(Q(valid_until=None) | Q(valid_until__gte=on), valid_from__lte=on)


class Posting(models.Model):
    """One official's role at one office, from one day to another.

    What somebody may do follows from the postings in force at the moment of the click, so
    an official who moved loses the old office's dossiers at once.
    """

    class Role(models.TextChoices):
        RECEPTION = "reception", _("Tiếp nhận (một cửa)")
        CASE_OFFICER = "case_officer", _("Công chức thụ lý")
        APPROVER = "approver", _("Người ký duyệt")
        LEADER = "leader", _("Lãnh đạo")
        CASHIER = "cashier", _("Thu ngân")
        EDITOR = "editor", _("Biên tập thủ tục")
        SUPERVISOR = "supervisor", _("Giám sát")
        ADMINISTRATOR = "administrator", _("Quản trị")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="postings", verbose_name=_("cán bộ")
    )
    agency = models.ForeignKey(
        Agency, models.PROTECT, related_name="postings", verbose_name=_("cơ quan")
    )
    role = models.CharField(_("vai trò"), max_length=20, choices=Role)
    title = models.CharField(_("chức vụ"), max_length=80, blank=True)
    valid_from = models.DateField(_("từ ngày"), default=timezone.localdate)
    valid_until = models.DateField(_("đến hết ngày"), null=True, blank=True)
    stands_in_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stand_ins",
        verbose_name=_("làm thay"),
        help_text=_("Người vắng mặt, hoặc có người thân trong hồ sơ, mà người này làm thay."),
    )
    appointed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )

    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("phân công")
        verbose_name_plural = _("phân công")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "agency", "role"),
                condition=Q(valid_until=None),
                name="posting_one_open_per_role",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.user_id} {self.get_role_display()}"


class Absence(models.Model):
    """The days on which an official is away; who does their work meanwhile is a `Posting`."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="absences", verbose_name=_("cán bộ")
    )
    first_day = models.DateField(_("từ ngày"), default=timezone.localdate)
    last_day = models.DateField(_("đến hết ngày"))
    reason = models.CharField(_("lý do"), max_length=120, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+"
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("vắng mặt")
        verbose_name_plural = _("vắng mặt")
        ordering = ("-first_day", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(last_day__gte=models.F("first_day")), name="absence_days_in_order"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class SectorQuerySet(models.QuerySet):
    """Fields as pages list them."""

    def in_use(self) -> SectorQuerySet:
        """Those that have procedures in force; how many is in `count`."""
        in_force = Q(revisions__status="published")
        return self.annotate(count=Count("revisions", filter=in_force)).filter(count__gt=0)


class Sector(models.Model):
    """A field of administration (lĩnh vực) under which procedures are listed."""

    name = models.CharField(_("tên lĩnh vực"), max_length=200, unique=True)
    slug = models.SlugField(_("đường dẫn"), max_length=80, unique=True)

    objects = SectorQuerySet.as_manager()

    class Meta:
        verbose_name = _("lĩnh vực")
        verbose_name_plural = _("lĩnh vực")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class LifeEvent(models.Model):
    """An event in somebody's life (sự kiện) that brings several procedures with it."""

    slug = models.SlugField(_("đường dẫn"), max_length=60, unique=True)
    name = models.CharField(_("tên sự kiện"), max_length=100)
    summary = models.CharField(_("giới thiệu"), max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(_("thứ tự"), default=0)
    steps = models.JSONField(
        _("các việc phải làm"), default=list, blank=True, help_text=_("Theo thứ tự thời gian.")
    )

    class Meta:
        verbose_name = _("sự kiện")
        verbose_name_plural = _("sự kiện")
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page that gathers the procedures of this event."""
        return reverse("procedures:life_event", args=[self.slug])


class ProcedureQuerySet(models.QuerySet):
    """Procedures as pages need them."""

    def for_catalogue(self) -> ProcedureQuerySet:
        """Published procedures with what a list shows, in two queries."""
        return (
            self.filter(current__isnull=False)
            .select_related("current__sector")
            .prefetch_related("current__channels")
            .order_by("current__short_name", "code")
        )

    def for_page(self) -> ProcedureQuerySet:
        """One procedure with everything its own page shows."""
        return (
            self.filter(current__isnull=False)
            .select_related("current__sector")
            .prefetch_related(
                "current__channels",
                "current__fees__channels",
                "current__documents",
            )
        )


class Procedure(models.Model):
    """The identity of an administrative procedure; what it says is in its revisions."""

    code = models.CharField(_("mã thủ tục"), max_length=20, unique=True)
    slug = models.SlugField(_("đường dẫn"), max_length=120)
    current = models.ForeignKey(
        "Revision",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("bản đang áp dụng"),
    )

    objects = ProcedureQuerySet.as_manager()

    class Meta:
        verbose_name = _("thủ tục")
        verbose_name_plural = _("thủ tục")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        """The stable address: the code finds it, the slug is for people."""
        return reverse("procedures:detail", args=[self.code, self.slug])


_WRITTEN_BY_PUBLISHING = {
    "status", "published_at", "published_by", "publish_decision", "superseded_at",
}  # fmt: skip


class RevisionQuerySet(models.QuerySet):
    """Revisions cannot be changed in bulk: that would go around their freezing."""

    def update(self, **kwargs) -> int:
        """Refuse, except for the columns that publishing itself writes."""
        if set(kwargs) - _WRITTEN_BY_PUBLISHING:
            raise FrozenError("revisions change one at a time, and only as drafts")
        return super().update(**kwargs)


class Revision(models.Model):
    """One version of everything that can change about a procedure.

    A draft may be edited; a published one never changes again (here, and by triggers in
    the database), because dossiers filed under it are handled by what it said.
    `definition` is the checked YAML; the columns and the rows below are made from it.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Bản thảo")
        SCHEDULED = "scheduled", _("Đã duyệt, chờ ngày áp dụng")
        PUBLISHED = "published", _("Đang áp dụng")
        SUPERSEDED = "superseded", _("Đã thay thế")

    class Online(models.TextChoices):
        NONE = "none", _("Không trực tuyến")
        PARTIAL = "partial", _("Một phần")
        FULL = "full", _("Toàn trình")

    class FilingPlace(models.TextChoices):
        PORTAL = "portal", _("Cổng này")
        NATIONAL = "national_portal", _("Cổng Dịch vụ công quốc gia")

    class Origin(models.TextChoices):
        OFFICE = "office", _("Cơ quan soạn")
        NATIONAL = "national", _("Cơ sở dữ liệu quốc gia")

    procedure = models.ForeignKey(
        Procedure, models.PROTECT, related_name="revisions", verbose_name=_("thủ tục")
    )
    number = models.PositiveIntegerField(_("bản số"))
    status = models.CharField(_("trạng thái"), max_length=12, choices=Status, default=Status.DRAFT)
    name = models.TextField(_("tên thủ tục"))
    short_name = models.CharField(_("tên gọi ngắn"), max_length=200)
    also_called = models.JSONField(_("tên thường gọi"), default=list)
    summary = models.TextField(_("để làm gì"), blank=True)
    sector = models.ForeignKey(
        Sector, models.PROTECT, related_name="revisions", verbose_name=_("lĩnh vực")
    )
    life_events = models.ManyToManyField(LifeEvent, related_name="revisions", blank=True)
    audience = models.JSONField(_("đối tượng"), default=list)
    conditions = models.JSONField(_("yêu cầu, điều kiện"), default=list)
    decision = models.CharField(_("quyết định công bố"), max_length=60, blank=True)
    effective_from = models.DateField(_("áp dụng từ"), null=True)
    tier = models.CharField(_("cấp giải quyết"), max_length=20)
    office_question = models.CharField(_("cách chọn nơi giải quyết"), max_length=200, blank=True)
    service_level = models.PositiveSmallIntegerField(_("mức độ"))
    online = models.CharField(_("trực tuyến"), max_length=8, choices=Online)
    partial_reason = models.TextField(_("lý do chỉ một phần"), blank=True)
    filing_place = models.CharField(_("nơi nộp chính thức"), max_length=16, choices=FilingPlace)
    definition = OrderedJSONField(_("định nghĩa"))
    digest = models.CharField(_("mã băm định nghĩa"), max_length=64)
    origin = models.CharField(_("nguồn"), max_length=8, choices=Origin, default=Origin.OFFICE)
    load = models.ForeignKey(
        "CatalogueLoad",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="revisions",
        verbose_name=_("lần nạp"),
    )
    publish_decision = models.CharField(_("quyết định cho áp dụng"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("ngày tạo"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người soạn"),
    )
    published_at = models.DateTimeField(_("ngày công bố"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người công bố"),
    )
    superseded_at = models.DateTimeField(_("ngày thay thế"), null=True, blank=True)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("bản thủ tục")
        verbose_name_plural = _("bản thủ tục")
        ordering = ("procedure", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=("procedure", "number"), name="revision_number_once_per_procedure"
            ),
            models.UniqueConstraint(
                fields=("procedure",),
                condition=Q(status="published"),
                name="revision_one_published_per_procedure",
            ),
            models.CheckConstraint(
                condition=Q(service_level__gte=1, service_level__lte=4),
                name="revision_service_level_1_to_4",
            ),
        )

    def __str__(self) -> str:
        return f"{self.procedure.code} #{self.number}"

    def save(self, *args, **kwargs) -> None:
        """Save a draft; raise `FrozenError` when the row was already published."""
        if self.pk and Revision.objects.filter(pk=self.pk).exclude(status="draft").exists():
            raise FrozenError(f"revision {self.pk} is published")
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """A revision is read on the page of its procedure."""
        return self.procedure.get_absolute_url()

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Delete a draft; raise `FrozenError` for anything that was in force."""
        if self.status != self.Status.DRAFT:
            raise FrozenError(f"revision {self.pk} is published")
        return super().delete(*args, **kwargs)

    @cached_property
    def form(self) -> Form:
        """The form as data (`formspec.spec.Form`), empty where the procedure has none."""
        from procedures.recalled import recall

        return recall(self).form

    @property
    def has_form(self) -> bool:
        """Whether there is anything to fill in."""
        return bool(self.definition.get("form"))

    @property
    def steps(self) -> list[dict]:
        """The steps: id, name, who, and the time budget where there is one."""
        return self.definition.get("steps", [])

    @property
    def result(self) -> dict:
        """The result: name, where it is made, how it is handed over."""
        return self.definition.get("result", {})

    @property
    def made_here(self) -> bool:
        """Whether we print and sign the result, or only hand over another system's file."""
        return self.result.get("made_in") == "portal"

    @property
    def citizen_checks_draft(self) -> bool:
        """Whether one of the steps asks the citizen to check the draft of the result."""
        return any(step.get("who") == "citizen" for step in self.steps)

    @property
    def level_text(self) -> str:
        """The level in both vocabularies: `Mức độ 4 (toàn trình)`."""
        level = _("Mức độ %(level)d") % {"level": self.service_level}
        if self.online == self.Online.NONE:
            return level
        return f"{level} ({self.get_online_display().lower()})"

    def channel(self, kind: str) -> Channel | None:
        """The channel of this kind (`online`, `direct`, `postal`), from the loaded rows."""
        return next((row for row in self.channels.all() if row.kind == kind), None)


class Retirement(models.Model):
    """The end of a procedure: one editor proposes it for what is in force, another confirms.

    Where another revision comes in force meanwhile, the proposal has become meaningless.
    """

    revision = models.OneToOneField(
        Revision, models.CASCADE, related_name="retirement", verbose_name=_("bản thủ tục")
    )
    decision = models.CharField(_("số quyết định"), max_length=60)
    proposed_at = models.DateTimeField(_("ngày đề nghị"), auto_now_add=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("người đề nghị")
    )
    confirmed_at = models.DateTimeField(_("ngày ngừng áp dụng"), null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người xác nhận"),
    )

    class Meta:
        verbose_name = _("ngừng áp dụng thủ tục")
        verbose_name_plural = _("ngừng áp dụng thủ tục")

    def __str__(self) -> str:
        return f"{self.revision_id}: {self.decision}"


class RevisionRow(models.Model):
    """A row that belongs to a revision and is as frozen as the revision itself."""

    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ("position",)

    def save(self, *args, **kwargs) -> None:
        """Save under a draft; raise `FrozenError` under anything published."""
        if self.revision.status != Revision.Status.DRAFT:
            raise FrozenError(f"revision {self.revision_id} is published")
        super().save(*args, **kwargs)


class Channel(RevisionRow):
    """One way to file (online, at the counter, by post), with its own time.

    The national catalogue has several of one kind, each for a `case`; a procedure that is
    filed here has one of each.
    """

    class Kind(models.TextChoices):
        ONLINE = "online", _("Trực tuyến")
        DIRECT = "direct", _("Trực tiếp")
        POSTAL = "postal", _("Bưu chính công ích")

    class Unit(models.TextChoices):
        SAME_DAY = "same_day", _("trong ngày")
        HOUR = "hour", _("giờ làm việc")
        WORKING_DAY = "working_day", _("ngày làm việc")
        DAY = "day", _("ngày")
        MONTH = "month", _("tháng")
        TEXT = "text", _("theo nội dung ghi")

    class ClockStart(models.TextChoices):
        FILING = "filing", _("từ khi nộp")
        ACCEPTANCE = "acceptance", _("từ khi được tiếp nhận")

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="channels")
    kind = models.CharField(_("cách nộp"), max_length=8, choices=Kind)
    unit = models.CharField(_("đơn vị"), max_length=12, choices=Unit)
    amount = models.PositiveSmallIntegerField(_("thời gian"), null=True, blank=True)
    cut_off = models.TimeField(_("giờ chốt"), null=True, blank=True)
    clock_starts = models.CharField(max_length=10, choices=ClockStart)
    case = models.TextField(_("trường hợp áp dụng"), blank=True)
    note = models.TextField(_("ghi chú"), blank=True)

    class Meta(RevisionRow.Meta):
        verbose_name = _("cách thức thực hiện")
        verbose_name_plural = _("cách thức thực hiện")

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def time_text(self) -> str:
        """The time as the office would say it: `3 ngày làm việc`, `Trong ngày`."""
        if self.unit == self.Unit.SAME_DAY:
            if self.cut_off:
                return _("Trong ngày; nhận sau %(hour)s thì trả ngày làm việc tiếp theo") % {
                    "hour": f"{self.cut_off:%H:%M}"
                }
            return str(_("Trong ngày"))
        if self.unit == self.Unit.TEXT or self.amount is None:
            return self.note or str(_("Theo quy định ghi ở trình tự thực hiện"))
        return f"{self.amount} {self.get_unit_display()}"


class Fee(RevisionRow):
    """One charge that the law provides for.

    `amount` is None where the source gives none ("theo HĐND tỉnh"); that is not zero. An
    amount that is not `is_confirmed` is shown as provisional and never payable online.
    `alternatives` (`when`, `label`, `amount`) are tried in order before `amount`; `tiers`
    (`up_to`, `amount`) price each unit of the answer `counted`, `cap` limits their sum, and
    `times` multiplies the whole.
    """

    class Due(models.TextChoices):
        FILING = "at_filing", _("khi nộp hồ sơ")
        ACCEPTANCE = "after_acceptance", _("sau khi hồ sơ được tiếp nhận")
        COLLECTION = "at_collection", _("khi nhận kết quả")

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="fees")
    key = models.CharField(max_length=40)
    name = models.CharField(_("tên phí, lệ phí"), max_length=200)
    note = models.TextField(_("ghi chú"), blank=True)
    amount = models.PositiveBigIntegerField(_("mức thu (đồng)"), null=True, blank=True)
    when = models.CharField(_("chỉ khi"), max_length=300, blank=True)
    unit = models.CharField(_("đơn vị tính"), max_length=60, blank=True)
    times = models.CharField(_("nhân với câu trả lời"), max_length=120, blank=True)
    counted = models.CharField(_("tính bậc theo câu trả lời"), max_length=120, blank=True)
    tiers = models.JSONField(_("các bậc"), default=list, blank=True)
    cap = models.PositiveBigIntegerField(_("mức cao nhất (đồng)"), null=True, blank=True)
    alternatives = models.JSONField(_("mức theo trường hợp"), default=list, blank=True)
    due = models.CharField(_("lúc nộp"), max_length=16, choices=Due)
    source = models.CharField(_("căn cứ"), max_length=200)
    is_confirmed = models.BooleanField(_("đã kiểm tra"), default=False)
    is_refundable = models.BooleanField(_("được hoàn"), default=False)
    exemptions = OrderedJSONField(_("miễn, giảm"), default=dict, blank=True)
    exemption_law = models.CharField(_("căn cứ miễn, giảm"), max_length=200, blank=True)
    reductions = models.JSONField(
        _("mức giảm"),
        default=dict,
        blank=True,
        help_text=_("Theo diện: percent (giảm mấy phần trăm), law, automatic; trống là miễn."),
    )
    channels = models.ManyToManyField(Channel, related_name="fees", blank=True)

    class Meta(RevisionRow.Meta):
        verbose_name = _("phí, lệ phí")
        verbose_name_plural = _("phí, lệ phí")
        constraints = (
            models.UniqueConstraint(fields=("revision", "key"), name="fee_key_once_per_revision"),
        )

    def __str__(self) -> str:
        return self.name

    def is_asked_on(self, kind: str) -> bool:
        """Whether it is asked of who files this way; without channels, on every way."""
        kinds = {row.kind for row in self.channels.all()}
        return not kinds or kind in kinds

    @property
    def is_known(self) -> bool:
        """Whether the law says how much, for every case that it knows."""
        known = self.amount is not None or bool(self.tiers)
        return known and all(case["amount"] is not None for case in self.alternatives)


class RequiredDocument(RevisionRow):
    """One paper of the dossier, and what has to be done with it."""

    class How(models.TextChoices):
        SUBMIT = "submit", _("Nộp")
        SHOW = "show", _("Xuất trình")
        PORTAL = "portal", _("Cổng in từ câu trả lời")
        REMARK = "remark", _("Lưu ý")

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="documents")
    key = models.CharField(max_length=40)
    group = models.TextField(_("trường hợp"), blank=True)
    name = models.TextField(_("tên giấy tờ"))
    how = models.CharField(_("cách nộp"), max_length=8, choices=How)
    originals = models.PositiveSmallIntegerField(_("bản chính"), default=0)
    copies = models.PositiveSmallIntegerField(_("bản sao"), default=0)
    when = models.CharField(_("chỉ khi"), max_length=300, blank=True)
    is_optional = models.BooleanField(_("không bắt buộc"), default=False)
    original_due = models.CharField(_("lúc nộp bản chính"), max_length=16, blank=True)
    help = models.TextField(_("giải thích"), blank=True)
    note = models.TextField(_("khi nào không cần"), blank=True)
    law = models.CharField(_("luật đòi giấy tờ này"), max_length=200, blank=True)

    class Meta(RevisionRow.Meta):
        verbose_name = _("giấy tờ phải có")
        verbose_name_plural = _("giấy tờ phải có")
        constraints = (
            models.UniqueConstraint(
                fields=("revision", "key"), name="document_key_once_per_revision"
            ),
        )

    def __str__(self) -> str:
        return self.name


class LegalBasis(RevisionRow):
    """A law, decree or circular on which the procedure stands."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="legal_bases")
    number = models.CharField(_("số hiệu"), max_length=200, blank=True)
    title = models.TextField(_("trích yếu"))

    class Meta(RevisionRow.Meta):
        verbose_name = _("căn cứ pháp lý")
        verbose_name_plural = _("căn cứ pháp lý")

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()


class CatalogueLoad(models.Model):
    """One coming of procedures into the catalogue: a file, from checking to being in force.

    What it brings is hidden while `state` is `WRITING`, so that a load which breaks off
    leaves nothing to be seen; the next load, or `run_due`, sweeps it away.
    """

    class Kind(models.TextChoices):
        FILES = "files", _("Tệp YAML")
        WORKBOOK = "workbook", _("Bảng tính Excel")
        NATIONAL = "national", _("Danh mục quốc gia")

    class State(models.TextChoices):
        WAITING = "waiting", _("Chờ kiểm tra")
        WRITING = "writing", _("Đang nạp")
        FAULTY = "faulty", _("Có lỗi, chưa nạp")
        READY = "ready", _("Chờ người thứ hai công bố")
        PUBLISHED = "published", _("Đã công bố")
        DISMISSED = "dismissed", _("Đã bỏ")

    kind = models.CharField(_("loại"), max_length=8, choices=Kind)
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.WAITING)
    file_name = models.CharField(_("tên tệp"), max_length=200, blank=True)
    file = models.FileField(_("tệp"), upload_to="catalogue-loads/", blank=True)
    decision = models.CharField(_("số quyết định"), max_length=60, blank=True)
    done = models.PositiveIntegerField(_("đã xong"), default=0)
    total = models.PositiveIntegerField(_("tổng số"), default=0)
    report = models.JSONField(_("kết quả kiểm tra"), default=dict, blank=True)
    created_at = models.DateTimeField(_("ngày nạp"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người nạp"),
    )
    published_at = models.DateTimeField(_("ngày công bố"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người công bố"),
    )

    class Meta:
        verbose_name = _("lần nạp danh mục")
        verbose_name_plural = _("lần nạp danh mục")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class NationalUpdate(models.Model):
    """What the national catalogue now says of a procedure that the office writes itself.

    The office's own fees, forms and texts are never overwritten: somebody looks at the
    differences, and takes them into a new draft or puts them aside.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Chờ xem")
        TAKEN = "taken", _("Đã đưa vào bản thảo")
        DISMISSED = "dismissed", _("Đã xem, không đổi")

    procedure = models.ForeignKey(
        Procedure, models.CASCADE, related_name="national_updates", verbose_name=_("thủ tục")
    )
    definition = OrderedJSONField(_("định nghĩa"))
    digest = models.CharField(_("mã băm định nghĩa"), max_length=64)
    state = models.CharField(_("trạng thái"), max_length=9, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(_("ngày nhận"), auto_now_add=True)
    decided_at = models.DateTimeField(_("ngày xem"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("người xem"),
    )

    class Meta:
        verbose_name = _("thay đổi từ danh mục quốc gia")
        verbose_name_plural = _("thay đổi từ danh mục quốc gia")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("procedure",),
                condition=Q(state="open"),
                name="national_update_one_open_per_procedure",
            ),
        )

    def __str__(self) -> str:
        return self.procedure.code


class FormFile(models.Model):
    """An original form of a ministry (Word, Excel, PDF), offered beside ours as it came.

    It belongs to the procedure, not to a revision: a ministry mends its file without
    changing the procedure.
    """

    procedure = models.ForeignKey(
        Procedure, models.CASCADE, related_name="form_files", verbose_name=_("thủ tục")
    )
    title = models.CharField(_("tên mẫu"), max_length=200)
    file = models.FileField(_("tệp"), upload_to="form-files/")
    content_type = models.CharField(max_length=100, editable=False)
    size = models.PositiveIntegerField(_("dung lượng"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    source = models.CharField(_("căn cứ"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(_("thứ tự"), default=0)
    is_active = models.BooleanField(_("đang dùng"), default=True)
    uploaded_at = models.DateTimeField(_("ngày đăng"), auto_now_add=True)

    class Meta:
        verbose_name = _("tệp mẫu gốc")
        verbose_name_plural = _("tệp mẫu gốc")
        ordering = ("position", "title")

    def __str__(self) -> str:
        return self.title


class SearchMiss(models.Model):
    """Words that people looked for in vain: the words and how often, never who."""

    words = models.CharField(_("từ đã tìm"), max_length=100, unique=True)
    count = models.PositiveIntegerField(_("số lần"), default=1)
    last_on = models.DateField(_("lần cuối"), default=timezone.localdate)

    class Meta:
        verbose_name = _("tìm không thấy")
        verbose_name_plural = _("tìm không thấy")
        ordering = ("-count", "words")

    def __str__(self) -> str:
        return self.words


class CatalogueVersion(models.Model):
    """The one row whose random token tells each machine whether its search index is stale.

    A number would return after a rollback or a restore; a token set in the publishing
    transaction does not.
    """

    token = models.CharField(max_length=43)

    def __str__(self) -> str:
        return self.token

    @classmethod
    def in_force(cls) -> str | None:
        """The token of now; None while nothing was ever published."""
        return cls.objects.filter(pk=1).values_list("token", flat=True).first()


def make_slug(text: str) -> str:
    """`Đăng ký khai sinh` -> `dang-ky-khai-sinh`."""
    return slugify(fold(text))[:120] or "thu-tuc"
