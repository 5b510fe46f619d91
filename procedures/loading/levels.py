"""Which service level a procedure reaches, and what it lacks for the next ones.

The levels are those of NĐ 43/2011/NĐ-CP art. 3 and TT 32/2017/TT-BTTTT art. 5; each one
contains those below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.translation import gettext as _

from procedures.loading.schema import FeeSpec, ProcedureSpec
from procedures.loading.sentences import missing_key

LEVELS = (1, 2, 3, 4)
FEWEST_FIRST_QUESTIONS = 3


class Lack(NamedTuple):
    """One thing that a level demands and the definition does not have."""

    level: int
    path: tuple
    message: str
    """As a refusal, for a file that declares the level."""
    advice: str
    """As a step towards the level: `thêm kênh online …`."""


@dataclass(frozen=True)
class LevelReport:
    """The level that a definition reaches (0 to 4), the one it declares, and the way up.

    `missing` says for each level above the reached one what it still needs of its own;
    `notes` are said beside the level and keep nothing from being published.
    """

    reached: int
    declared: int
    missing: dict[int, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report in sentences, for a command or a page."""
        said = [_("Khai mức độ %(level)d.") % {"level": self.declared}]
        if self.reached != self.declared:
            said = [
                _("Khai mức độ %(declared)d, đã đủ cho mức độ %(reached)d.")
                % {"declared": self.declared, "reached": self.reached}
            ]
        for level, steps in self.missing.items():
            said.append(
                _("Để lên mức độ %(level)d: %(steps)s.")
                % {"level": level, "steps": "; ".join(steps)}
            )
        return said + self.notes


def report(spec: ProcedureSpec) -> LevelReport:
    """The level that `spec` reaches, and what is missing for each level above it."""
    missing: dict[int, list[str]] = {}
    for lack in lacks(spec):
        missing.setdefault(lack.level, []).append(lack.advice)
    reached = next((level - 1 for level in LEVELS if level in missing), LEVELS[-1])
    return LevelReport(reached, spec.service_level, missing, list(_notes(spec)))


def lacks(spec: ProcedureSpec) -> Iterator[Lack]:
    """Everything that some level demands and `spec` does not have, from level 1 up."""
    yield from _lacks_of_level_1(spec)
    if not spec.form:
        yield Lack(
            2,
            ("service_level",),
            _("Mức độ 2 trở lên phải có form (mẫu đơn để tải về)."),
            _("thêm form (các câu hỏi của tờ khai) để cổng làm mẫu đơn cho người dân tải về"),
        )
    if "online" not in {row.type for row in spec.channels}:
        yield Lack(
            3,
            ("service_level",),
            _("Mức độ 3 trở lên phải có kênh online và online: partial hoặc full."),
            _("thêm kênh online vào channels, ví dụ {type: online, time: 3 working_days}"),
        )
    elif spec.online == "none":
        yield Lack(
            3,
            ("online",),
            _("Mức độ 3 trở lên phải ghi online: partial hoặc online: full."),
            _("ghi online: full (toàn trình), hoặc online: partial kèm partial_reason"),
        )
    yield from _lacks_of_level_4(spec)


def _lacks_of_level_1(spec: ProcedureSpec) -> Iterator[Lack]:
    """The items of TT 32/2017 art. 5 that the schema alone does not demand.

    Name, office, result and level are keys that no file can leave out; forms, conditions
    and fees may truly be none.
    """
    has = {
        "audience": (spec.audience, _("thêm audience: những ai được làm thủ tục này")),
        "channels": (spec.channels, _("thêm channels: nộp bằng cách nào, trong bao lâu")),
        "documents": (spec.documents, _("thêm documents: phải nộp, phải xuất trình giấy tờ gì")),
        "steps": (
            spec.steps or spec.steps_text,
            _("thêm steps hoặc steps_text: các bước giải quyết"),
        ),
        "legal_basis": (spec.legal_basis, _("thêm legal_basis: số hiệu và tên văn bản làm căn cứ")),
        "decision": (spec.decision, _("thêm decision: số quyết định công bố thủ tục")),
        "effective_from": (spec.effective_from, _("thêm effective_from: ngày bắt đầu áp dụng")),
    }
    for key, (given, advice) in has.items():
        if not given:
            yield Lack(1, (key,), missing_key(ProcedureSpec, key), advice)


def _lacks_of_level_4(spec: ProcedureSpec) -> Iterator[Lack]:
    for index, fee in enumerate(spec.fees):
        if not _is_due_online(fee):
            continue
        if not fee.when and not (is_priced(fee) and fee.confirmed):
            yield Lack(
                4,
                ("fees", index),
                _(
                    "Mức độ 4 phải trả được phí trực tuyến, nhưng “%(name)s” chưa có mức thu "
                    "đã kiểm tra (amount và confirmed: yes)."
                )
                % {"name": fee.name},
                _("ghi mức thu của “%(name)s” và confirmed: yes khi đã kiểm tra văn bản")
                % {"name": fee.name},
            )
        if fee.pay == "at_collection":
            yield Lack(
                4,
                ("fees", index),
                _(
                    "Mức độ 4 phải trả được phí trực tuyến, nhưng “%(name)s” chỉ thu "
                    "khi nhận kết quả."
                )
                % {"name": fee.name},
                _("cho nộp “%(name)s” trực tuyến: pay: at_filing hoặc pay: after_acceptance")
                % {"name": fee.name},
            )
    if "online" not in spec.result.give_by:
        yield Lack(
            4,
            ("result",),
            _("Mức độ 4 phải trả được kết quả trực tuyến (give_by có online)."),
            _("cho nhận kết quả trực tuyến: thêm online vào give_by của result"),
        )


def _is_due_online(fee: FeeSpec) -> bool:
    is_free = any(row.automatic and row.reduce in {None, 100} for row in fee.exempt.values())
    return not is_free and (not fee.channels or "online" in fee.channels)


def is_priced(fee: FeeSpec) -> bool:
    """Whether the law says how much, for every case that it knows."""
    known = fee.amount is not None or bool(fee.tiers)
    return known and all(case.amount is not None for case in fee.alternatives)


def _notes(spec: ProcedureSpec) -> Iterator[str]:
    """What is not wrong and worth knowing."""
    if spec.form and len(spec.ask_first) < FEWEST_FIRST_QUESTIONS:
        yield _(
            "Lưu ý: ask_first nên có 3 đến 5 câu hỏi, để người dân biết trước mình cần gì; "
            "đang có %(count)d."
        ) % {"count": len(spec.ask_first)}
    if spec.service_level >= 3:
        yield from _notes_on_fees(spec)


def _notes_on_fees(spec: ProcedureSpec) -> Iterator[str]:
    """What an unconfirmed fee means to those who file online (the counter stays open)."""
    for fee in spec.fees:
        if not _is_due_online(fee) or (is_priced(fee) and fee.confirmed):
            continue
        if fee.when:
            yield _(
                "Lưu ý: “%(name)s” chỉ thu trong một số trường hợp và chưa có mức thu đã kiểm "
                "tra; gặp trường hợp đó thì chưa nộp trực tuyến được khoản này."
            ) % {"name": fee.name}
        elif fee.pay == "at_filing":
            yield _(
                "Lưu ý: “%(name)s” phải nộp khi nộp hồ sơ mà chưa có mức thu đã kiểm tra, nên "
                "cổng tạm đóng việc nộp trực tuyến; vẫn nộp được tại quầy."
            ) % {"name": fee.name}
