"""What a procedure file may say, as one schema."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from procedures.formspec.spec import Key, Section, Strict, Text, Whole, Words, YesNo

Code = Annotated[str, StringConstraints(pattern=r"^[1-9]\.\d{6}$")]
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
            raise PydanticCustomError("day", "date", {"given": str(value)}) from None


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
    """`same_day`, `3 working_days`, `2 hours`, `10 days`, or `text`."""
    match = re.fullmatch(r"same_day|text|(\d{1,4}) (working_day|day|hour)s?", str(value).strip())
    if not match:
        raise PydanticCustomError("duration", "duration", {"given": str(value)})
    return str(value).strip()


Day = Annotated[datetime.date, BeforeValidator(_day)]
Hour = Annotated[str, BeforeValidator(_hour)]
Amount = Annotated[Annotated[Whole, pydantic.Field(le=10**12)] | None, BeforeValidator(_amount)]
Duration = Annotated[str, BeforeValidator(_duration)]


class Office(Strict):
    """Which tier handles it, and the answer by which the office is chosen."""

    tier: Tier
    choose: Line | None = None


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
    """One way to file, and its time."""

    type: Literal["online", "direct", "postal"]
    time: Duration
    cut_off: Hour | None = None
    clock_starts: Literal["filing", "acceptance"] = "acceptance"
    note: Text | None = None


class Supplement(Strict):
    """What a supplement does to the clock, and how long the citizen has."""

    clock: Literal["restart", "pause"] = "restart"
    citizen_days: Count | None = None
    source: Text | None = None


class FeeSpec(Strict):
    """One charge."""

    id: Key
    name: Line
    when: Condition | None = None
    channels: list[Literal["online", "direct", "postal"]] = []
    amount: Amount
    per: Number | None = None
    times: Path | None = None
    pay: Literal["at_filing", "after_acceptance", "at_collection"]
    source: Line
    confirmed: YesNo = False
    refundable: YesNo = False
    exempt: dict[Key, Text] = {}
    exempt_law: Line | None = None


class DocumentSpec(Strict):
    """One paper of the dossier."""

    id: Key
    name: Text
    how: Literal["submit", "show", "portal"]
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

    name: Line
    made_in: Text
    record: list[Key] = []
    give_by: list[Literal["counter", "post", "online"]] = ["counter"]
    template: Template | None = None


class Law(Strict):
    """A law on which the procedure stands."""

    number: Number | None = None
    title: Text


class ProcedureSpec(Strict):
    """A procedure file, whole."""

    code: Code
    name: Text
    short_name: Line
    also_called: Words = []
    summary: Text | None = None
    field: Line
    life_events: list[Slug] = []
    audience: Words
    conditions: Words = []
    decision: Number
    effective_from: Day
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
    channels: Annotated[list[ChannelSpec], pydantic.Field(min_length=1)]
    supplement: Supplement = Supplement()
    fees: list[FeeSpec] = []
    documents: list[DocumentSpec] = []
    steps: list[Step]
    result: ResultSpec
    legal_basis: Annotated[list[Law], pydantic.Field(min_length=1)]
    ask_first: list[Text] = []
    form: list[Section] = []
