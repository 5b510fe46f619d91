"""Signing a two-page result twice, and checking it: together under a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

SAID = {"reason": "Phê duyệt kết quả", "location": "Gio Linh"}
TIMES = 10


def measure() -> Iterator[str]:
    """Printing, both signatures and the check, once cold and then the median of ten."""
    from django.contrib.auth import get_user_model

    from dossiers import signing
    from procedures import papers

    approver = get_user_model()(email="nguoi.ky@example.vn", full_name="Lê Quang Vũ")

    def printed() -> bytes:
        return signing.with_places(papers.render("papers/result.html", _paper()))

    def approved() -> bytes:
        signer = signing.person_signer(approver)
        return signing.sign_as_person(unsigned, signer, name="Lê Quang Vũ", **SAID)

    first, unsigned = _timed(printed)
    yield f"print, first in a process: {first:.0f} ms; then {_median(printed):.0f} ms"
    first, signed = _timed(approved)
    person = _median(approved)
    yield f"approver's signature: {first:.0f} ms with making the demo key; then {person:.0f} ms"
    first, sealed = _timed(lambda: signing.seal(signed, **SAID))
    seal = _median(lambda: signing.seal(signed, **SAID))
    yield f"office's seal: {first:.0f} ms; then {seal:.0f} ms"
    first, verdict = _timed(lambda: signing.check(sealed))
    check = _median(lambda: signing.check(sealed))
    yield f"check: {first:.0f} ms; then {check:.0f} ms; genuine: {verdict.is_genuine}"
    yield f"signing twice and checking: {person + seal + check:.0f} ms (at most 1000)"


def _paper() -> dict:
    words = "Hỗ trợ chi phí mai táng theo quy định hiện hành của pháp luật về trợ giúp xã hội. " * 3
    facts = {
        "parent_office": "", "office": "Ủy ban nhân dân xã Gio Linh", "office_phone": "",
        "place": "Gio Linh", "issued_at": "2026-11-24T09:05:00+07:00", "is_sample": True,
        "code": "000.00.61.H50-261124-0001", "number": "01/QĐ-UBND", "kind": "QUYẾT ĐỊNH",
        "subject": "Về việc hỗ trợ chi phí mai táng", "authority": "CHỦ TỊCH", "opening": "",
        "grounds": [words], "rows": [], "articles": [{"paragraphs": [words]}] * 10,
        "recipients": ["Lưu: VT."], "signer_title": ["CHỦ TỊCH"], "signer": "Lê Quang Vũ",
        "appeal": [],
    }  # fmt: skip
    return {"facts": facts, "check_url": "", "qr": ""}


def _timed[T](call: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds, and what it gave."""
    start = time.perf_counter()
    given = call()
    return (time.perf_counter() - start) * 1000, given


def _median(call: Callable[[], object]) -> float:
    return statistics.median(_timed(call)[0] for _ in range(TIMES))
