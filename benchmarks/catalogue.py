"""The list of procedures: its first page with one procedure, and with three hundred."""

import statistics
import time
from collections.abc import Iterator

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import search
from procedures.models import Channel, Procedure, Revision, Sector

MANY = 300
REPEATS = 15


def measure() -> Iterator[str]:
    """Lines with the median time in milliseconds, the queries, and the ratio of the times."""
    _publish(1)
    few, few_queries = _time_list()
    yield f"1 procedure: {few:.1f} ms, {few_queries} queries"
    _publish(MANY - 1)
    many, many_queries = _time_list()
    yield f"{MANY} procedures: {many:.1f} ms, {many_queries} queries"
    yield f"ratio: {many / few:.2f}"


@transaction.atomic
def _publish(count: int) -> None:
    sector, _ = Sector.objects.get_or_create(name="Hộ tịch", slug="ho-tich")
    start = Procedure.objects.count()
    for number in range(start, start + count):
        procedure = Procedure.objects.create(code=f"9.{number:06}", slug=f"thu-tuc-{number}")
        revision = Revision.objects.create(
            procedure=procedure,
            number=1,
            name=f"Thủ tục dùng để đo số {number}",
            short_name=f"Thủ tục đo {number}",
            sector=sector,
            tier="commune",
            service_level=3,
            online=Revision.Online.PARTIAL,
            filing_place=Revision.FilingPlace.PORTAL,
            definition={},
        )
        for kind in Channel.Kind.values:
            Channel.objects.create(
                revision=revision,
                kind=kind,
                unit=Channel.Unit.WORKING_DAY,
                amount=3,
                clock_starts=Channel.ClockStart.ACCEPTANCE,
            )
        Revision.objects.filter(pk=revision.pk).update(status=Revision.Status.PUBLISHED)
        Procedure.objects.filter(pk=procedure.pk).update(current=revision)
    search.touch_catalogue()


def _time_list() -> tuple[float, int]:
    client = Client(headers={"host": "localhost"})
    address = reverse("procedures:list")
    client.get(address)  # the first request also compiles templates
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    query_count = len(queries)  # counted now: the next request empties the log
    if response.status_code != 200:
        raise RuntimeError(f"{address} answered {response.status_code}")
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        client.get(address)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000, query_count
