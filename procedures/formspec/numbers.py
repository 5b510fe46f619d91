"""The numbers that people and businesses go by: how they are built, and what they tell."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from stdnum.vn import mst

# Longer than any of these numbers in any spelling; what is longer is not even looked at.
LONGEST = 40
_BETWEEN = re.compile(r"[\s.-]")
# How the portal's own dossier codes are built: office, day, serial with its check character.
_DOSSIER_CODE = re.compile(r"[A-Z0-9.]{3,20}-[0-9]{6,8}-[0-9A-Z]{4,20}")


class Told(NamedTuple):
    """What a personal number says of its holder."""

    is_male: bool
    year: int


def compact(value: str) -> str:
    """The number without the spaces, dots and hyphens that people write into it."""
    return _BETWEEN.sub("", value)


def check_citizen_number(value: str, *, takes_old: bool = False) -> None:
    """Raise `ValidationError` unless the number is built as DOMAIN.md 5 says.

    Twelve digits: province of birth registration (001–096), century and sex (0–3 for those
    born from 1900 to 2099), two digits of the year, six at random; there is no check
    digit. With `takes_old` also the nine digits of the identity cards before 2016.
    """
    if takes_old and re.fullmatch(r"[0-9]{9}", value):
        return
    if not re.fullmatch(r"[0-9]{12}", value):
        message = _("Số định danh cá nhân gồm đúng 12 chữ số; ông/bà đã nhập %(count)d ký tự.")
        if takes_old:
            message = _(
                "Số định danh cá nhân gồm 12 chữ số, số chứng minh nhân dân cũ gồm 9 chữ số; "
                "ông/bà đã nhập %(count)d ký tự."
            )
        raise ValidationError(message % {"count": len(value)})
    if not 1 <= int(value[:3]) <= 96:
        raise ValidationError(_("Ba số đầu phải là mã tỉnh, từ 001 đến 096; hãy kiểm tra lại."))
    if value[3] not in "0123":
        raise ValidationError(
            _("Chữ số thứ tư (thế kỷ sinh và giới tính) phải từ 0 đến 3; hãy kiểm tra lại.")
        )


def told_by(number: str) -> Told | None:
    """Sex and year of birth in a twelve-digit personal number; None for any other."""
    if not re.fullmatch(r"[0-9]{12}", number) or number[3] not in "0123":
        return None
    century, sex = divmod(int(number[3]), 2)
    return Told(sex == 0, 1900 + 100 * century + int(number[4:6]))


def tax_code(value: str) -> str:
    """A tax code in its usual spelling: `0100109106`, `0312687878-001`, or a personal number.

    Ten digits with a check digit, of a branch three more behind a hyphen; since 1/7/2025
    persons and household businesses go by their twelve-digit personal number (DOMAIN.md
    5). Raises `ValidationError`.
    """
    digits = compact(value)
    if len(digits) == 12:
        check_citizen_number(digits)
        return digits
    if not re.fullmatch(r"[0-9]{10}|[0-9]{13}", digits):
        raise ValidationError(
            _("Mã số thuế gồm 10 chữ số (đơn vị phụ thuộc thêm gạch ngang và 3 chữ số), hoặc là "
              "số định danh cá nhân 12 chữ số.")
        )  # fmt: skip
    if not mst.is_valid(digits):
        raise ValidationError(_("Mã số thuế chưa đúng: có chữ số bị gõ sai; hãy xem lại từng số."))
    return mst.format(digits)


def dossier_code(value: str) -> str:
    """A dossier's code as it is printed: upper case, without spaces; `ValidationError` if none."""
    code = re.sub(r"\s", "", value).upper()
    if not _DOSSIER_CODE.fullmatch(code):
        raise ValidationError(
            _("Mã hồ sơ chưa đúng; hãy ghi như trên giấy hẹn, ví dụ: %(example)s.")
            % {"example": "QT.GL-20261124-00017K"}
        )
    return code
