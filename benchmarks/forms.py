"""Blank forms: making one against WeasyPrint alone, and serving it from storage."""

import statistics
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.files.storage import default_storage
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from procedures import papers
from procedures.formspec import blanks, paperform
from procedures.formspec.docx import blank_docx
from procedures.loading.checking import check_files
from procedures.loading.offices import load_life_events, load_offices
from procedures.loading.saving import publish, save_draft
from procedures.models import Procedure, Revision

# The longest of the forms that people fill most.
FIXTURE = "dang-ky-khai-sinh.yaml"
REPEATS = 9
SERVED = 50


def measure() -> Iterator[str]:
    """Lines with medians in milliseconds, and their ratios (the aim: PDF below 1.30)."""
    procedure = _publish()
    revision = procedure.current
    html = _html(revision)
    bare, whole = _alternately(lambda: _bare(html), lambda: paperform.blank_pdf(revision))
    yield f"WeasyPrint alone, same HTML: {bare:.0f} ms; blank PDF: {whole:.0f} ms"
    yield f"ratio: {whole / bare:.2f} (aim: below 1.30)"
    word = _median(lambda: blank_docx(revision), REPEATS)
    yield f"blank DOCX: {word:.0f} ms"
    yield from _serving(procedure, whole)


def _publish() -> Procedure:
    folder = settings.BASE_DIR / "fixtures"
    load_offices(folder / "offices.yaml")
    load_life_events(folder / "life_events.yaml")
    [(_document, spec)], _documents = check_files([folder / "procedures" / FIXTURE])
    if not Procedure.objects.filter(code=spec.code).exists():
        publish(save_draft(spec), by=None)
    return Procedure.objects.get(code=spec.code)


def _html(revision: Revision) -> str:
    facts = paperform.blank_facts(revision)
    context = {"facts": facts, "qr": papers.qr_svg_data_uri(facts["page_url"])}
    with translation.override("vi"):
        return render_to_string(paperform.TEMPLATE, context)


def _bare(html: str) -> bytes:
    from weasyprint import HTML

    # The fonts that the process keeps: with its own each time WeasyPrint would look slower.
    return HTML(string=html).write_pdf(font_config=papers.fonts(), pdf_forms=True, pdf_tags=True)


def _alternately(*calls: Callable[[], object]) -> list[float]:
    """The median of each, taken in turns, so that a slow moment of the machine hits all."""
    times: list[list[float]] = [[] for _call in calls]
    for call in calls:
        call()  # the first one imports and reads fonts
    for _turn in range(REPEATS):
        for call, spent in zip(calls, times, strict=True):
            spent.append(_time(call))
    return [statistics.median(spent) for spent in times]


def _serving(procedure: Procedure, making: float) -> Iterator[str]:
    client = Client(headers={"host": "localhost"})
    for name in ("blank_form", "blank_docx"):
        address = reverse(f"procedures:{name}", args=[procedure.code])
        first = _time(lambda address=address: client.get(address))
        served = _median(lambda address=address: client.get(address), SERVED)
        bare = _median(lambda: client.get("/healthz"), SERVED)
        yield f"{name}: first {first:.0f} ms, from storage {served:.1f} ms, /healthz {bare:.1f} ms"
    kept = default_storage.listdir("forms")[1]
    yield f"kept in storage: {len(kept)} files ({', '.join(sorted(blanks.KINDS))})"
    yield f"serving against making the PDF: {served / making:.3f}"


def _median(call: Callable[[], object], repeats: int) -> float:
    call()
    return statistics.median(_time(call) for _turn in range(repeats))


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
