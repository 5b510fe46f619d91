"""What the documentation says of the code."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from django.conf import settings

from dossiers.models import Dossier
from procedures.formspec.spec import FieldType
from procedures.loading.checking import check_text
from procedures.loading.schema import OLDER_KEYS, known_keys
from tests import factories


def documented_moves() -> dict[str, set[str]]:
    text = (settings.BASE_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z_]+) \| ?([a-z_, ]*)\|$", text, re.MULTILINE)
    return {
        source: {target.strip() for target in targets.split(",") if target.strip()}
        for source, targets in rows
        if source != "from"
    }


def moves_of_the_code() -> dict[str, set[str]]:
    moves: dict[str, set[str]] = {state.value: set() for state in Dossier.State}
    for transition in Dossier._meta.get_field("state").get_all_transitions(Dossier):
        targets = getattr(transition.target, "allowed_states", [transition.target])
        moves[transition.source] |= {str(target) for target in targets}
    return moves


def test_the_documented_moves_are_those_of_the_code():
    assert documented_moves() == moves_of_the_code()


# --- Writing procedures ---------------------------------------------------------------


@pytest.fixture
def guide() -> str:
    return (settings.BASE_DIR / "docs" / "writing-procedures.md").read_text(encoding="utf-8")


def test_the_guide_names_every_key_of_a_procedure_file(guide):
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`", guide))))

    assert sorted(known_keys() - set(OLDER_KEYS) - named) == []


def test_the_guide_names_every_type_of_question(guide):
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`", guide))))

    assert set(get_args(FieldType)) <= named


def test_the_whole_example_of_the_guide_has_no_fault(guide, db):
    factories.offices()
    [example] = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)

    document, spec = check_text(example, "guide")

    assert [str(fault) for fault in document.faults] == []
    assert spec.service_level == document.level.reached == 3


# Where a line of the guide's table of mistakes stands in a file.
PLACES = {
    "time": "channels:\n  - type: direct\n    ",
    "cut_off": "channels:\n  - type: direct\n    ",
    "amount": "fees:\n  - id: phi\n    ",
    "id": "steps:\n  - who: reception\n    ",
    "– id": "fees:\n  ",
}


def mistakes() -> list[tuple[str, str]]:
    text = (settings.BASE_DIR / "docs" / "writing-procedures.md").read_text(encoding="utf-8")
    table = text[text.index("## 14.") : text.index("## 15.")]
    rows = re.findall(r"^\| `([^`|]+)` \| [^|]+ \| `([^`|]+)` \|$", table, re.MULTILINE)
    # A condition is only wrong beside the form that it speaks of (`test_checking`).
    return [row for row in rows if not row[0].startswith("when")]


@pytest.mark.parametrize(("written", "corrected"), mistakes())
def test_a_mistake_of_the_guide_is_answered_with_the_line_it_shows(db, written, corrected):
    before = PLACES.get(written.split(":")[0], "")

    document, _spec = check_text(f"{before}{written}\nfield: Hộ tịch\n", "guide")

    assert corrected in {fault.suggestion.strip() for fault in document.faults}


def test_the_guide_shows_mistakes_enough():
    assert len(mistakes()) >= 12
