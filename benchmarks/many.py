"""Many dossiers in minutes: made by PostgreSQL itself out of a few that were really filed.

`fill()` gives every office the same mix: the newest part is open, in every state, with some
of it late; the rest has ended. Owners have names from pools, so that a name is as common as
names are; terms are those of `dossiers.searching`, and every dossier has five events, whose
hashes are made up. Foreign keys are not checked while it writes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

PER_OFFICE = 12_500
EVENTS = ("submit", "accept", "take", "propose", "look")
OPEN_SHARE = 0.45  # so that each tab has more than a page, of a thousand too
CHUNK = 100_000
PEOPLE = 100_000

_FAMILY = "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý".split()
_MIDDLE = "Văn Thị Hữu Đức Minh Ngọc Thanh Quang Thu Xuân Hoài Bảo Gia Kim Hồng Đình".split()
_GIVEN = (
    "An Anh Bình Châu Chi Cường Dũng Duyên Đạt Giang Hà Hải Hạnh Hiền Hiếu Hoa Hòa Hùng Hương Huy"
    " Khánh Khoa Lan Lâm Linh Loan Long Mai Nam Nga Nghĩa Nhung Phong Phúc Phương Quân Quỳnh Sơn"
    " Sương Tâm Thảo Thắng Thủy Tiến Trang Trung Tuấn Tùng Tuyết Vân Việt Vinh Yến"
).split()

# The state of an open dossier by its place among them; all that are not here have ended.
_STATES = (
    "CASE WHEN k >= {open} THEN (ARRAY['returned','returned','returned','refused'])[k % 4 + 1]"
    " ELSE (ARRAY['submitted','accepted','accepted','processing','processing','awaiting_approval',"
    "'supplement_required','completed'])[k % 8 + 1] END"
)


def fill(number: int) -> dict[str, Any]:
    """Make `number` dossiers; returns whom and what the measurement asks for.

    `{"leader", "supervisor", "office", "code", "name", "citizen", "phone", "page"}`: keys of
    people, words to search by, and the key of one dossier.
    """
    from django.db import connection

    from procedures.models import Agency, Posting
    from tests import factories

    templates = [
        factories.filed(code) for code in (factories.FUNERAL, factories.COPY, factories.BIRTH)
    ]
    officer = factories.official(Posting.Role.CASE_OFFICER)
    offices = max(1, number // PER_OFFICE)
    province = Agency.objects.create(code="000.00.00.H50", name="Tỉnh", tier="province")
    Agency.objects.filter(code=factories.COMMUNE).update(parent=province)
    places = [_place(factories.COMMUNE), *_more_offices(offices - 1, province)]
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET statement_timeout = 0")
        for statement, values in _statements(number, places, templates, officer):
            cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")
        # The planner needs both: how values lie, and which pages are visible to all.
        for table in ("dossiers_dossier", "dossiers_searchterm", "dossiers_event", "portal_user"):
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("RESET statement_timeout")
    leader = factories.official(Posting.Role.LEADER)
    overseer = factories.official(Posting.Role.SUPERVISOR, province.code)
    Posting.objects.create(user=leader, agency_id=places[0][0], role=Posting.Role.CASE_OFFICER)
    return {"leader": leader.pk, "supervisor": overseer.pk, **_wanted(places[0], templates[0])}


def _place(code: str) -> tuple[int, int, str]:
    """(office that handles, desk that receives, code of the desk)."""
    from procedures.models import Agency

    office = Agency.objects.get(code=code)
    return office.pk, office.receiving.pk, office.receiving.code


def _more_offices(number: int, province: Any) -> list[tuple[int, int, str]]:
    from procedures.models import Agency

    rows = [
        Agency(code=f"000.00.{n}.H51", name=f"Xã số {n}", tier="commune", parent=province)
        for n in range(number)
    ]
    return [(row.pk, row.pk, row.code) for row in Agency.objects.bulk_create(rows)]


def _wanted(place: tuple[int, int, str], template: Any) -> dict[str, Any]:
    from dossiers.models import Dossier

    rows = Dossier.objects.filter(handling_agency=place[0], owner__full_name__contains=" ")
    one = rows.exclude(pk=template.pk).select_related("owner").order_by("pk")[40]
    return {
        "code": one.code, "name": one.owner.full_name, "citizen": one.owner.citizen_number,
        "phone": one.owner.phone, "page": template.pk, "common": "Nguyễn",
        "tail": one.code.rpartition("-")[2],
    }  # fmt: skip


# --- The statements -------------------------------------------------------------------


def _statements(
    number: int, places: list, templates: list, officer: Any
) -> Iterator[tuple[str, list]]:
    people = min(PEOPLE, number)
    yield from _people(people, templates[0].owner)
    cuts = range(0, number, CHUNK)
    for start, (part, template) in itertools.product(cuts, enumerate(templates)):
        numbers = f"generate_series({start}, {min(start + CHUNK, number) - 1})"
        yield _dossiers(numbers, part, template, officer, places, number, people)
    yield (
        "INSERT INTO dossiers_searchterm (dossier_id, value)"
        " SELECT d.id, t.value FROM dossiers_dossier d JOIN bench_term t ON t.owner_id = d.owner_id"
        " ON CONFLICT DO NOTHING",
        [],
    )
    yield (
        "INSERT INTO dossiers_event (dossier_id, seq, name, from_state, to_state, actor_id,"
        " agency_id, at, data, previous, hash)"
        " SELECT d.id, s, (%s::text[])[s], '', d.state, d.owner_id, NULL,"
        " d.submitted_at + s * interval '1 hour', '{}', '', md5(d.id || '-' || s) || md5(d.key)"
        " FROM dossiers_dossier d, generate_series(1, 5) s WHERE d.key LIKE 'b%%'",
        [list(EVENTS)],
    )


def _people(number: int, template: Any) -> Iterator[tuple[str, list]]:
    """Owners, and in `bench_term` what each of them is found by."""
    from procedures.text import fold

    family = f"(%s::text[])[n %% {len(_FAMILY)} + 1]"
    middle = f"(%s::text[])[n / {len(_FAMILY)} %% {len(_MIDDLE)} + 1]"
    given = f"(%s::text[])[n * 7 / 5 %% {len(_GIVEN)} + 1]"
    full = f"{family} || ' ' || {middle} || ' ' || {given}"
    phone = "'09' || lpad((n * 37 %% 100000000)::text, 8, '0')"
    citizen = "'045' || lpad(n::text, 9, '0')"
    changes = {"email": "'b' || n || '@bench.vn'", "full_name": full, "phone": phone}
    changes |= {"citizen_number": citizen, "account_number": "NULL", "phone_verified": "false"}
    pools = [_FAMILY, _MIDDLE, _GIVEN]
    yield _copied("portal_user", template, changes, f"generate_series(1, {number}) n"), pools
    folded = [[fold(word) for word in pool] for pool in pools]
    yield (
        # Nothing of this comes from outside.
        "CREATE TEMPORARY TABLE bench_term AS SELECT u.id AS owner_id, t.value FROM"  # noqa: S608
        f" (SELECT n, {family} AS f, {middle} AS m, {given} AS g"
        f" FROM generate_series(1, {number}) n) p"
        " JOIN portal_user u ON u.email = 'b' || p.n || '@bench.vn', LATERAL (VALUES"
        " (f || ' ' || m || ' ' || g), (m || ' ' || g), (g || ' ' || m || ' ' || f),"
        " (f || ' ' || g), (u.phone), (u.citizen_number)) t(value)",
        folded,
    )
    yield (
        "CREATE TEMPORARY TABLE bench_owner AS"
        " SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM portal_user"
        " WHERE email LIKE 'b%%@bench.vn'",
        [],
    )
    yield "CREATE UNIQUE INDEX ON bench_owner (place)", []
    yield "ANALYZE bench_owner", []
    yield "ANALYZE bench_term", []


def _dossiers(
    numbers: str, part: int, template: Any, officer: Any, places: list, number: int, people: int
) -> tuple[str, list]:
    """One part of the dossiers; `o` is the office of a row and `k` its place there, 0 newest."""
    per_office = -(-number // len(places))
    is_open = f"k < {int(per_office * OPEN_SHARE)}"
    states = _STATES.format(open=int(per_office * OPEN_SHARE)).replace("%", "%%")
    day = "(current_date - 1 - (k / 40)::int)"
    late = "CASE WHEN k %% 5 = 0 THEN 'late' WHEN k %% 5 < 3 THEN 'early' ELSE 'on_time' END"
    due = "now() + (k %% 20 - 6) * interval '1 day' + (k %% 60) * interval '1 minute'"
    filed = f"{day} + interval '8 hours' + (k %% 480) * interval '1 minute'"
    state = f"({states})"
    changes = {
        "key": "'b' || n", "owner_id": "owner.id", "state": state, "version": "2",
        "code": f"(%s::text[])[o] || '-' || to_char({day}, 'YYMMDD') || '-'"
                " || lpad((k %% 40 + 1)::text, 4, '0')",
        "handling_agency_id": "(%s::bigint[])[o]", "receiving_agency_id": "(%s::bigint[])[o]",
        "assignee_id": f"CASE WHEN {state} IN ('accepted','submitted') THEN NULL ELSE %s END",
        "submitted_at": filed, "created_at": filed, "updated_at": filed, "accepted_at": filed,
        "answer_by": f"CASE WHEN {state} = 'submitted' THEN {due} END", "promised_at": due,
        "citizen_by": f"CASE WHEN {state} = 'supplement_required' THEN {due} END",
        "completed_at": f"CASE WHEN {state} IN ('completed','returned') THEN {filed} END",
        "ended_at": f"CASE WHEN {is_open} THEN NULL ELSE {filed} + interval '2 days' END",
        "timing": f"CASE WHEN {is_open} THEN '' ELSE {late} END",
    }  # fmt: skip
    source = (
        f"(SELECT n, n %% {len(places)} + 1 AS o, n / {len(places)} AS k FROM {numbers} n) made"  # noqa: S608
        f" JOIN bench_owner owner ON owner.place = made.n %% {people}"
    )
    statement = _copied("dossiers_dossier", template, changes, source)
    handling, receiving, codes = zip(*places, strict=True)
    order = [name for name, sql in changes.items() if "%s" in sql]
    values = {
        "code": list(codes), "handling_agency_id": list(handling),
        "receiving_agency_id": list(receiving), "assignee_id": officer.pk,
    }  # fmt: skip
    return f"{statement} AND made.n %% 3 = {part}", [values[name] for name in order]


def _copied(table: str, template: Any, changes: dict[str, str], source: str) -> str:
    """An INSERT of rows like `template` with other values in some columns."""
    columns = [field.column for field in template._meta.local_concrete_fields]
    columns = [column for column in columns if column != "id"]
    ordered = [*changes, *(column for column in columns if column not in changes)]
    picked = [changes.get(column, f'old."{column}"') for column in ordered]
    names = ", ".join(f'"{column}"' for column in ordered)
    return (
        f"INSERT INTO {table} ({names}) SELECT {', '.join(picked)}"  # noqa: S608
        f" FROM {table} old, {source} WHERE old.id = {template.pk}"
    )
