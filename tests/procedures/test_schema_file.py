"""The JSON schema by which editors complete, explain and check a procedure file."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from django.conf import settings

from procedures.loading.jsonschema import generated
from procedures.loading.keywords import EXAMPLES, MEANINGS
from procedures.management.commands.procedureschema import SCHEMA_FILE

FIXTURES = sorted((settings.BASE_DIR / "fixtures" / "procedures").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(generated()))


def test_the_file_is_what_the_code_generates():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == generated(), (
        "docs/procedure.schema.json is out of date: run `manage.py procedureschema`"
    )


def test_it_is_a_schema_itself():
    jsonschema.Draft7Validator.check_schema(json.loads(generated()))


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_every_authored_procedure_fits_as_an_editor_reads_it(validator, file):
    data = yaml.safe_load(file.read_text(encoding="utf-8"))

    faults = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(data)]

    assert faults == []


def keys(node: dict) -> list[dict]:
    """Every key that the schema describes."""
    found = list(node.get("properties", {}).values())
    for part in node.get("definitions", {}).values():
        found += keys(part)
    return found


def test_every_key_is_explained_in_vietnamese():
    described = keys(json.loads(generated()))

    assert len(described) > 100
    assert all(key["description"] for key in described)
    assert set(EXAMPLES) <= set(MEANINGS)


def test_no_meaning_is_left_of_a_key_that_is_gone():
    from procedures.loading.schema import ProcedureSpec, part_of

    parts, live = [ProcedureSpec], set()
    while parts:
        part = parts.pop()
        live |= {f"{part.__name__}.{key}" for key in part.model_fields}
        inner = (part_of(field.annotation) for field in part.model_fields.values())
        parts += [row for row in inner if row and f"{row.__name__}." not in "".join(live)]

    assert set(MEANINGS) == live


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dicision": "1/QĐ"}, "dicision"),
        ({"service_level": 5}, "5"),
        ({"online": "maybe"}, "maybe"),
        ({"fees": [{"id": "p"}]}, "required"),
        ({"channels": [{"type": "online", "time": "3 ngày"}]}, "3 ngày"),
        ({"effective_from": "01-07-2026"}, "01-07-2026"),
        ({"form": [{"section": "a", "title": "A", "fields": [{"id": "x"}]}]}, "x"),
    ],
)
def test_an_editor_underlines_what_is_wrong(validator, change, words):
    data = yaml.safe_load(FIXTURES[0].read_text(encoding="utf-8")) | change

    faults = " ".join(error.message for error in validator.iter_errors(data))

    assert words in faults
