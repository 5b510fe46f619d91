"""Filing: what a step of the form costs, what a page weighs, and two hundred people at once.

A step is compared with the cheapest POST that does the same kind of thing: it reads the
session and the user and commits one row, through the same middleware in the same process.
"""

import gzip
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

REPEATS = 60
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "200"))
PORT = int(os.environ.get("BENCH_PORT", "8791"))
BUDGET = 80_000  # bytes over the wire for the first view of a page
LONGEST = 900  # seconds after which the crowd is sent home
RETRIES = 20
_FILE = r"/ho-so/tep/([A-Za-z0-9_-]{22})/"  # how a page that keeps a file shows it


def bare(request: HttpRequest) -> HttpResponse:
    """Read the session and the user, commit one row, and lead on."""
    from django.utils import timezone

    request.user.last_login = timezone.now()
    request.user.save(update_fields=["last_login"])
    return HttpResponseRedirect("/healthz")


def measure() -> Iterator[str]:
    """A step as a ratio to a bare POST, pages against their budget, and the crowd."""
    yield from _step()
    yield from _weights()
    yield from _crowd()


# --- One step -------------------------------------------------------------------------


def _step() -> Iterator[str]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings
    from django.urls import reverse

    from tests import factories

    draft = factories.draft(factories.BIRTH)
    client = Client(headers={"host": "localhost"})
    client.force_login(draft.owner)
    addresses = (path("bare/", bare), path("", include("portal.urls")))
    with override_settings(ROOT_URLCONF=addresses):
        for section in ("truong_hop", "be"):
            data = factories.posted(factories.BIRTH, section)
            address = reverse("dossiers:section", args=[draft.key, section])
            acts = {"bare": ("/bare/", {}), "step": (address, data)}
            times: dict[str, list[float]] = {name: [] for name in acts}
            for _number in range(REPEATS):
                for name, (target, values) in acts.items():
                    times[name].append(_timed(client, target, values))
            with CaptureQueriesContext(connection) as queries:
                client.post(address, data)
            step, least = statistics.median(times["step"]), statistics.median(times["bare"])
            yield (
                f"saving the section “{section}”: {step:.1f} ms, {len(queries)} queries;"
                f" {step / least:.2f} x a bare POST ({least:.1f} ms)"
            )


def _timed(client, target: str, values: dict) -> float:
    body = urlencode(values)  # as a form without files is sent
    started = time.perf_counter()
    response = client.post(target, body, content_type="application/x-www-form-urlencoded")
    took = (time.perf_counter() - started) * 1000
    if response.status_code != 302:
        raise RuntimeError(f"{target} answered {response.status_code}")
    return took


# --- What pages weigh -----------------------------------------------------------------


def _weights() -> Iterator[str]:
    from django.test import Client

    from tests import factories

    person = factories.user()
    client = Client(headers={"host": "localhost"})
    client.force_login(person)
    weights = {name: _weight(client, address) for name, address in _pages(person).items()}
    heaviest = max(weights, key=weights.get)
    yield (
        f"{len(weights)} citizen pages with all they load, gzip: median"
        f" {statistics.median(weights.values()) / 1000:.0f} kB; heaviest “{heaviest}”"
        f" {weights[heaviest] / 1000:.0f} kB, {weights[heaviest] / BUDGET:.2f} x the budget"
    )


def _pages(person) -> dict[str, str]:
    from django.urls import reverse

    from tests import factories

    draft = factories.draft(factories.BIRTH, owner=person)
    filed = factories.filed(factories.FUNERAL, owner=person)
    sections = [f"section {row.id}" for row in draft.revision.form.sections if not row.when]
    names = ("draft", "office", "documents", "check")
    return {
        "home": reverse("home"),
        "list": reverse("procedures:list"),
        "track": reverse("dossiers:track"),
        "sign up": reverse("account_signup"),
        "mine": reverse("dossiers:mine"),
        "procedure": draft.revision.procedure.get_absolute_url(),
        "start": reverse("dossiers:start", args=[draft.revision.procedure.code]),
        **{name: reverse(f"dossiers:{name}", args=[draft.key]) for name in names},
        **{
            name: reverse("dossiers:section", args=[draft.key, name.split()[1]])
            for name in sections
        },
        "filed": reverse("dossiers:filed", args=[filed.code]),
        "detail": reverse("dossiers:detail", args=[filed.code]),
    }


