"""What the script shows and hides is what the server asks, on the page and beside it."""

from __future__ import annotations

import datetime
import json

import pytest
import time_machine
from django.conf import settings
from django.utils.html import escape

from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.formspec.spec import Field

SCRIPT = settings.BASE_DIR / "static" / "js" / "conditions.js"
MOMENT = datetime.datetime(2026, 11, 24, 20, tzinfo=datetime.UTC)  # already the 25th here
CASES = [
    ("a.born < 2026-07-01", ["05/02/1985", "01/07/2026", "1-6-2026", "01062026", ""]),
    ("a.born = 2026-07-01", ["01/07/2026", "02/07/2026", ""]),
    ("a.born != 2026-07-01", ["01/07/2026", "02/07/2026", ""]),
    ("age(a.born) >= 18", ["24/11/2008", "25/11/2008", "05/02/1985", ""]),
    ("days_between(a.born, filed) > 60", ["26/09/2026", "25/09/2026", ""]),
    ("not days_between(a.born, filed) > 60", ["25/09/2026", "24/09/2026"]),
    ("a.count >= 1000", ["1.000", "999", "1000", ""]),
    ("a.count = 5", ["5", "6", ""]),
]


def _page(text: str, typed: str) -> str:
    with time_machine.travel(MOMENT):
        data = escape(json.dumps(conditions.as_data(text)))
    name = next(iter(conditions.paths(text))).split(".")[1]
    return f"""<main><ol><li id="beside" data-when="{data}" data-section="a" hidden>Mục</li></ol>
        <form><input name="{name}" value="{escape(typed)}">
        <div id="inside" data-when="{data}" data-section="a">Hỏi</div></form></main>"""


def _answer(text: str, typed: str) -> object:
    """What the server would keep of what was typed."""
    kind = "number" if "count" in text else "date"
    spec = Field(id="x", type=kind, label="X")
    field = type_of(spec).inputs(spec)[""]
    field.required = False
    return type_of(spec).to_answer({"": field.clean(typed)})


@pytest.fixture
def show(page):
    """Loads a piece of a page with the script and returns whether an element is seen."""

    def seen(content: str, element: str) -> bool:
        page.set_content(content)
        page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
        return page.locator(element).is_visible()

    return seen


def test_days_ages_and_amounts_are_judged_as_the_server_does(page, show):
    page.clock.set_fixed_time(MOMENT)
    for text, typed_ones in CASES:
        for typed in typed_ones:
            path = next(iter(conditions.paths(text))).split(".")[1]
            expected = conditions.holds(text, {"a": {path: _answer(text, typed)}}, filed=MOMENT)

            assert show(_page(text, typed), "#inside") is expected, (text, typed)
            assert show(_page(text, typed), "#beside") is expected, (text, typed)
