""" "Tôi cần gì?": three to five questions, then the papers, fees and times of this one person.

Nothing is stored: the answers stand in the address. Conditions are weighed by the code that
the wizard uses, so the checklist demands what the wizard would demand for the same answers;
what hangs on a question that was not answered is listed as depending on it.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.fees import WAIVED, FeeLine, claimable, fee_lines
from procedures.fees import exemptions as exemptions_of
from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.inwords import in_words
from procedures.formspec.spec import NO_WORDS, Field, Form
from procedures.formspec.webform import put, questions
from procedures.models import Fee, RequiredDocument, Revision
from procedures.presenting import (
    ORIGINAL_DUE,
    channel_groups,
    exemption_text,
    fee_text,
    fees_of,
    note_context,
    paper_name,
    prose,
    shorten_names,
)
from procedures.text import dong, lower_first
from procedures.worktime import Calendar, NoCalendar

MOST = 5
# What can be answered with one touch or one number, without telling who one is.
_ASKABLE = {"choice", "choices", "yes_no", "date", "number", "money", "gender"}
_EXEMPT = "dien"


# --- Which questions --------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """One numbered question of the page: a single one, or those of one section together."""

    title: str
    help: str
    paths: tuple[str, ...]


def blocks(revision: Revision) -> list[Block]:
    """The questions to ask, at most five: those of `ask_first`, else the most decisive ones."""
    named = revision.definition.get("ask_first") or []
    found = _named(revision, named) if named else _chosen(revision)
    return found[:MOST]


def _named(revision: Revision, names: list[str]) -> list[Block]:
    form, deciding = revision.form, decisive(revision)
    askable = _askable(form)
    found = []
    for name in names:
        section = form.section(name)
        paths = tuple(
            path
            for path in askable
            if path == name or (path.startswith(f"{name}.") and (path in deciding))
        )
        if paths and section:
            found.append(Block(section.title, section.help or "", paths))
        elif paths:
            found += [_block(form, path) for path in paths]
    return found


def _chosen(revision: Revision) -> list[Block]:
    form, weights = revision.form, decisive(revision)
    askable = _askable(form)
    picked: list[str] = []
    for path, _weight in weights.most_common():
        wanted = [p for p in (*_gates_before(path, askable), path) if p not in picked]
        if path in askable and len(picked) + len(wanted) <= MOST:
            picked += wanted
    return [_block(form, path) for path in askable if path in picked]


def _block(form: Form, path: str) -> Block:
    question = form.paths()[path]
    return Block(str(question.label or ""), question.help or "", (path,))


def _whens(form: Form) -> dict[str, tuple[str, ...]]:
    """Every question that has one answer, with the conditions under which it is asked."""
    found = {}
    for section in form.sections:
        if not section.repeat:
            for question in questions(section.fields):
                whens = (section.when, *question.whens) if section.when else question.whens
                found[f"{section.id}.{question.path}"] = whens
    return found


def _askable(form: Form) -> dict[str, tuple[str, ...]]:
    """Those of `_whens` that may be asked here."""
    types = {path: spec.type for path, spec in form.paths().items()}
    return {path: whens for path, whens in _whens(form).items() if types[path] in _ASKABLE}


def _gates_before(path: str, askable: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The questions whose answers decide whether this one is asked at all."""
    whens = askable.get(path, ())
    return [p for when in whens for p in conditions.paths(when) if p in askable and p != path]


def decisive(revision: Revision) -> Counter[str]:
    """Every question on which something hangs, by how much: another procedure weighs most."""
    weights: Counter[str] = Counter()
    definition = revision.definition

    def weigh(texts: Iterable[str | None], weight: int) -> None:
        for text in texts:
            for path in set(conditions.paths(text or "")):
                weights[path] += weight

    weigh((row.get("when") for row in definition.get("redirect", [])), 4)
    weigh((row.get("when") for row in definition.get("stop_online", [])), 3)
    weigh((row.when for row in revision.documents.all()), 2)
    for fee in revision.fees.all():
        weigh((fee.when, *(case["when"] for case in fee.alternatives)), 2)
        weights.update(path for path in (fee.times, fee.counted) if path)
    if definition.get("on_time"):
        weights[definition["on_time"]["start"]] += 1
    whens = _whens(revision.form)
    for path in list(weights):
        weigh(whens.get(path, ()), 1)
    return weights