def _weight(client, address: str) -> int:
    """Bytes over the wire of a page and of everything of ours that it loads at once."""
    response = client.get(address, follow=True)
    page = response.content.decode()
    if response.status_code != 200:
        raise RuntimeError(f"{address} answered {response.status_code}")
    found = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="(/static/[^"]+)"', page)
    files = {settings.STATIC_ROOT / row.removeprefix("/static/").split("#")[0] for row in found}
    return sum(len(gzip.compress(body, 6)) for body in [page.encode(), *map(_bytes, files)])


def _bytes(file: Path) -> bytes:
    return file.read_bytes()


# --- Two hundred at once --------------------------------------------------------------


def _crowd() -> Iterator[str]:
    from tests import postgres

    try:
        holder, url = postgres.start()
    except (ImportError, RuntimeError):
        yield "no PostgreSQL at hand: the crowd stays at home"
        return
    with tempfile.TemporaryDirectory(prefix="mot-cua-crowd-") as folder:
        environment = {
            **os.environ, "DATABASE_URL": url, "VAR_DIR": folder, "PORT": str(PORT),
            "SITE_URL": f"http://localhost:{PORT}", "STATIC_ROOT": str(settings.STATIC_ROOT),
        }  # fmt: skip
        try:
            people = json.loads(_child("prepare", environment))
            yield from _together(people, environment)
        finally:
            postgres.stop(holder)


def _child(what: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "benchmarks.filing", what]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _together(people: list[dict], environment: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "manage.py", "serve", "--web-only", "--port", str(PORT)]
    server = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR)
    peaks: dict[int, int] = {}
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server.pid, peaks, stop))
    try:
        _wait(PORT)
        yield from _slow_line(people.pop())
        watcher.start()
        started = time.perf_counter()
        outcomes = _run_all(people)
        took = time.perf_counter() - started
    finally:
        stop.set()
        server.terminate()
        server.wait(timeout=60)
    codes = [row["code"] for row in outcomes if "code" in row]
    faults = [row["fault"] for row in outcomes if "fault" in row]
    acknowledged = {row["code"]: row["files"] for row in outcomes if "code" in row}
    kept = json.loads(_child("count", environment))
    lost = [c for c, files in acknowledged.items() if sorted(kept.get(c, [])) != sorted(files)]
    steps = sorted(step for row in outcomes for step in row.get("steps", [])) or [0.0]
    yield (
        f"{len(people)} people at once on PostgreSQL, two 1 MB photos each: {len(codes)} filed"
        f" in {took:.0f} s, {len(lost)} lost, {len(kept) - len(codes)} doubled,"
        f" {len(faults)} gave up"
    )
    yield (
        f"one answer in the crowd: median {statistics.median(steps):.2f} s, 95th of 100"
        f" {steps[int(len(steps) * 0.95)]:.2f} s; {sum(r.get('retries', 0) for r in outcomes)}"
        f" uploads sent again; workers at most"
        f" {max(peaks.values(), default=0) / 1024:.0f} MB each"
    )
    for fault in sorted(set(faults))[:5]:
        yield f"fault: {fault}"


def _slow_line(person: dict) -> Iterator[str]:
    """First views at 400 kbit/s with 0.3 s to each answer, in a browser that has nothing yet."""
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = ""
    if not chromium or not Path(chromium).exists():
        yield "no Chromium at hand: the slow line is not measured"
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address in (("home", "/"), ("start", f"/ho-so/moi/{person['procedure']}/")):
            seconds, size = _first_view(browser, person["session"], address)
            yield (
                f"“{name}” at 400 kbit/s: {size / 1000:.0f} kB, readable after {seconds[0]:.1f} s,"
                f" whole after {seconds[1]:.1f} s, {seconds[1] / (size * 8 / 400_000):.1f} x what"
                " its bytes take"
            )
        browser.close()


def _first_view(browser, session: str, address: str) -> tuple[tuple[float, float], int]:
    """((first content, load) in seconds, bytes over the wire) of a page seen for the first time."""
    site = f"http://localhost:{PORT}"
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    context.add_cookies([{"name": "session", "value": session, "url": site}])
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    sizes: list[int] = []
    line.on("Network.loadingFinished", lambda told: sizes.append(int(told["encodedDataLength"])))
    speed = {"downloadThroughput": 50_000, "uploadThroughput": 50_000, "latency": 300}
    line.send("Network.emulateNetworkConditions", {"offline": False, **speed})
    page.goto(site + address, wait_until="load")
    seen = page.evaluate(
        "() => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime,"
        " performance.getEntriesByType('navigation')[0].loadEventStart]"
    )
    context.close()
    return ((seen[0] or seen[1]) / 1000, seen[1] / 1000), sum(sizes)


