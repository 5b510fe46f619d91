"""What the documentation says of the code."""

from __future__ import annotations

import re

from django.conf import settings

from dossiers.models import Dossier


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
