"""The officials' queue with a million dossiers against the same queue with a thousand.

Each size has a database of its own in one PostgreSQL and a process of its own; the pages
are asked for in turn, so that what else the machine does falls on both. The ratios are
those of whole pages, and the number of queries is counted. BENCH_DOSSIERS makes it smaller.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

FEW = 1000
MANY = int(os.environ.get("BENCH_DOSSIERS", "1000000"))
REPEATS = 15
TAB_TARGET, SEARCH_TARGET, PAGE_QUERIES = 1.5, 2, 20
TABS = ("moi", "chua-giao", "cua-toi", "cong-dan", "trinh-ky", "tra", "qua-han", "tat-ca")
READ_ONLY = tuple(tab for tab in TABS if tab != "cua-toi")
SEARCHES = ("code", "tail", "name", "common", "citizen", "phone")


def measure() -> Iterator[str]:
    """Tabs and searches as ratios, for one office's leader and for a whole province."""
    from tests import postgres

    try:
        holder, url = postgres.start()
    except (ImportError, RuntimeError):
        yield "no PostgreSQL at hand: the queue is not measured"
        return
    try:
        with _child(url, FEW) as few, _child(url, MANY) as many:
            yield f"{MANY:,} dossiers and {many['events']:,} events made in {many['made']:.0f} s"
            yield from _compared(few, many)
    finally:
        postgres.stop(holder)


def _compared(few: dict, many: dict) -> Iterator[str]:
    for who, tabs in (("leader", TABS), ("supervisor", READ_ONLY)):
        for group, target in ((tabs, TAB_TARGET), (SEARCHES, SEARCH_TARGET)):
            ratios = {name: _ratio(few, many, who, name) for name in group}
            worst = max(ratios, key=lambda name: ratios[name][0])
            told = ", ".join(f"{name} {ratio:.2f}" for name, (ratio, _ms) in ratios.items())
            yield (
                f"{who}, {'searches' if group is SEARCHES else 'tabs'}: {told};"
                f" worst “{worst}” {ratios[worst][1]:.0f} ms, target {target}"
            )
    queries = {name: _ask(many, "leader", name)["queries"] for name in ("moi", "tat-ca")}
    # The first page of a procedure in a process reads its definition, and a first look is noted.
    first, again = (_ask(many, "leader", "page")["queries"] for _time in range(2))
    yield (
        f"queries: {queries}; a dossier's page {again} (target {PAGE_QUERIES}),"
        f" looked at for the first time in a fresh process {first}"
    )


def _ratio(few: dict, many: dict, who: str, name: str) -> tuple[float, float]:
    """(the many against the few, ms of the many), medians of pages asked for in turn."""
    times: dict[int, list[float]] = {0: [], 1: []}
    for _number in range(REPEATS):
        for index, child in enumerate((few, many)):
            times[index].append(_ask(child, who, name)["ms"])
    slow, fast = statistics.median(times[1]), statistics.median(times[0])
    return slow / fast, slow


def _ask(child: dict, who: str, name: str) -> dict[str, Any]:
    child["process"].stdin.write(f"{who} {name}\n")
    child["process"].stdin.flush()
    return json.loads(child["process"].stdout.readline())


@contextmanager
def _child(url: str, number: int) -> Iterator[dict[str, Any]]:
    """A process with `number` dossiers that answers how long a page takes."""
    name = f"bench_{number}"
    _create(url, name)
    with tempfile.TemporaryDirectory(prefix="mot-cua-queue-") as folder:
        environment = {
            **os.environ, "VAR_DIR": folder, "STATIC_ROOT": str(settings.STATIC_ROOT),
            "DATABASE_URL": url.replace("/postgres?", f"/{name}?"),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.queue", str(number)],
            env=environment, cwd=settings.BASE_DIR, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            yield {"process": process, **json.loads(process.stdout.readline())}
        finally:
            process.stdin.close()
            process.wait(timeout=60)


def _create(url: str, name: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")


# --- In a process of its own ----------------------------------------------------------


def _serve(number: int) -> None:
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from benchmarks import many
    from dossiers.models import Event

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    setup_test_environment()
    started = time.perf_counter()
    wanted = many.fill(number)
    made = time.perf_counter() - started
    print(json.dumps({"made": made, "events": Event.objects.count()}), flush=True)
    clients: dict[str, Any] = {}
    for line in sys.stdin:
        who, name = line.split()
        print(json.dumps(_page(who, name, wanted, clients)), flush=True)


def _page(who: str, name: str, wanted: dict, clients: dict) -> dict[str, float]:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    if who not in clients:
        clients[who] = Client(headers={"host": "localhost"})
        clients[who].force_login(get_user_model().objects.get(pk=wanted[who]))
    address, parameters = reverse("admin:dossiers_dossier_changelist"), {"nhom": name}
    if name == "page":
        address = reverse("admin:dossiers_dossier_change", args=[wanted["page"]])
        parameters = {"_bo-loc": "nhom=tat-ca"}
    elif name in SEARCHES:
        parameters = {"q": wanted[name]}
    with CaptureQueriesContext(connection) as queries:
        started = time.perf_counter()
        response = clients[who].get(address, parameters)
        took = (time.perf_counter() - started) * 1000
    if response.status_code != 200:
        raise RuntimeError(f"{address} {parameters} answered {response.status_code}")
    return {"ms": took, "queries": len(queries)}


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    _serve(int(sys.argv[1]))
