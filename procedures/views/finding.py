"""Finding a procedure: the list, narrowed by words and by facets, and suggestions."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from procedures.models import Agency, Channel, Procedure, Revision
from procedures.search import Answer, Catalogue, ask, catalogue
from procedures.search.halfway import ask_halfway
from procedures.search.misses import count_miss
from procedures.search.reasons import Reason, reason
from procedures.text import fold

PAGE_SIZE = 20
SEARCH_LIMIT = 200
SUGGESTIONS, FEWEST_LETTERS = 7, 2
SHOWN_CHOICES = 8
WHOLE = "xem"  # the parameter that names the facet of which every value is shown
LONGEST_QUERY = 200
LONGEST_TIME = 60

TIER_NAMES = {
    "commune": gettext_lazy("Cấp xã"),
    "district": gettext_lazy("Cấp huyện"),
    "province": gettext_lazy("Cấp tỉnh"),
    "ministry": gettext_lazy("Cấp bộ"),
    "other": gettext_lazy("Cơ quan khác"),
}
LEVEL_NAMES = {
    "1": gettext_lazy("Mức độ 1: xem hướng dẫn"),
    "2": gettext_lazy("Mức độ 2: có tờ khai để tải"),
    "3": gettext_lazy("Mức độ 3: nộp trực tuyến"),
    "4": gettext_lazy("Mức độ 4: nộp và trả phí trực tuyến"),
}
# Facet, its parameter in addresses (kept for ever), and its heading.
FACETS = (
    ("sector", "linh-vuc", gettext_lazy("Lĩnh vực")),
    ("tier", "cap", gettext_lazy("Cấp giải quyết")),
    ("office", "co-quan", gettext_lazy("Cơ quan")),
    ("level", "muc-do", gettext_lazy("Mức độ trực tuyến")),
    ("audience", "doi-tuong", gettext_lazy("Đối tượng")),
    ("event", "su-kien", gettext_lazy("Sự kiện trong đời")),
)


@dataclass(frozen=True)
class Choice:
    """One value of a facet: how many procedures it leaves, and the address that chooses it."""

    label: str
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet as the page shows it: its most frequent values, or all that was asked to see."""

    key: str
    title: str
    choices: list[Choice]
    total: int  # of its values, shown or not
    is_whole: bool
    whole_url: str
    short_url: str

    @property
    def has_more(self) -> bool:
        """Whether there is more than is shown."""
        return len(self.choices) < self.total


@dataclass(frozen=True)
class Row:
    """One procedure of the list."""

    procedure: Procedure
    reason: Reason | None = None

    @property
    def revision(self) -> Revision:
        """What is in force."""
        return self.procedure.current

    @property
    def tier(self) -> str:
        """The tier in words."""
        return str(TIER_NAMES.get(self.revision.tier, self.revision.tier))

    @property
    def place(self) -> str:
        """Where one files, in a few words."""
        if self.revision.filing_place == Revision.FilingPlace.NATIONAL:
            return _("Nộp chính thức tại Cổng Dịch vụ công quốc gia")
        if self.revision.service_level >= 3:
            return _("Nộp trực tuyến tại cổng này")
        return _("Nộp tại cơ quan")

    @cached_property
    def times(self) -> list[str]:
        """How long by each kind of channel, where the law gives a number, told once if alike."""
        kinds: dict[str, list[str]] = {}
        first = {channel.kind: channel for channel in reversed(self.revision.channels.all())}
        for channel in sorted(first.values(), key=lambda channel: channel.position):
            if channel.unit != Channel.Unit.TEXT:
                # `get_kind_display` costs ten times as much, for sixty channels of a page.
                kinds.setdefault(channel.time_text, []).append(Channel.Kind(channel.kind).label)
        if len(kinds) == 1:
            return [_("Thời gian: %(time)s") % {"time": _short(time)} for time in kinds]
        return [f"{', '.join(map(str, names))}: {_short(time)}" for time, names in kinds.items()]


