"""Coded lists that forms offer: genders, ethnic groups, nationalities, communes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from babel import Locale
from django.utils.translation import gettext_lazy as _

from procedures.text import fold

GENDERS = {"nam": _("Nam"), "nu": _("Nữ"), "khac": _("Giới tính khác")}

# The 54 ethnic groups of Việt Nam, by number of people (the statistics office's order).
ETHNIC_GROUPS = (
    "Kinh", "Tày", "Thái", "Mường", "Mông", "Khmer", "Nùng", "Dao", "Hoa", "Gia Rai", "Ê Đê",
    "Ba Na", "Xơ Đăng", "Sán Chay", "Cơ Ho", "Sán Dìu", "Chăm", "Hrê", "Ra Glai", "Mnông",
    "Xtiêng", "Bru Vân Kiều", "Thổ", "Khơ Mú", "Cơ Tu", "Giáy", "Gié Triêng", "Tà Ôi", "Mạ",
    "Co", "Chơ Ro", "Xinh Mun", "Hà Nhì", "Chu Ru", "Lào", "Kháng", "La Chí", "Phù Lá", "La Hủ",
    "La Ha", "Pà Thẻn", "Chứt", "Lự", "Lô Lô", "Mảng", "Cờ Lao", "Bố Y", "Cống", "Ngái",
    "Si La", "Pu Péo", "Rơ Măm", "Brâu", "Ơ Đu",
)  # fmt: skip


class Commune(NamedTuple):
    """A commune of 2025 (xã, phường, đặc khu): its code, and its name with the province's."""

    code: str
    name: str
    province: str

    def __str__(self) -> str:
        return f"{self.name}, {self.province}"


@lru_cache(maxsize=1)
def ethnic_groups() -> dict[str, str]:
    """Name -> name."""
    return {name: name for name in ETHNIC_GROUPS}


@lru_cache(maxsize=1)
def nationalities() -> dict[str, str]:
    """ISO 3166 code -> Vietnamese name, Việt Nam first, the rest in Vietnamese order."""
    names = {
        code: name
        for code, name in Locale("vi").territories.items()
        if len(code) == 2
        and code.isalpha()
        and code not in {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}
    }
    rest = sorted((fold(name), code) for code, name in names.items() if code != "VN")
    codes = ["VN", *(code for _folded, code in rest)]
    return {code: names[code] for code in codes}


@lru_cache(maxsize=1)
def communes() -> dict[str, Commune]:
    """Every commune by its five-digit code."""
    from vietnam_provinces import Province, Ward

    provinces = {province.code: str(province) for province in Province.iter_all()}
    return {
        f"{int(ward.code):05d}": Commune(
            f"{int(ward.code):05d}", str(ward.name), provinces[ward.province_code]
        )
        for ward in Ward.iter_all()
    }


@lru_cache(maxsize=1)
def _by_folded_name() -> dict[str, list[Commune]]:
    found: dict[str, list[Commune]] = {}
    for commune in communes().values():
        bare = commune.name.split(" ", 1)[-1].removeprefix("khu ")
        for name in {commune.name, bare}:
            found.setdefault(fold(name), []).append(commune)
    return found


def find_communes(text: str) -> list[Commune]:
    """The communes that a typed text can mean: `gio linh`, `Xã Gio Linh, Quảng Trị`.

    Accents and the word for the kind of unit do not matter. What follows the last comma
    or dash is the province, which narrows several of one name down; without a comma the
    last words may be it. An empty list means that there is no such place.
    """
    name, *between = (part.strip() for part in re.split(r",| - ", fold(text)))
    if between:
        return _in_province(name, between[-1])
    words = name.split()
    splits = ((" ".join(words[:i]), " ".join(words[i:])) for i in range(len(words) - 1, 0, -1))
    with_province = (_in_province(*split) for split in splits)
    return _in_province(name, "") or next((found for found in with_province if found), [])


def _in_province(name: str, province: str) -> list[Commune]:
    wanted = re.sub(r"^(tinh|thanh pho|tp\.?) ", "", province)
    candidates = _by_folded_name().get(name, [])
    return [row for row in candidates if wanted in fold(row.province)]


def commune_suggestions(codes: list[str]) -> list[str]:
    """The communes of the provinces in which these communes lie, offered while typing."""
    known = communes()
    return [
        name
        for province in dict.fromkeys(known[code].province for code in codes if code in known)
        for name in _communes_of(province)
    ]


@lru_cache(maxsize=34)
def _communes_of(province: str) -> tuple[str, ...]:
    return tuple(str(row) for row in communes().values() if row.province == province)
