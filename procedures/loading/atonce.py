"""`at_once`: whether the counter may record a procedure together with its result."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from procedures.formspec import conditions
from procedures.formspec.spec import Field, Form
from procedures.loading.content import Finding
from procedures.loading.schema import FeeSpec, ProcedureSpec

# What reception answers with one number, one choice or a few words while the person waits.
ASKED_QUICKLY = ("number", "choice", "yes_no", "text")


def findings(spec: ProcedureSpec) -> Iterator[Finding]:
    """Everything that keeps `at_once` from being possible, and what it leaves unasked."""
    if not spec.at_once:
        if spec.ask_at_once:
            yield Finding(("ask_at_once",), _("ask_at_once chỉ dùng cùng với at_once: yes."))
        return
    yield from _way(spec)
    yield from _questions(spec)
    yield from _fees(spec)


def _way(spec: ProcedureSpec) -> Iterator[Finding]:
    direct = [row for row in spec.channels if row.type == "direct"]
    if not any(row.time == "same_day" for row in direct):
        message = _("at_once: yes cần cách nộp trực tiếp (direct) có time: same_day.")
        yield Finding(("at_once",), message)
    if spec.result.made_in == "portal" or "counter" not in spec.result.give_by:
        message = _("at_once: yes chỉ dùng khi kết quả là giấy lập ngoài cổng và trả tại quầy.")
        yield Finding(("at_once",), message)


def _questions(spec: ProcedureSpec) -> Iterator[Finding]:
    known = Form(spec.form).paths()
    repeated = {section.id for section in spec.form if section.repeat}
    for index, path in enumerate(spec.ask_at_once):
        field = known.get(path)
        if field is None:
            if _is_part(path, known):
                message = _("“%(path)s” là một mục; hãy ghi từng câu hỏi.") % {"path": path}
                yield Finding(("ask_at_once", index), message)
        elif field.type not in ASKED_QUICKLY or path.partition(".")[0] in repeated:
            message = _("Nhập nhanh không hỏi được “%(path)s”: chỉ hỏi số, lựa chọn hay vài chữ.")
            yield Finding(("ask_at_once", index), message % {"path": path})


def _is_part(path: str, known: dict[str, Field]) -> bool:
    return any(name.startswith(f"{path}.") for name in known)


def _fees(spec: ProcedureSpec) -> Iterator[Finding]:
    """A fee that hangs on a question nobody asks would silently not be taken."""
    for index, fee in enumerate(spec.fees):
        if fee.channels and "direct" not in fee.channels:
            continue
        for path in dict.fromkeys(_hangs_on(fee)):
            if path not in spec.ask_at_once:
                message = _("Phí “%(fee)s” tính theo “%(path)s”; ask_at_once phải hỏi câu này.")
                yield Finding(("fees", index), message % {"fee": fee.name, "path": path})


def _hangs_on(fee: FeeSpec) -> Iterator[str]:
    for path in (fee.times, fee.counted):
        if path:
            yield path
    for text in (fee.when, *(case.when for case in fee.alternatives)):
        if text and _is_readable(text):
            yield from conditions.paths(text)


def _is_readable(text: str) -> bool:
    try:
        conditions.parse(text)
    except conditions.ConditionError:
        return False
    return True