def _short(time: str) -> str:
    return Truncator(time).chars(LONGEST_TIME)


@dataclass
class Narrowing:
    """What somebody chose on the list, and the procedures that it leaves."""

    parameters: dict[str, str]
    catalogue: Catalogue | None
    answer: Answer | None
    offices: list[Agency] = field(default_factory=list)

    @cached_property
    def choices(self) -> dict[str, str]:
        """Facet and value, of what was chosen and exists."""
        known = {facet: self._known(facet) for facet, _parameter, _title in FACETS}
        asked = {facet: self.parameters.get(name, "") for facet, name, _title in FACETS}
        return {facet: value for facet, value in asked.items() if value in known[facet]}

    def _known(self, facet: str) -> set[str]:
        if self.catalogue is None:
            return set()
        if facet == "office":
            return {office.code for office in self.offices}
        return set(self.catalogue.facets.bits[facet])

    def bits(self, facet: str, value: str) -> int:
        """The procedures of one value; an office handles those of its tier."""
        bits = self.catalogue.facets.bits
        if facet == "office":
            tier = next(office.tier for office in self.offices if office.code == value)
            return bits["tier"].get(tier, 0)
        return bits[facet][value]

    def left(self, leaving_out: str = "") -> int:
        """The procedures that the words and the choices leave, one facet perhaps left out."""
        facets = self.catalogue.facets
        left = facets.everything if self.answer is None else facets.set_of(self.answer.pks)
        for facet, value in self.choices.items():
            if facet != leaving_out:
                left &= self.bits(facet, value)
        return left

    def listed(self) -> list[int]:
        """Primary keys of what is left, in the order of the list."""
        if self.catalogue is None:
            return []
        facets, left = self.catalogue.facets, self.left()
        if self.answer is None:
            return facets.listed(left)
        return [pk for pk in self.answer.pks if left >> facets.places[pk] & 1]

    def facets(self) -> list[Facet]:
        """Every facet that can narrow further, with the counts that the other choices leave."""
        if self.catalogue is None:
            return []
        rows = [self._facet(facet, name, str(title)) for facet, name, title in FACETS]
        left = self.left().bit_count()
        return [
            row
            for row in rows
            if row.key in self.choices or any(choice.count < left for choice in row.choices)
        ]

    def _facet(self, facet: str, name: str, title: str) -> Facet:
        """The most frequent values and what was chosen; or all, in the order of the alphabet."""
        is_whole = self.parameters.get(WHOLE) == name
        counted, chosen = self._counted(facet), self.choices.get(facet)
        shown = sorted(counted, key=lambda row: fold(row[1])) if is_whole else [
            row for place, row in enumerate(counted) if place < SHOWN_CHOICES or row[0] == chosen
        ]  # fmt: skip
        choices = [
            Choice(label, count, self.url(name, "" if value == chosen else value), value == chosen)
            for value, label, count in shown
        ]
        place = f"#loc-{facet}"
        return Facet(
            facet,
            title,
            choices,
            total=len(counted),
            is_whole=is_whole,
            whole_url=self.url(WHOLE, name) + place,
            short_url=self.url() + place,
        )

    def _counted(self, facet: str) -> list[tuple[str, str, int]]:
        """Value, label and count of what the facet can leave, the most frequent first."""
        within, chosen = self.left(leaving_out=facet), self.choices.get(facet)
        rows = [
            (value, label, (self.bits(facet, value) & within).bit_count())
            for value, label in self._labels(facet)
        ]
        rows = [row for row in rows if row[2] or row[0] == chosen]
        if facet == "level":
            return sorted(rows, key=lambda row: row[1], reverse=True)
        return sorted(rows, key=lambda row: (-row[2], row[1]))

    def _labels(self, facet: str) -> list[tuple[str, str]]:
        if facet == "office":
            return [(office.code, office.short_name or office.name) for office in self.offices]
        labels = self.catalogue.facets.labels[facet]
        if facet == "tier":
            return [(value, self._tier_name(value)) for value in labels]
        if facet == "level":
            return [(value, str(LEVEL_NAMES.get(value, value))) for value in labels]
        return list(labels.items())

    def _tier_name(self, tier: str) -> str:
        """The tier in words, or the offices of a tier that only this place has."""
        names = [office.short_name or office.name for office in self.offices if office.tier == tier]
        return str(TIER_NAMES.get(tier) or ", ".join(names[:2]) or tier)

    def url(self, name: str = "", value: str = "") -> str:
        """The list with one choice changed, from its first page."""
        named = {facet: parameter for facet, parameter, _title in FACETS}
        kept = {"q": self.parameters.get("q", "")}
        kept |= {named[facet]: chosen for facet, chosen in self.choices.items()}
        kept[name] = value
        query = urlencode({key: text for key, text in kept.items() if key and text})
        return f"{reverse('procedures:list')}?{query}" if query else reverse("procedures:list")

    def sector_name(self) -> str:
        """The name of the chosen field, which heads the page; "" without one."""
        chosen = self.choices.get("sector", "")
        return dict(self._labels("sector"))[chosen] if chosen else ""

    def chosen(self) -> list[Choice]:
        """What was chosen, each with the address without it."""
        return [
            Choice(dict(self._labels(facet))[self.choices[facet]], 0, self.url(name), True)
            for facet, name, _title in FACETS
            if facet in self.choices
        ]