# --- The page of questions --------------------------------------------------------------


class NeedsForm(forms.Form):
    """The questions as one form whose answers go into the address; none must be answered."""

    def __init__(self, revision: Revision, data: Mapping[str, Any] | None = None):
        self.revision, self.blocks = revision, blocks(revision)
        self.exemptions = {
            row.key: exemption_text(row.label, row.percent)
            for fee in revision.fees.all()
            for row in claimable(fee)
        }
        super().__init__(data)
        self.asked = {
            path: revision.form.paths()[path] for block in self.blocks for path in block.paths
        }
        for path, spec in self.asked.items():
            self.fields[_name(path)] = _input(spec)
        self._name_the_bare_ones()
        if self.exemptions:
            self.fields[_EXEMPT] = forms.ChoiceField(
                label=_("Ông/bà thuộc diện nào?"),
                help_text=_("Nhà nước miễn, giảm một số khoản thu cho những diện này."),
                choices=[("", _("Không thuộc diện nào")), *self.exemptions.items()],
                widget=forms.RadioSelect,
                required=False,
                error_messages={
                    "invalid_choice": gettext_lazy("Hãy chọn một trong các mục đã nêu.")
                },
            )
        if data is not None:
            for name in self.errors:
                if name in self.fields:
                    self.fields[name].widget.attrs["aria-invalid"] = "true"

    def _name_the_bare_ones(self) -> None:
        """Say whose day or number it is where a question stands without its section."""
        for block in self.blocks:
            path = block.paths[0]
            if len(block.paths) == 1 and self.asked[path].type in {"date", "number", "money"}:
                section = self.revision.form.section(path.partition(".")[0])
                field = self.fields[_name(path)]
                field.label = f"{section.title} – {lower_first(str(field.label))}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask, so that the checklist comes at once."""
        return not self.blocks

    def groups(self) -> list[dict[str, Any]]:
        """The inputs by numbered question, for the template."""
        found = [
            {
                "title": block.title,
                "help": block.help if len(block.paths) > 1 else "",
                "is_single": len(block.paths) == 1 and not self._is_tick(block.paths[0]),
                "inputs": [self._shown(path) for path in block.paths],
            }
            for block in self.blocks
        ]
        # It is asked on the checklist, where it is known whether it changes anything.
        if self.errors.get(_EXEMPT):
            bound = {"field": self[_EXEMPT], "when": "", "section": ""}
            found.append({"is_single": True, "inputs": [bound]})
        return found

    def given(self) -> list[tuple[str, str]]:
        """What stands in the address, of nothing but what the form knows."""
        return [
            (name, value.strip()[:60])
            for name in self.fields
            for value in dict.fromkeys(self._typed(name))
            if value.strip()
        ]

    def _typed(self, name: str) -> list[str]:
        """The values of an input that the form looks at: of one sent often, the last."""
        values = self.data.getlist(name)
        return values if isinstance(self.fields[name], forms.MultipleChoiceField) else values[-1:]

    def exemption_question(self, found: Checklist) -> dict[str, Any] | None:
        """The question on exemptions, where a charge that may apply has some."""
        keys = {key for way in found.ways for key in way["charges"]["exemptions"]}
        if not keys:
            return None
        choices = [(key, label) for key, label in self.exemptions.items() if key in keys]
        return {
            "label": self.fields[_EXEMPT].label,
            "help": self.fields[_EXEMPT].help_text,
            "choices": [("", _("Không thuộc diện nào")), *choices],
            "chosen": self.exemption,
            "others": [(name, value) for name, value in self.given() if name != _EXEMPT],
        }

    def _is_tick(self, path: str) -> bool:
        return isinstance(self.fields[_name(path)], forms.BooleanField)

    def _shown(self, path: str) -> dict[str, Any]:
        spec, section = self.asked[path], path.partition(".")[0]
        data = conditions.as_data(spec.when) if spec.when else None
        # The script hides at once what an answer beside it rules out.
        return {
            "field": self[_name(path)],
            "when": json.dumps(data) if data else "",
            "section": section,
        }

    def answers(self) -> dict[str, Any]:
        """What was answered, nested as the form is, without what those answers rule out."""
        given: dict[str, Any] = {}
        for path, spec in self.asked.items():
            value = self.cleaned_data.get(_name(path))
            answer = _answer(spec, value)
            if answer is not None:
                put(given, path, answer)
        return without_ruled_out(self.revision.form, given)

    @property
    def exemption(self) -> str:
        """The key of the exemption that the person claims; "" for none."""
        return self.cleaned_data.get(_EXEMPT, "")

    def summary(self) -> list[tuple[str, str]]:
        """Question and answer in words, for the head of the checklist."""
        answers = self.answers()
        rows = []
        for path, spec in self.asked.items():
            answer = conditions.lookup(answers, path)
            if answer is not None:
                rows.append((str(spec.label), type_of(spec).display(spec, answer)))
        if self.exemption:
            rows.append((_("Diện được miễn, giảm"), self.exemptions[self.exemption]))
        return rows