def _run_all(people: list[dict]) -> list[dict]:
    outcomes: list[dict] = [{"fault": "never came back"} for _person in people]

    def run(number: int) -> None:
        try:
            outcomes[number] = _file(people[number], number)
        except Exception as error:  # what one person met is counted, not raised
            outcomes[number] = {"fault": f"{type(error).__name__}: {error}"[:200]}

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(people))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LONGEST
    for thread in threads:
        thread.join(timeout=max(0, deadline - time.monotonic()))
    return outcomes


def _file(person: dict, number: int) -> dict:
    """One person's way from the start page to the code; what was acknowledged of it."""
    from tests.browsing import Citizen

    citizen = Citizen("127.0.0.1", PORT, session=person["session"])
    outcome: dict = {"steps": [], "retries": 0}

    def timed(act, *arguments, **values):
        started = time.perf_counter()
        answer = act(*arguments, **values)
        outcome["steps"].append(time.perf_counter() - started)
        return answer

    page = timed(citizen.get, f"/ho-so/moi/{person['procedure']}/")
    page = timed(citizen.send, page)
    base = "/ho-so/nhap/" + page.url.split("/ho-so/nhap/")[1].split("/")[0]
    for section, values in person["answers"].items():
        page = timed(citizen.get, f"{base}/phan/{section}/")
        page = timed(citizen.send, page, next(iter(values)), **values)
    page = timed(citizen.get, f"{base}/noi-giai-quyet/")
    timed(citizen.send, page, "office", office=person["office"])
    paper = person["paper"]
    for index in range(2):
        page = timed(citizen.get, f"{base}/giay-to/")
        for _attempt in range(RETRIES):
            photo = (paper, f"anh-{index}.jpg", _photo(number * 2 + index))
            page = timed(citizen.send, page, paper, files=[photo], add="1")
            if page.status not in {429, 503} and len(set(re.findall(_FILE, page.text))) > index:
                break
            outcome["retries"] += 1
            time.sleep(1 + random.random())  # noqa: S311 - people do not come in step
            page = timed(citizen.get, f"{base}/giay-to/")
    page = timed(citizen.get, f"{base}/kiem-tra/")
    page = timed(citizen.send, page, "seen", declare="on")
    outcome["code"] = re.search(r"/ho-so/([A-Z0-9.]+-[0-9]+-[0-9A-Z]+)/", page.url)[1]
    outcome["files"] = sorted(set(re.findall(r"\b[0-9a-f]{64}\b", page.text)))
    return outcome


def _photo(seed: int) -> bytes:
    """A JPEG of about 1 MB that is like no other: coarse noise, which does not pack."""
    from PIL import Image

    noise = random.Random(seed)  # noqa: S311 - a picture, not a secret
    small = Image.frombytes("RGB", (480, 360), noise.randbytes(480 * 360 * 3))
    file = BytesIO()
    small.resize((1920, 1440), Image.Resampling.BILINEAR).save(file, "JPEG", quality=93)
    return file.getvalue()


def _watch(server: int, peaks: dict[int, int], stop: threading.Event) -> None:
    """Note the peak memory (kB) of each worker of the web server."""
    while not stop.wait(0.5):
        children = Path(f"/proc/{server}/task/{server}/children")
        for pid in children.read_text().split() if children.exists() else []:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            found = re.search(r"VmHWM:\s+(\d+)", status)
            peaks[int(pid)] = int(found[1]) if found else 0


def _wait(port: int) -> None:
    from tests.browsing import Citizen

    for _attempt in range(120):
        try:
            if Citizen("127.0.0.1", port).get("/healthz").status == 200:
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError("the web server did not answer")


def _prepare() -> list[dict]:
    """Tables, procedures, and people who are logged in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from tests import factories

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("seed_demo", stdout=sys.stderr)
    code = factories.FUNERAL
    answers = {
        row.id: {k: str(v) for k, v in factories.posted(code, row.id).items()}
        for row in factories.procedure(code).current.form.sections
    }
    same = {
        "procedure": code, "answers": answers, "office": factories.COMMUNE,
        "paper": "giay_chung_tu",
    }  # fmt: skip
    people = []
    for _number in range(PEOPLE + 1):  # and one on a slow line
        person = factories.user()
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        people.append({"session": session.session_key, **same})
    return people


def _count() -> dict[str, list[str]]:
    """The digests of the files of every filed dossier, by its code."""
    from dossiers.models import Dossier

    filed = Dossier.objects.exclude(code=None).prefetch_related("attachments")
    return {row.code: [file.sha256 for file in row.attachments.all()] for row in filed}


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    print(json.dumps({"prepare": _prepare, "count": _count}[sys.argv[1]]()))
