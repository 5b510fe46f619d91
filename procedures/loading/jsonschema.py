"""The JSON schema of a procedure file, so that editors complete, explain and check it.

It is made from `loading.schema`; `docs/procedure.schema.json` holds what `generated` gives
(`manage.py procedureschema` writes it). An editor reads YAML with its usual guesses, so a
scalar may come as text, number or boolean. It is less strict than `checkprocedures`: what
it refuses is wrong, what it lets pass may still be wrong.
"""

from __future__ import annotations

import json
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BeforeValidator, StringConstraints
from pydantic.fields import FieldInfo

from procedures.formspec.spec import NO_WORDS, YES_WORDS, Strict, Whole, Words, YesNo
from procedures.loading import schema
from procedures.loading.keywords import EXAMPLES, FORMER_NAME, MEANINGS, TITLE

_SCALAR = ["string", "number", "boolean"]
# 8000, or 8.000, which an editor reads as eight.
_WHOLE_NUMBER = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\d{1,3}(\.\d{3})+$|^\d+$"},
    ]
}


def generated() -> str:
    """The schema as the text of `docs/procedure.schema.json`."""
    parts: dict[str, Any] = {}
    whole = _part(schema.ProcedureSpec, parts)
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        **whole,
        "definitions": dict(sorted(parts.items())),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _part(model: type[Strict], parts: dict[str, Any]) -> dict[str, Any]:
    """One part of a file as an object with its keys, older names of keys among them."""
    properties: dict[str, Any] = {}
    demanded: list[dict[str, Any]] = []
    required: list[str] = []
    for key, field in model.model_fields.items():
        names = [key, *(old for old, now in schema.OLDER_KEYS.items() if now == key)]
        names = names if field.validation_alias else [key]
        for name in names:
            properties[name] = _described(model, key, field, parts)
            if name != key:
                properties[name]["description"] = FORMER_NAME.format(key=key)
        if field.is_required() and len(names) == 1:
            required.append(key)
        elif field.is_required():
            demanded.append({"anyOf": [{"required": [name]} for name in names]})
    made: dict[str, Any] = {"type": "object", "additionalProperties": False}
    made["properties"] = properties
    if required:
        made["required"] = required
    if model.__name__ == "Field":
        demanded.append({"anyOf": [{"required": [name]} for name in ("type", "use", "fields")]})
    if demanded:
        made["allOf"] = demanded
    return made


def _described(
    model: type[Strict], key: str, field: FieldInfo, parts: dict[str, Any]
) -> dict[str, Any]:
    annotation: Any = field.annotation
    if field.metadata:
        annotation = Annotated[(annotation, *field.metadata)]
    made = _value(annotation, parts)
    name = f"{model.__name__}.{key}"
    if "$ref" in made:
        # What stands beside a reference is not read in this version of JSON schema.
        made = {"allOf": [made]}
    made["description"] = MEANINGS[name]
    if name in EXAMPLES:
        made["examples"] = EXAMPLES[name]
    return made


def _value(annotation: Any, parts: dict[str, Any]) -> dict[str, Any]:
    """The schema of one value."""
    if annotation == schema.Exemption:
        return {"anyOf": [{"type": _SCALAR}, _reference(schema.ExemptionSpec, parts)]}
    known = _known(annotation)
    if known is not None:
        return _bounded(known, annotation.__metadata__)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(inner[0], inner[1:], parts)
    if origin in {types.UnionType, Union}:
        return _value(next(kind for kind in inner if kind is not type(None)), parts)
    if origin is list:
        return {"type": "array", "items": _value(inner[0], parts)}
    if origin is dict:
        pattern = _value(inner[0], parts)["pattern"]
        return {
            "type": "object",
            "propertyNames": {"pattern": pattern},
            "additionalProperties": _value(inner[1], parts),
        }
    if origin is Literal:
        return {"enum": list(inner)}
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return _reference(annotation, parts)
    return {"type": _SCALAR}


def _reference(model: type[Strict], parts: dict[str, Any]) -> dict[str, Any]:
    name = model.__name__
    if name not in parts:
        parts[name] = {}
        parts[name] = _part(model, parts)
    return {"$ref": f"#/definitions/{name}"}


def _known(annotation: Any) -> dict[str, Any] | None:
    """The values that are written in a way of their own, told by how they are converted."""
    converter = _converter(annotation)
    kinds = {
        _converter(YesNo): {"enum": [True, False, *sorted(YES_WORDS), *sorted(NO_WORDS)]},
        _converter(Whole): _WHOLE_NUMBER,
        _converter(schema.Percent): {"type": ["string", "integer"], "pattern": r"^\d{1,3} ?%?$"},
        _converter(schema.Amount): {"anyOf": [*_WHOLE_NUMBER["anyOf"], {"const": "unknown"}]},
        _converter(schema.Day): {
            "type": "string",
            "pattern": r"^\d{1,2}/\d{1,2}/\d{4}$|^\d{4}-\d\d-\d\d$",
        },
        # An editor may read 15:00 as 900 minutes.
        _converter(schema.Hour): {"type": ["string", "integer"]},
        _converter(schema.Duration): {
            "type": "string",
            "pattern": r"^(same_day|text|\d{1,4} (working_day|day|hour|month)s?)$",
        },
        _converter(Words): {
            "anyOf": [{"type": _SCALAR}, {"type": "array", "items": {"type": _SCALAR}}]
        },
    }
    return kinds.get(converter) if converter else None


def _converter(annotation: Any) -> Any:
    if get_origin(annotation) is not Annotated:
        return None
    found = [part.func for part in annotation.__metadata__ if isinstance(part, BeforeValidator)]
    return found[-1] if found else None


def _annotated(kind: Any, notes: tuple, parts: dict[str, Any]) -> dict[str, Any]:
    patterns = [note.pattern for note in notes if isinstance(note, StringConstraints)]
    pattern = next((text for text in patterns if text), None)
    # A code of seven figures is a number to an editor.
    return (
        {"type": ["string", "number"], "pattern": str(pattern)} if pattern else _value(kind, parts)
    )


def _bounded(made: dict[str, Any], notes: tuple) -> dict[str, Any]:
    low = next((note.ge for note in notes if isinstance(note, Ge)), None)
    high = next((note.le for note in notes if isinstance(note, Le)), None)
    if low is None or high is None:
        return made
    numbers = list(range(low, high + 1))
    return {"enum": [*numbers, *map(str, numbers)]}