def _name(path: str) -> str:
    """`be.ngay_sinh` as the name of an input: the section is its prefix, as in the wizard."""
    return path.replace(".", "-", 1)


def _input(spec: Field) -> forms.Field:
    if _is_tick(spec):
        made: forms.Field = forms.BooleanField()
    else:
        [made] = type_of(spec).inputs(spec).values()
    made.required = False
    made.label, made.help_text = spec.label, spec.help or ""
    if spec.type == "date" and not spec.help:
        made.help_text = _("Ngày/tháng/năm, ví dụ 05/02/2026")
    if spec.default and not _is_tick(spec):
        made.initial = "yes" if spec.type == "yes_no" else spec.default
    made.is_demanded = True  # the template marks nothing as optional: every answer is
    return made


def _is_tick(spec: Field) -> bool:
    """A yes-or-no question that is usually answered no: one box to tick."""
    return spec.type == "yes_no" and spec.default in NO_WORDS


def _answer(spec: Field, value: Any) -> Any:
    if _is_tick(spec):
        return "yes" if value else "no"
    return type_of(spec).to_answer({"": value})


# --- What is still open -----------------------------------------------------------------


def is_open(form: Form, answers: Mapping[str, Any]) -> Callable[[str], bool]:
    """A function that says of a path whether it may still be answered.

    It is closed by an answer, and by answers that rule the question out.
    """
    whens = _whens(form)
    busy: set[str] = set()

    def answer_may_come(path: str) -> bool:
        if path not in whens or conditions.lookup(answers, path) is not None:
            return False
        if path in busy:  # conditions that lead back to their own question
            return True
        busy.add(path)
        try:
            verdicts = [conditions.verdict(when, answers, answer_may_come) for when in whens[path]]
        finally:
            busy.discard(path)
        return False not in verdicts

    return answer_may_come


