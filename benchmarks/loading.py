"""Loading the whole national catalogue and putting it in force, against reading its JSON.

Each measure is a process of its own, so that its time and its peak memory are its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

NATIONAL_FILE = settings.BASE_DIR.parent / "shared" / "data" / "national" / "procedures.jsonl.xz"
GENERATED = 1000


def measure() -> Iterator[str]:
    """Time, memory (MB at the peak) and longest transaction, as ratios to the bare parse."""
    with tempfile.TemporaryDirectory(prefix="mot-cua-loading-") as folder:
        file = NATIONAL_FILE
        if not file.exists():
            yield f"the national file is not at hand: measured with {GENERATED} rows made up"
            file = _made_up(Path(folder))
        bare = _child("parse", file, folder)
        yield f"bare JSON parse: {bare['seconds']:.2f} s, {bare['memory']:.0f} MB"
        with _databases(folder) as urls:
            for vendor, url in urls.items():
                yield from _loaded(vendor, bare, file, folder, url)


def _loaded(vendor: str, bare: dict, file: Path, folder: str, url: str) -> Iterator[str]:
    for what in ("load and publish", "load again"):
        found = _child("load", file, folder, url)
        yield (
            f"{vendor}, {what}: {found['seconds']:.1f} s ({found['seconds'] / bare['seconds']:.0f}"
            f" x the parse), {found['memory']:.0f} MB ({found['memory'] / bare['memory']:.1f} x),"
            f" longest transaction {found['longest']:.2f} s"
        )


@contextmanager
def _databases(folder: str) -> Iterator[dict[str, str]]:
    """Empty databases with their tables: SQLite, and PostgreSQL where the tests have one."""
    from tests import postgres

    urls = {"SQLite": f"sqlite:///{folder}/loading.sqlite3"}
    holder = None
    try:
        holder, urls["PostgreSQL"] = postgres.start()
    except (ImportError, RuntimeError):
        print("   no PostgreSQL at hand: measured on SQLite alone")
    try:
        for url in urls.values():
            _child("migrate", NATIONAL_FILE, folder, url)
        yield urls
    finally:
        if holder:
            postgres.stop(holder)


def _made_up(folder: Path) -> Path:
    """As many rows as make a measure, in the shape and about the size of the real ones."""
    file = folder / "made-up.jsonl"
    fee = {"amount": 50000, "note": "Mỗi giấy"}
    paper = {"group": "", "name": "Đơn đề nghị theo mẫu. " * 8, "originals": 1, "copies": 0}
    with file.open("w", encoding="utf-8") as lines:
        for number in range(GENERATED):
            row = {
                "code": f"9.{number:06}",
                "name": f"Thủ tục dùng để đo số {number}",
                "field": f"Lĩnh vực {number % 50}",
                "decision": "1/QĐ",
                "level": "Cấp Xã",
                "steps": "Nộp hồ sơ, chờ, rồi nhận kết quả. " * 60,
                "channels": [
                    {"channel": kind, "duration": 3, "unit": "working_day", "fees": [fee]}
                    for kind in ("online", "direct", "postal")
                ],
                "documents": [paper] * 5,
                "legal_basis": [{"title": "Luật", "number": f"{law}/2026/QH16"} for law in "1234"],
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return file


# --- In a process of its own ----------------------------------------------------------


def _child(what: str, file: Path, folder: str, url: str = "") -> dict[str, float]:
    """What the process says of itself: seconds, memory in MB, longest transaction."""
    environment = {**os.environ, "VAR_DIR": folder, **({"DATABASE_URL": url} if url else {})}
    arguments = [sys.executable, "-m", "benchmarks.loading", what, str(file)]
    done = subprocess.run(
        arguments, env=environment, check=True, capture_output=True, text=True,
        cwd=settings.BASE_DIR,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _run(what: str, file: Path) -> dict[str, float]:
    started = time.perf_counter()
    longest = {"parse": _parse, "migrate": _migrate, "load": _load}[what](file)
    return {
        "seconds": time.perf_counter() - started,
        "memory": _peak_memory(),
        "longest": longest,
    }


def _peak_memory() -> float:
    """The most MB that this program ever held.

    Linux keeps in `ru_maxrss` what the parent held when it started us, so its own record
    comes first.
    """
    import resource

    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return (own or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])[0] / 1024


def _parse(file: Path) -> float:
    from procedures.loading.sources import lines_of

    for _number, line in lines_of(file):
        json.loads(line)
    return 0.0


def _migrate(_file: Path) -> float:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return 0.0


def _load(file: Path) -> float:
    from django.core.management import call_command

    with _timed_transactions() as times:
        call_command("loadprocedures", file, publish=True, stderr=open(os.devnull, "w"))  # noqa: SIM115 - the process ends here
    return max(times, default=0.0)


@contextmanager
def _timed_transactions() -> Iterator[list[float]]:
    """The seconds of every outermost transaction, from its BEGIN to its COMMIT."""
    from django.db import transaction

    times: list[float] = []
    enter, leave, begun = transaction.Atomic.__enter__, transaction.Atomic.__exit__, []

    def timed_enter(atomic):
        begun.append(time.perf_counter())
        return enter(atomic)

    def timed_leave(atomic, *error):
        try:
            return leave(atomic, *error)
        finally:
            seconds = time.perf_counter() - begun.pop()
            if not begun:
                times.append(seconds)

    transaction.Atomic.__enter__, transaction.Atomic.__exit__ = timed_enter, timed_leave
    try:
        yield times
    finally:
        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = enter, leave


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_run(sys.argv[1], Path(sys.argv[2]))))
