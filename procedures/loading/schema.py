"""What a procedure file may say, as one schema."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

import pydantic
from pydantic import BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from procedures.formspec.spec import Key, Section, Strict, Text, Whole, Words, YesNo

# `d.dddddd`; three codes of the national catalogue are longer.
Code = Annotated[
    str, StringConstraints(pattern=r"^[1-9]\.\d{6,9}(-[A-Za-z]{1,6})?$", max_length=20)
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]

# As long as the columns that keep them.
Mark = Annotated[Text, StringConstraints(max_length=20)]
Number = Annotated[Text, StringConstraints(max_length=60)]
Path = Annotated[Text, StringConstraints(max_length=120)]
Line = Annotated[Text, StringConstraints(max_length=200)]
Condition = Annotated[Text, StringConstraints(max_length=300)]
Tier = Annotated[Key, StringConstraints(max_length=20)]
Count = Annotated[Whole, pydantic.Field(le=9999)]

# What keys were called before; files that still say so are read.
OLDER_KEYS = {
    "level": "service_level",
    "citizen_deadline": "on_time",
    "from": "start",
    "else": "otherwise",
}


def _day(value: Any) -> Any:
    """dd/mm/yyyy in the file; kept as an ISO date."""
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.datetime.strptime(str(value), "%d/%m/%Y").date()
    except ValueError:
        try:
            return datetime.date.fromisoformat(str(value))
        except ValueError:
            looks_like_one = re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", str(value))
            kind = "no_such_day" if looks_like_one else "day"
            raise PydanticCustomError(kind, "date", {"given": str(value)}) from None


def _hour(value: Any) -> Any:
    """15:00, with a leading zero or without."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(:00)?", str(value))
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise PydanticCustomError("hour", "hour", {"given": str(value)})
    return f"{int(match[1]):02d}:{match[2]}"


def _amount(value: Any) -> Any:
    """Whole đồng, or None for `unknown`: the law leaves it to the province, and it is not zero."""
    return None if value is None or str(value).strip() == "unknown" else value


def _duration(value: Any) -> Any:
    """`same_day`, `3 working_days`, `2 hours`, `10 days`, `2 months`, or `text`."""
    match = re.fullmatch(
        r"same_day|text|(\d{1,4}) (working_day|day|hour|month)s?", str(value).strip()
    )
    if not match:
        raise PydanticCustomError("duration", "duration", {"given": str(value)})
    if match[1] is None:
        return match[0]
    # One spelling, so that a file which comes back from elsewhere is recognised as the same.
    return f"{int(match[1])} {match[2]}{'s' if int(match[1]) != 1 else ''}"


def _percent(value: Any) -> Any:
    """`50%`, with the sign or without: a part of a hundred that is taken off, 1 to 100."""
    match = re.fullmatch(r"(\d{1,3})\s*%?", str(value).strip())
    if not match or not 1 <= int(match[1]) <= 100:
        raise PydanticCustomError("percent", "percent", {"given": str(value)})
    return int(match[1])


def _exemption(value: Any) -> Any:
    """A line of words alone is an exemption with nothing more to say."""
    return value if isinstance(value, dict) else {"label": value}


Day = Annotated[datetime.date, BeforeValidator(_day)]
Hour = Annotated[str, BeforeValidator(_hour)]
KnownAmount = Annotated[Whole, pydantic.Field(le=10**12)]
Amount = Annotated[KnownAmount | None, BeforeValidator(_amount)]
Duration = Annotated[str, BeforeValidator(_duration)]
Percent = Annotated[int, BeforeValidator(_percent)]


class Office(Strict):
    """Which tier handles it, the answer by which the office is chosen, and who takes part.

    `handled_by`, `authority`, `address`, `delegated` and `coordinating` are the offices as
    the decision of publication names them, for the page of the procedure alone.
    """

    tier: Tier
    choose: Line | None = None
    handled_by: Text | None = None
    authority: Text | None = None
    address: Text | None = None
    delegated: Text | None = None
    coordinating: Text | None = None