def without_ruled_out(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers without those to questions that the others rule out, as the wizard keeps them."""
    whens = _whens(form)
    given = dict(answers)
    while True:
        open_path = is_open(form, given)
        kept: dict[str, Any] = {}
        for path, conditions_on_it in whens.items():
            answer = conditions.lookup(given, path)
            if answer is not None and not any(
                conditions.verdict(when, given, open_path) is False for when in conditions_on_it
            ):
                put(kept, path, answer)
        if kept == given:
            return kept
        given = kept


# --- The checklist ----------------------------------------------------------------------


@dataclass
class Checklist:
    """What one person needs: `papers` for sure, `maybe` by an answer that is still open."""

    redirect: dict[str, Any] | None = None
    maybe_redirects: list[dict[str, Any]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    papers: list[dict[str, Any]] = field(default_factory=list)
    maybe: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[list[dict[str, Any]]] = field(default_factory=list)
    originals: list[dict[str, Any]] = field(default_factory=list)
    maybe_originals: list[dict[str, Any]] = field(default_factory=list)
    ways: list[dict[str, Any]] = field(default_factory=list)
    charges: dict[str, Any] | None = None
    deadline: dict[str, Any] | None = None


def checklist(
    revision: Revision,
    answers: Mapping[str, Any],
    *,
    exemption: str = "",
    now: datetime.datetime | None = None,
) -> Checklist:
    """What `answers` (pruned, perhaps partial) lead to when one files at `now`."""
    now = now or timezone.now()
    weigh = _Weighing(revision, answers, now)
    found = Checklist()
    for row in revision.definition.get("redirect", []):
        verdict = weigh(row["when"])
        if verdict is None:
            found.maybe_redirects.append({**row, "when": in_words(row["when"], revision.form)})
        elif verdict and found.redirect is None:
            found.redirect = row
    found.stops = [
        row["text"] for row in revision.definition.get("stop_online", []) if weigh(row["when"])
    ]
    for row in revision.documents.all():
        _add_document(found, row, weigh)
    shorten_names(found.groups)
    found.originals, found.maybe_originals = (
        [row for row in rows if row["key_due"] == "before_result"]
        for rows in (found.papers, found.maybe)
    )
    found.ways = _ways(revision, weigh, exemption)
    if found.ways and all(way["charges"] == found.ways[0]["charges"] for way in found.ways):
        found.charges = found.ways[0]["charges"]
    found.deadline = _deadline(revision, answers, timezone.localdate(now))
    return found


class _Weighing:
    """Conditions of one revision under answers that may be partial."""

    def __init__(self, revision: Revision, answers: Mapping[str, Any], now: datetime.datetime):
        self.revision, self.answers, self.now = revision, answers, now
        self.is_open = is_open(revision.form, answers)

    def __call__(self, when: str) -> bool | None:
        return conditions.verdict(when, self.answers, self.is_open, filed=self.now)


def _add_document(found: Checklist, row: RequiredDocument, weigh: _Weighing) -> None:
    verdict = weigh(row.when)
    if verdict is False:
        return
    if row.how == RequiredDocument.How.REMARK:
        found.remarks.append(prose(row.name))
        return
    paper = {
        "key": row.key,
        "name": paper_name(row.name),
        "how": row.how,
        "originals": row.originals,
        "copies": row.copies,
        "key_due": row.original_due if row.originals else "",
        "original": ORIGINAL_DUE.get(row.original_due, "") if row.originals else "",
        "is_optional": row.is_optional,
        "help": row.help,
        "note": row.note,
        "law": row.law,
        "when": in_words(row.when, weigh.revision.form) if verdict is None else "",
    }
    if verdict is None:
        found.maybe.append(paper)
    elif row.group:
        _group(found, row.group).append(paper)
    else:
        found.papers.append(paper)


def _group(found: Checklist, name: str) -> list[dict[str, Any]]:
    """The papers of one case of a procedure that has no form to ask which case it is."""
    for group in found.groups:
        if group["name"] == name:
            return group["papers"]
    found.groups.append({"name": name, "papers": []})
    return found.groups[-1]["papers"]


def _ways(revision: Revision, weigh: _Weighing, exemption: str) -> list[dict[str, Any]]:
    return [
        {**way, "charges": _charges(revision, way["key"], weigh, exemption)}
        for way in channel_groups(revision)
    ]


def _charges(revision: Revision, kind: str, weigh: _Weighing, exemption: str) -> dict[str, Any]:
    """The charges of one way to file: those that are sure with their sum, and those that hang.

    `total` is None where no sum can be told: an amount is unknown, or the charges come from
    the national catalogue, which lists those of different cases side by side.
    """
    granted = {fee.key: exemption for fee in revision.fees.all()}
    found = fee_lines(revision, weigh.answers, channel=kind, filed=weigh.now, granted=granted)
    lines = {line.key: line for line in found}
    sure, maybe, total, is_provisional = [], [], 0, False
    exemptions: dict[str, str] = {}
    for fee in fees_of(revision, kind):
        verdict = weigh(fee.when)
        if verdict is False:
            continue
        exemptions |= {row.key: row.label for row in claimable(fee)}
        unanswered = [path for path in _asked_by(fee) if weigh.is_open(path)]
        if verdict is None or unanswered:
            maybe.append(_hanging(fee, revision, verdict, unanswered))
        elif line := lines.get(fee.key):
            shown = _line(fee, line, channel=kind)
            sure.append(shown)
            if not shown["is_waived"]:
                known = line.amount is not None and (line.amount or fee.is_confirmed)
                total = total + line.amount if known and total is not None else None
                is_provisional = is_provisional or not fee.is_confirmed
    are_cases = revision.origin == Revision.Origin.NATIONAL and len(sure) > 1
    return {
        "lines": sure,
        "maybe": maybe,
        "exemptions": exemptions,
        "are_cases": are_cases,
        "is_none": not sure and not maybe,
        "total": "" if total is None or are_cases or not sure else dong(total),
        "is_unknown": bool(sure) and total is None,
        "is_provisional": is_provisional,
        "is_exempt": any(line["is_exempt"] for line in sure),
    }


def _asked_by(fee: Fee) -> list[str]:
    whens = [path for case in fee.alternatives for path in conditions.paths(case["when"])]
    return [*whens, *(path for path in (fee.times, fee.counted) if path)]


def _hanging(
    fee: Fee, revision: Revision, verdict: bool | None, unanswered: list[str]
) -> dict[str, Any]:
    form = revision.form
    labels = [str(form.paths()[path].label) for path in dict.fromkeys(unanswered)]
    when = in_words(fee.when, form) if verdict is None else ""
    return {"name": fee.name, "text": fee_text(fee), "when": when, "by": "; ".join(labels)}


def _line(fee: Fee, line: FeeLine, *, channel: str) -> dict[str, Any]:
    is_automatic = bool(line.exemption) and not _is_claimed(fee, line, channel)
    is_exempt = bool(line.exemption) and not is_automatic
    is_waived = is_exempt and line.percent == WAIVED
    if is_waived:
        text = _("Miễn, sau khi cơ quan xác nhận ông/bà thuộc diện được miễn")
    elif line.amount is None or (line.amount == 0 and not fee.is_confirmed):
        text = _("Chưa xác định (tạm tính); cơ quan sẽ thông báo")
    elif fee.is_confirmed:
        text = dong(line.amount)
    else:
        text = _("%(amount)s (tạm tính)") % {"amount": dong(line.amount)}
    return {
        "reduced": _reduced(line, is_exempt=is_exempt) if not is_waived else "",
        "is_waived": is_waived,
        "name": line.name,
        "text": text,
        "quantity": _quantity(line),
        "due": fee.get_due_display(),
        "source": fee.source,
        **note_context(fee.note),
        "is_exempt": is_exempt,
        "law": line.exemption_law if is_waived else "",
    }


def _is_claimed(fee: Fee, line: FeeLine, channel: str) -> bool:
    """Whether what is taken off has to be claimed: it is not that of the way to file."""
    rows = (row for row in exemptions_of(fee) if row.label == line.exemption)
    return any(row.automatic != channel for row in rows)


def _reduced(line: FeeLine, *, is_exempt: bool) -> str:
    """What was taken off and why; "" for nothing."""
    if not line.exemption:
        return ""
    values = {"percent": line.percent, "why": line.exemption}
    if is_exempt:
        text = _("Giảm %(percent)d%% (%(why)s), sau khi cơ quan xác nhận.")
    else:
        text = _("Đã giảm %(percent)d%% (%(why)s).")
    said = [text % values]
    if line.full_amount is not None:
        said.append(_("Mức thu đầy đủ: %(full)s.") % {"full": dong(line.full_amount)})
    if line.exemption_law:
        said.append(_("Căn cứ: %(source)s.") % {"source": line.exemption_law})
    return " ".join(said)


def _quantity(line: FeeLine) -> str:
    """How much is asked for, or how often; "" where the price is asked once."""
    if line.unit:
        return f"{line.quantity} {line.unit}"
    if line.quantity == 1:
        return ""
    price = f" × {dong(line.unit_amount)}" if line.unit_amount else ""
    return f"{line.quantity}{price}"


def _deadline(
    revision: Revision, answers: Mapping[str, Any], today: datetime.date
) -> dict[str, Any] | None:
    """The citizen's own limit, and its last day where the answers give the first one.

    A last day on which offices are closed moves to the next working day (Civil Code 2015,
    article 148).
    """
    limit = revision.definition.get("on_time")
    if not limit:
        return None
    start = conditions.lookup(answers, limit["start"])
    found = {"text": limit["text"], "day": None, "is_past": False}
    if start:
        last = datetime.date.fromisoformat(start) + datetime.timedelta(days=limit["days"])
        try:
            found["day"] = Calendar.load().on_or_after(last)
        except NoCalendar:
            found["day"] = last
        found["is_past"] = found["day"] < today
    return found
