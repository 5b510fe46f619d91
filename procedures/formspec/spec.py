"""What YAML may say about a form: sections, fields, conditions, repeats.

Every scalar arrives as text (`loading.yamltext`) and is converted here, so `2.000720`,
`8.000`, `15:00`, `no` and a leading zero mean what their writer meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel, StringConstraints
from pydantic_core import PydanticCustomError

from procedures.text import normalise

YES_WORDS = {"yes", "co", "có", "true"}
NO_WORDS = {"no", "khong", "không", "false"}


def _yes_no(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in YES_WORDS:
        return True
    if word in NO_WORDS:
        return False
    raise PydanticCustomError("yes_no", "yes/no", {"given": word})


def _whole(value: Any) -> Any:
    """`8.000` is eight thousand: the dot is the Vietnamese thousands mark."""
    if isinstance(value, int):
        return value
    text = str(value).strip()
    if re.fullmatch(r"\d{1,3}(\.\d{3})+", text):
        text = text.replace(".", "")
    if not re.fullmatch(r"\d+", text):
        raise PydanticCustomError("whole_number", "number", {"given": text})
    return int(text)


def _words(value: Any) -> Any:
    """One text, or a list of them."""
    return [value] if isinstance(value, str) else value


YesNo = Annotated[bool, BeforeValidator(_yes_no)]
Whole = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[
    str,
    BeforeValidator(lambda value: normalise(value) if isinstance(value, str) else value),
    StringConstraints(strip_whitespace=True, min_length=1),
]
Words = Annotated[list[Text], BeforeValidator(_words)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

FieldType = Literal[
    "text",
    "long_text",
    "name",
    "number",
    "money",
    "date",
    "time",
    "choice",
    "choices",
    "yes_no",
    "declaration",
    "citizen_number",
    "phone",
    "email",
    "gender",
    "ethnicity",
    "nationality",
    "address",
    "tax_code",
    "dossier",
    "coded",
    "attachment",
    "explanation",
    "person",
    "group",
]

# What a question of type `person` may ask, as `include` names it; the first four are asked
# where nothing is named. The wording is that of the civil status forms.
PERSON_PARTS: dict[str, dict[str, str]] = {
    "ho_ten": {"type": "name", "label": "Họ, chữ đệm, tên"},
    "ngay_sinh": {"type": "date", "label": "Ngày sinh", "max": "today"},
    "so_dinh_danh": {"type": "citizen_number", "label": "Số định danh cá nhân"},
    "noi_cu_tru": {"type": "address", "label": "Nơi cư trú"},
    "gioi_tinh": {"type": "gender", "label": "Giới tính"},
    "dan_toc": {"type": "ethnicity", "label": "Dân tộc"},
    "quoc_tich": {"type": "nationality", "label": "Quốc tịch", "default": "VN"},
    "que_quan": {"type": "address", "label": "Quê quán", "old_names": "yes"},
    "dien_thoai": {"type": "phone", "label": "Điện thoại"},
    "thu_dien_tu": {"type": "email", "label": "Thư điện tử"},
}
PersonPart = Literal[
    "ho_ten",
    "ngay_sinh",
    "so_dinh_danh",
    "noi_cu_tru",
    "gioi_tinh",
    "dan_toc",
    "quoc_tich",
    "que_quan",
    "dien_thoai",
    "thu_dien_tu",
]
_USUAL_PARTS = tuple(PERSON_PARTS)[:4]
# Keys that a person hands on to the part that they are about.
_HANDED_ON = {"unknown_parts": "date", "old_number": "citizen_number", "old_names": "address"}


class Strict(BaseModel):
    """A part of a definition; a key that it does not know is a fault, not a comment."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(Strict):
    """One question, or a group of questions about one person or thing.

    `use` names a shared block; the loader has replaced it by `fields` of type `group`. A
    `person` becomes such a group here, so that nothing else has to know of it.
    """

    id: Key
    type: FieldType = "group"
    use: Key | None = None
    label: Text | None = None
    help: Text | None = None
    optional: YesNo = False
    when: Text | None = None
    default: Text | None = None
    options: dict[Key, Text] | None = None
    min: Text | None = None
    max: Text | None = None
    must_match: Words | None = None
    otherwise: Literal["warn"] | None = pydantic.Field(
        None, validation_alias=pydantic.AliasChoices("otherwise", "else")
    )
    spell_out: YesNo = False
    old_names: YesNo = False
    unknown_parts: YesNo = False
    old_number: YesNo = False
    only_sorts: YesNo = False
    from_list: Literal["business_lines"] | None = None
    max_files: Whole | None = None
    include: Annotated[list[PersonPart], BeforeValidator(_words)] | None = None
    optional_parts: Annotated[list[PersonPart], BeforeValidator(_words)] = []
    copy_from: Text | None = None
    copy_when: Text | None = None
    text: Text | None = None
    fields: list[Field] = []

    @pydantic.model_validator(mode="before")
    @classmethod
    def _expand_person(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("type") != "person":
            return data
        include = _words(data.get("include")) or list(_USUAL_PARTS)
        known = [part for part in PERSON_PARTS if part in _listed(include)]
        known.sort(key=_listed(include).index)
        fields = [_person_part(data, part) for part in known]
        return {**data, "type": "group", "include": include, "fields": fields}


def _listed(value: Any) -> list[Any]:
    """A list as it is; what is none (the schema tells its writer) as an empty one."""
    return value if isinstance(value, list) else []


def _person_part(person: dict[str, Any], part: str) -> dict[str, Any]:
    """One question about a person, with what its definition says of this part."""
    made: dict[str, Any] = {"id": part, **PERSON_PARTS[part]}
    for key, kind in _HANDED_ON.items():
        if key in person and made["type"] == kind:
            made[key] = person[key]
    if part in _listed(_words(person.get("optional_parts"))):
        made["optional"] = "yes"
    return made


class Repeat(Strict):
    """How often a section may be filled, and what its rows are called."""

    min: Whole = 1
    max: Whole = 10
    row_name: Text
    add_button: Text | None = None


class Section(Strict):
    """One page of the form; on paper it may stand `beside` the section before it."""

    section: Key
    title: Text
    help: Text | None = None
    when: Text | None = None
    repeat: Repeat | None = None
    prefill: Literal["profile"] | None = None
    beside: Key | None = None
    copy_from: Text | None = None
    copy_when: Text | None = None
    fields: list[Field]

    @property
    def id(self) -> str:
        """The section's name in paths and addresses."""
        return self.section


class Form(RootModel[list[Section]]):
    """A whole form."""

    @property
    def sections(self) -> list[Section]:
        """The sections in their order."""
        return self.root

    def section(self, section_id: str) -> Section | None:
        """The section with this id, or None."""
        return next((row for row in self.root if row.id == section_id), None)

    def paths(self) -> dict[str, Field]:
        """Every question by its path: `be.ho_ten`, `me.nguoi.ngay_sinh`."""
        return {
            f"{section.id}.{path}": field
            for section in self.root
            for path, field in walk(section.fields)
        }


def walk(fields: list[Field], before: str = "") -> Iterator[tuple[str, Field]]:
    """Every question below `fields` with its dotted path; groups themselves are left out."""
    for field in fields:
        path = f"{before}{field.id}"
        if field.type == "group":
            yield from walk(field.fields, f"{path}.")
        else:
            yield path, field
