"""Search over the whole country: the engine, its index, and the pages that show what it finds.

Each size is a process of its own with a database of its own: the catalogue cannot forget.
"""

import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from django.conf import settings

NATIONAL_FILE = settings.BASE_DIR.parent / "shared" / "data" / "national" / "procedures.jsonl.xz"
QUESTIONS = settings.BASE_DIR / "tests" / "procedures" / "search_questions.yaml"
FEW, GENERATED, REPEATS = 50, 1000, 15
Database = Callable[[Path], AbstractContextManager[str]]


def measure() -> Iterator[str]:
    """The engine's p50 and p95 in ms; pages as ratios to a bare view, and to the few."""
    with tempfile.TemporaryDirectory(prefix="mot-cua-search-") as folder:
        if not NATIONAL_FILE.exists():
            yield f"the national file is not at hand: measured with {GENERATED} rows made up"
        for vendor, database in {"SQLite": _sqlite, "PostgreSQL": _postgres}.items():
            try:
                few, many = (_child(Path(folder) / vendor, n, database) for n in (FEW, None))
            except (ImportError, RuntimeError):
                yield f"no {vendor} at hand"
                continue
            yield from _told(vendor, few, many)


def _told(vendor: str, few: dict[str, float], many: dict[str, float]) -> Iterator[str]:
    yield (
        f"{vendor}, {many['procedures']} procedures: index {many['build']:.1f} s,"
        f" engine p50 {many['p50']:.2f} ms, p95 {many['p95']:.2f} ms,"
        f" over {many['questions']} questions"
    )
    for name in ("list", "results", "suggestions"):
        yield (
            f"{vendor}, {name}: {many[name]:.1f} ms, {many[name] / many['bare']:.1f} x a bare view;"
            f" {many[name] / few[name]:.2f} x the page with {few['procedures']} procedures"
        )


@contextmanager
def _sqlite(place: Path) -> Iterator[str]:
    yield f"sqlite:///{place}/search.sqlite3"


@contextmanager
def _postgres(place: Path) -> Iterator[str]:
    from tests import postgres

    holder, url = postgres.start()
    try:
        yield url
    finally:
        postgres.stop(holder)


def _child(folder: Path, rows: int | None, database: Database) -> dict[str, float]:
    place = folder / str(rows or "all")
    place.mkdir(parents=True)
    arguments = [sys.executable, "-m", "benchmarks.search", str(_file(place, rows))]
    with database(place) as url:
        environment = {
            **os.environ,
            "STATIC_ROOT": str(settings.STATIC_ROOT),
            "VAR_DIR": str(place),
            "DATABASE_URL": url,
        }
        done = subprocess.run(
            arguments, env=environment, check=True, capture_output=True, text=True,
            cwd=settings.BASE_DIR,
        )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _file(place: Path, rows: int | None) -> Path:
    """The national file, or a file of its first procedures of the commune."""
    if NATIONAL_FILE.exists() and rows is None:
        return NATIONAL_FILE
    if NATIONAL_FILE.exists():
        with lzma.open(NATIONAL_FILE, "rt", encoding="utf-8") as lines:
            kept = [line for line in lines if '"field": "Hộ tịch"' in line][:rows]
    else:
        kept = [_made_up(number) for number in range(rows or GENERATED)]
    file = place / "procedures.jsonl"
    file.write_text("".join(kept), encoding="utf-8")
    return file


def _made_up(number: int) -> str:
    row = {
        "code": f"9.{number:06}", "name": f"Đăng ký khai sinh số {number}", "decision": "1/QĐ",
        "field": f"Lĩnh vực {number % 50}", "level": "Cấp Xã", "steps": "Nộp hồ sơ.",
        "channels": [{"channel": "direct", "duration": 3, "unit": "working_day", "fees": []}],
        "documents": [{"group": "", "name": "Đơn theo mẫu", "originals": 1, "copies": 0}],
        "legal_basis": [{"title": "Luật", "number": "60/2014/QH13"}],
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False) + "\n"


# --- In a process of its own ----------------------------------------------------------


def _run(file: Path) -> dict[str, float]:
    import yaml
    from django.core.management import call_command
    from django.urls import reverse

    from procedures import search

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("loadprocedures", file, publish=True, stdout=sys.stderr, stderr=sys.stderr)
    started = time.perf_counter()
    procedures = search.rebuild()
    built = time.perf_counter() - started
    questions = [row["ask"] for row in yaml.safe_load(QUESTIONS.read_text("utf-8"))]
    opened = search.catalogue()
    search.ask(questions[0], opened)  # the first also reads the file of everyday words
    times = sorted(_timed(lambda text=text: search.ask(text, opened)) for text in questions)
    listed, found = reverse("procedures:list"), {"q": "giay khai sih"}
    return {
        "procedures": procedures, "build": built, "questions": len(questions),
        "p50": statistics.median(times), "p95": times[int(len(times) * 0.95)],
        "bare": _page(reverse("healthz")), "list": _page(listed), "results": _page(listed, found),
        "suggestions": _page(reverse("procedures:suggestions"), found, htmx=True),
    }  # fmt: skip


def _timed(act) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _page(address: str, parameters: dict[str, str] | None = None, *, htmx: bool = False) -> float:
    from django.test import Client

    client = Client(headers={"host": "localhost", **({"HX-Request": "true"} if htmx else {})})
    if client.get(address, parameters).status_code != 200:  # the first also compiles templates
        raise RuntimeError(f"{address} did not answer")
    return statistics.median(
        _timed(lambda: client.get(address, parameters)) for _number in range(REPEATS)
    )


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_run(Path(sys.argv[1]))))