class Deadline(Strict):
    """The citizen's own time limit (`on_time`), its last day rolling to a working day."""

    days: Count
    start: Text = pydantic.Field(validation_alias=pydantic.AliasChoices("start", "from"))
    text: Text


class Redirect(Strict):
    """When an answer means that another procedure is the right one."""

    when: Condition
    to: Code
    text: Text


class StopOnline(Strict):
    """When an answer means that only the counter can help."""

    when: Condition
    text: Text


class Offer(Strict):
    """A linked procedure that serves the person better."""

    to: Code
    text: Text


class ChannelSpec(Strict):
    """One way to file, and its time; several of one kind differ in their `case`."""

    type: Literal["online", "direct", "postal"]
    case: Text | None = None
    time: Duration
    cut_off: Hour | None = None
    clock_starts: Literal["filing", "acceptance"] = "acceptance"
    note: Text | None = None


class Supplement(Strict):
    """What a supplement does to the clock, and how long the citizen has."""

    clock: Literal["restart", "pause"] = "restart"
    citizen_days: Count | None = None
    source: Text | None = None


class PaymentTerms(Strict):
    """How many days the citizen has to pay once asked."""

    citizen_days: Count | None = None
    source: Text | None = None


class FeeTier(Strict):
    """One tier of a fee: so much for each unit up to and with `up_to`; the last has none."""

    up_to: Count | None = None
    amount: KnownAmount


class FeeAlternative(Strict):
    """Another amount of the same fee, for the case in which `when` holds."""

    when: Condition
    label: Line
    amount: Amount


class ExemptionSpec(Strict):
    """One ground on which a fee is waived (`reduce` left out), or lessened by so much.

    `law` is for one that stands elsewhere than `exempt_law`. `automatic: online` needs no
    claim: it is for whoever files online. With a label alone it is written as that label.
    """

    label: Text
    reduce: Percent | None = None
    law: Line | None = None
    automatic: Literal["online"] | None = None

    @pydantic.model_serializer(mode="wrap")
    def _short(self, as_usual: pydantic.SerializerFunctionWrapHandler) -> Any:
        data = as_usual(self)
        is_plain = self == ExemptionSpec(label=self.label)
        return self.label if is_plain else data


Exemption = Annotated[ExemptionSpec, BeforeValidator(_exemption)]


class FeeSpec(Strict):
    """One charge.

    What is due: the first of `alternatives` whose `when` holds, else the sum of `tiers` over
    the number answered at `counted` (at most `cap`), else `amount`; then multiplied by the
    number answered at `times`.
    """

    id: Key
    name: Line
    note: Text | None = None
    when: Condition | None = None
    channels: list[Literal["online", "direct", "postal"]] = []
    amount: Amount = None
    alternatives: list[FeeAlternative] = []
    counted: Path | None = None
    tiers: list[FeeTier] = []
    cap: KnownAmount | None = None
    per: Number | None = None
    times: Path | None = None
    pay: Literal["at_filing", "after_acceptance", "at_collection"]
    source: Line
    confirmed: YesNo = False
    refundable: YesNo = False
    exempt: dict[Key, Exemption] = {}
    exempt_law: Line | None = None


class DocumentSpec(Strict):
    """One paper of the dossier; `how: remark` is a sentence about the papers, not one of them.

    `law` is the article that demands a paper which the published procedure does not name.
    """

    id: Key
    name: Text
    group: Text | None = None
    how: Literal["submit", "show", "portal", "remark"]
    originals: Count = 0
    copies: Count = 0
    when: Condition | None = None
    optional: YesNo = False
    online: Literal["photo", "scan"] | None = None
    original_due: Literal["before_result", "with_filing"] | None = None
    not_needed_if: Text | None = None
    only_if_office_asks: Text | None = None
    print_from: Key | None = None
    help: Text | None = None
    law: Line | None = None


class Step(Strict):
    """One step of the handling; `budget` is working time inside the office."""

    id: Key
    name: Text
    who: Literal["reception", "case_officer", "approver", "leader", "citizen", "cashier"]
    budget: Duration | None = None
    channels: list[Literal["online", "direct", "postal"]] = []
    answer_days: Count | None = None
    no_answer: Literal["agree", "remind"] | None = None
    clock: Literal["runs", "stops"] | None = None
    outside: YesNo = False


