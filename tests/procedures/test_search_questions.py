"""The search judged by everyday questions, over the whole national catalogue.

Its index is made straight from the rows, without the database: seconds instead of minutes.
Without the national file only the questions about our own procedures are asked.
"""

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from procedures.loading.national import OTHER_TIER, TIERS
from procedures.search import Catalogue, ask, indexing
from procedures.search.entries import Entry
from procedures.text import fold

NATIONAL_FILE = settings.BASE_DIR.parent / "shared" / "data" / "national" / "procedures.jsonl.xz"
QUESTIONS = yaml.safe_load(Path(__file__).with_name("search_questions.yaml").read_text("utf-8"))
HALVES = ("tune", "report")
SHOWN, WANTED = 3, 0.9


def authored() -> dict[str, dict]:
    """Our own procedure files by code, every value as text."""
    files = (settings.BASE_DIR / "fixtures" / "procedures").glob("*.yaml")
    rows = [yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader) for file in files]  # noqa: S506
    return {row["code"]: row for row in rows}


def our_entry(pk: int, row: dict) -> Entry:
    return Entry(
        pk=pk, code=row["code"], short_name=row["short_name"], name=row["name"],
        also_called=tuple(row.get("also_called", ())), keywords=tuple(row.get("keywords", ())),
        summary=row.get("summary", ""), result=row["result"]["name"],
        sector=(fold(row["field"]), row["field"]),
        papers=tuple(paper["name"] for paper in row.get("documents", ()) if "name" in paper),
        laws=tuple(law["number"] for law in row["legal_basis"] if law.get("number")),
        decision=row.get("decision", ""), tier=row["office"]["tier"],
        level=int(row["service_level"]), audience=tuple(row.get("audience", ())), is_ours=True,
    )  # fmt: skip


def national_entry(pk: int, row: dict) -> Entry:
    name = " ".join(row["name"].split())
    return Entry(
        pk=pk, code=row["code"], short_name=name, name=name, result=row.get("results", ""),
        keywords=(row["keywords"],) if row.get("keywords") else (),
        sector=(fold(row["field"]), row["field"]),
        papers=tuple(paper["name"] for paper in row["documents"]),
        laws=tuple(law["number"] for law in row["legal_basis"] if law["number"]),
        decision=row["decision"], tier=TIERS.get(row["level"].strip(), OTHER_TIER),
        audience=tuple(row["audience"]),
    )  # fmt: skip


def entries() -> Iterator[Entry]:
    ours = authored()
    rows = dict.fromkeys(ours, our_entry)
    if not NATIONAL_FILE.exists():
        yield from (make(pk, ours[code]) for pk, (code, make) in enumerate(rows.items(), 1))
        return
    with lzma.open(NATIONAL_FILE, "rt", encoding="utf-8") as lines:
        for pk, line in enumerate(lines, 1):
            row = json.loads(line)
            own = ours.get(row["code"])
            yield our_entry(pk, own) if own else national_entry(pk, row)


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> tuple[Catalogue, list[Entry]]:
    rows = list(entries())
    return indexing.build(rows, tmp_path_factory.mktemp("index")), rows


def right_codes(question: dict, rows: list[Entry]) -> set[str]:
    """The codes that answer: as written, or of all that stand on the law."""
    if "right" in question:
        return set(question["right"])
    law = fold(question["cites"])
    return {row.code for row in rows if law in {fold(number) for number in row.laws}}


def test_the_questions_are_many_and_fairly_halved():
    halves = Counter(question["half"] for question in QUESTIONS)

    assert len(QUESTIONS) >= 150
    assert len({question["ask"] for question in QUESTIONS}) == len(QUESTIONS)
    assert [question["half"] for question in QUESTIONS[:4]] == ["tune", "report"] * 2
    assert abs(halves["tune"] - halves["report"]) <= 1


@pytest.mark.xdist_group("search questions")  # one index for both halves
@pytest.mark.parametrize("half", HALVES)
def test_the_right_procedure_is_among_the_first_three(asked, half, capsys):
    catalogue, rows = asked
    codes = {row.pk: row.code for row in rows}
    names = {row.code: row.short_name for row in rows}
    questions = [
        question
        for question in QUESTIONS
        if question["half"] == half and right_codes(question, rows) & set(names)
    ]
    misses = []
    for question in questions:
        first = [codes[pk] for pk in ask(question["ask"], catalogue).pks[:SHOWN]]
        if not right_codes(question, rows) & set(first):
            misses.append((question["ask"], first))

    share = 1 - len(misses) / len(questions)
    with capsys.disabled():
        print(f"\n{half}: {share:.1%} of {len(questions)} questions, {len(rows)} procedures")
        for text, first in misses:
            print(f"  missed “{text}”: " + "; ".join(f"{c} {names[c][:60]}" for c in first))
    assert share >= WANTED


def test_what_is_found_first_is_not_noise_in_a_small_catalogue(tmp_path):
    ours = [our_entry(pk, row) for pk, row in enumerate(authored().values(), 1)]
    catalogue = indexing.build(ours, tmp_path)

    found = {text: ask(text, catalogue).pks for text in ("mua trực thăng", "vé tàu hỏa", "tem AB")}

    assert found == {"mua trực thăng": [], "vé tàu hỏa": [], "tem AB": []}