@require_safe
def catalogue_list(request: HttpRequest) -> HttpResponse:
    """The list, narrowed by words and by facets; words that find nothing are counted."""
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    opened = catalogue()
    answer = ask(query, opened, SEARCH_LIMIT) if query else None
    narrowing = Narrowing(request.GET.dict() | {"q": query}, opened, answer, _offices())
    page = Paginator(narrowing.listed(), PAGE_SIZE).get_page(request.GET.get("trang"))
    page.object_list = _rows(page.object_list, answer, opened)
    if answer is not None and not answer.pks:
        count_miss(query)
    context = {
        "query": query,
        "answer": answer,
        "page": page,
        "total": page.paginator.count,
        "is_cut": answer is not None and len(answer.pks) >= SEARCH_LIMIT,
        "facets": narrowing.facets(),
        "is_open": bool(narrowing.choices) or WHOLE in request.GET,
        "chosen": narrowing.chosen(),
        "sector_name": narrowing.sector_name(),
        "without_choices": narrowing.url() if not query else f"?{urlencode({'q': query})}",
    }
    return render(request, "procedures/list.html", context)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """A few procedures for what is being typed; without htmx, the list itself."""
    query = request.GET.get("q", "").strip()[:LONGEST_QUERY]
    if not request.htmx:
        return redirect(f"{reverse('procedures:list')}?{urlencode({'q': query})}")
    rows: list[Row] = []
    if len(query) >= FEWEST_LETTERS:
        opened = catalogue()
        answer = ask_halfway(query, opened, SUGGESTIONS)
        rows = _rows(answer.pks, answer, opened)
    return render(request, "procedures/_suggestions.html", {"query": query, "rows": rows})


def _rows(pks: list[int], answer: Answer | None, opened: Catalogue | None) -> list[Row]:
    """These procedures in this order; what is no longer in force is left out."""
    procedures = Procedure.objects.for_catalogue().defer(
        "current__definition", "current__conditions"
    )
    found = {row.pk: row for row in procedures.filter(pk__in=pks)} if pks else {}
    return [
        Row(found[pk], reason(answer, found[pk], opened) if answer else None)
        for pk in pks
        if pk in found
    ]


def _offices() -> list[Agency]:
    """The offices that decide, not the desks that receive for them."""
    return list(
        Agency.objects.filter(is_active=True)
        .exclude(tier="desk")
        .only("code", "name", "short_name", "tier")
    )