class Article(Strict):
    """One article of a result that we make; `{section.field}` stands for an answer."""

    text: Text


class Template(Strict):
    """The wording of a result that we make."""

    title: Line
    subject: Text
    symbol: Mark
    grounds: list[Text] = []
    articles: list[Article]


class ResultSpec(Strict):
    """What the citizen gets. `made_in: portal` is ours; anything else names the other system."""

    name: Text
    made_in: Text | None = None
    record: list[Key] = []
    give_by: list[Literal["counter", "post", "online"]] = ["counter"]
    template: Template | None = None


class Law(Strict):
    """A law on which the procedure stands."""

    number: Line | None = None
    title: Text


class PaperSpec(Strict):
    """What the printed form says above its questions, as the official form has it."""

    title: Text | None = None
    number: Line | None = None
    addressed_to: Line | None = None
    source: Line | None = None


class ProcedureSpec(Strict):
    """A procedure file, whole.

    What level 1 cannot do without (`loading.levels`) is optional here, so that a file which
    lacks some of it is still read, and told what it lacks.
    """

    code: Code
    name: Text
    short_name: Line
    also_called: Words = []
    summary: Text | None = None
    field: Line
    life_events: list[Slug] = []
    keywords: Words = []
    audience: Words = []
    conditions: Words = []
    decision: Number | None = None
    effective_from: Day | None = None
    service_level: Annotated[Whole, pydantic.Field(ge=1, le=4)] = pydantic.Field(
        validation_alias=pydantic.AliasChoices("service_level", "level")
    )
    online: Literal["none", "partial", "full"] = "none"
    partial_reason: Text | None = None
    filing_place: Literal["portal", "national_portal"] = "portal"
    office: Office
    on_time: Deadline | None = pydantic.Field(
        None, validation_alias=pydantic.AliasChoices("on_time", "citizen_deadline")
    )
    trips: Count | None = None
    redirect: list[Redirect] = []
    offer: list[Offer] = []
    stop_online: list[StopOnline] = []
    channels: list[ChannelSpec] = []
    supplement: Supplement = Supplement()
    payment: PaymentTerms = PaymentTerms()
    tone: Literal["plain", "joyful", "solemn"] = "plain"
    fees: list[FeeSpec] = []
    documents: list[DocumentSpec] = []
    steps: list[Step] = []
    steps_text: Text | None = None
    result: ResultSpec
    legal_basis: list[Law] = []
    paper: PaperSpec = PaperSpec()
    ask_first: list[Text] = []
    at_once: YesNo = False
    ask_at_once: list[Path] = []
    form: list[Section] = []


# --- What may stand where -------------------------------------------------------------


def part_of(annotation: Any) -> type[Strict] | None:
    """The part that a key holds: itself, each row of a list, or each value of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    found = (part_of(inner) for inner in get_args(annotation))
    return next((part for part in found if part), None)


def part_at(path: tuple[str | int, ...]) -> type[Strict] | None:
    """The part of a file whose keys stand below `path`; None where plain values do."""
    part: type[Strict] | None = ProcedureSpec
    is_mapping = False
    for name in path:
        if isinstance(name, int):
            continue
        if is_mapping:  # its writer's own key
            is_mapping = False
            continue
        if part is None:
            return None
        field = part.model_fields.get(OLDER_KEYS.get(name, name))
        part = part_of(field.annotation) if field else None
        is_mapping = part is not None and get_origin(field.annotation) is dict
    return None if is_mapping else part


@lru_cache(maxsize=1)
def known_keys() -> frozenset[str]:
    """Every key that can stand anywhere in a file."""
    found: set[str] = set(OLDER_KEYS)
    parts, seen = [ProcedureSpec], set()
    while parts:
        part = parts.pop()
        seen.add(part)
        found |= set(part.model_fields)
        inner = (part_of(field.annotation) for field in part.model_fields.values())
        parts += [row for row in inner if row and row not in seen]
    return frozenset(found)
