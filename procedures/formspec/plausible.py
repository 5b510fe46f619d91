"""What looks odd about a person without being wrong: a number that tells another birth or sex.

Whoever was given a number under a wrong date, or whose sex was changed, is right
nevertheless; so this is said before filing, and never refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from procedures.formspec import numbers

if TYPE_CHECKING:
    from procedures.formspec.spec import Field

_BORN = "ngay_sinh"
_SEXES = {"nam": True, "nu": False}


def oddities(fields: list[Field], row: Mapping[str, Any], whose: str) -> Iterator[str]:
    """Sentences on each personal number in `row` that its own day of birth or sex belies.

    Own is what stands in the same group: the question `ngay_sinh`, and one of type
    `gender`. `whose` says of whom it is in words ("Em bé", "Người làm chứng 2").
    """
    for field in fields:
        answer = row.get(field.id)
        if field.type == "group" and isinstance(answer, Mapping):
            yield from oddities(field.fields, answer, field.label or whose)
        elif field.type == "citizen_number" and isinstance(answer, str):
            yield from _of_number(answer, fields, row, f"{whose} – {field.label}")


def _of_number(
    number: str, fields: list[Field], row: Mapping[str, Any], label: str
) -> Iterator[str]:
    told = numbers.told_by(number)
    if told is None:
        return
    born = next((row.get(row_.id) for row_ in fields if row_.id == _BORN), None)
    if isinstance(born, str) and born[:4].isdigit() and int(born[:4]) != told.year:
        yield _(
            "“%(label)s” là số của người sinh năm %(told)d, nhưng ngày sinh ông/bà khai là năm "
            "%(said)s; hãy xem lại cả hai trước khi nộp."
        ) % {"label": label, "told": told.year, "said": born[:4]}
    sex = next((row.get(row_.id) for row_ in fields if row_.type == "gender"), None)
    if sex in _SEXES and _SEXES[sex] != told.is_male:
        yield _(
            "“%(label)s” là số của %(told)s, khác với giới tính ông/bà khai; hãy xem lại cả hai "
            "trước khi nộp."
        ) % {"label": label, "told": _("nam") if told.is_male else _("nữ")}
