"""Open data: the page that explains it, and the files.

Whoever asks again for what they had gets 304 after one look at the catalogue's version; the
large files are kept finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import condition, require_safe

from procedures import opendata, opendatafiles
from procedures.models import Procedure

JSON = "application/json; charset=utf-8"
JSON_LINES = "application/x-ndjson; charset=utf-8"
CSV = "text/csv; charset=utf-8"

# What each key says, in the order of the file; docs/open-data.md has the same.
KEYS = {
    "ma": _("Mã thủ tục trong danh mục quốc gia; là chữ, không phải số."),
    "ten": _("Tên đầy đủ theo quyết định công bố."),
    "ten_goi_ngan": _("Tên ngắn dùng trên cổng."),
    "linh_vuc": _("Lĩnh vực."),
    "cap_giai_quyet": _("Cấp của cơ quan giải quyết."),
    "muc_do": _("Mức độ dịch vụ công trực tuyến, từ 1 đến 4."),
    "truc_tuyen": _("Nộp trực tuyến: không, một phần hay toàn trình."),
    "quyet_dinh_cong_bo": _("Số quyết định công bố thủ tục."),
    "ap_dung_tu": _("Ngày bắt đầu áp dụng."),
    "cap_nhat_luc": _("Lúc bản này được đưa lên cổng."),
    "trang": _("Trang của thủ tục trên cổng."),
    "du_lieu": _("Địa chỉ tệp đầy đủ của một thủ tục."),
    "doi_tuong": _("Ai làm được thủ tục."),
    "yeu_cau_dieu_kien": _("Yêu cầu, điều kiện."),
    "cach_thuc": _("Các cách nộp, mỗi cách với thời hạn của nó."),
    "phi_le_phi": _("Các khoản phí, lệ phí; mức thu để trống nghĩa là chưa biết, không phải miễn."),
    "thanh_phan_ho_so": _("Giấy tờ phải có, với số bản chính và bản sao."),
    "trinh_tu": _("Các bước thực hiện."),
    "ket_qua": _("Kết quả của thủ tục."),
    "can_cu_phap_ly": _("Văn bản làm căn cứ: số hiệu và trích yếu."),
}


@require_safe
def explained(request: HttpRequest) -> HttpResponse:
    """What there is, what it may be used for, and what its words mean."""
    context = {
        "keys": KEYS.items(),
        "scheme": opendata.SCHEME,
        "count": Procedure.objects.filter(current__isnull=False).count(),
        "changed_at": opendata.state(request).changed_at,
    }
    return render(request, "procedures/open_data.html", context)


def _file(kind: str) -> Callable[[Callable], Callable]:
    """A file of this kind: by GET or HEAD alone, open to all, and 304 while nothing changed."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        conditional = condition(
            etag_func=lambda request, **_path: opendata.state(request).tag(kind),
            last_modified_func=lambda request, **_path: opendata.state(request).changed_at,
        )

        def answer(request: HttpRequest, **path: Any) -> HttpResponse:
            response = conditional(view)(request, **path)
            if response.has_header("Content-Encoding"):
                # Packed, it is not the same byte for byte (RFC 9110, 8.8.1).
                response.headers["ETag"] = f"W/{response.headers['ETag']}"
            # Anybody may keep it, if they ask each time whether it is still the newest.
            response.headers["Cache-Control"] = "public, no-cache"
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            return response

        return require_safe(answer)

    return decorate


def _kept(request: HttpRequest, name: str, **how: Any) -> HttpResponse:
    """A finished file, packed for who takes it so: to pack it each time costs seconds too."""
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    file = opendatafiles.opened(name, is_packed=is_packed)
    response = FileResponse(file, filename=name, **how)
    patch_vary_headers(response, ["Accept-Encoding"])
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@_file("danh-sach")
def procedures(request: HttpRequest) -> HttpResponse:
    """The list, a line for each procedure in force."""
    return _kept(request, "thu-tuc.json", content_type=JSON)


@_file("toan-bo")
def everything(request: HttpRequest) -> HttpResponse:
    """Every procedure whole, one JSON object to a line."""
    return _kept(request, "thu-tuc.jsonl", content_type=JSON_LINES)


@_file("bang")
def as_csv(request: HttpRequest) -> HttpResponse:
    """The catalogue for a spreadsheet."""
    return _kept(request, "thu-tuc.csv", content_type=CSV, as_attachment=True)


@_file("thu-tuc")
def procedure(request: HttpRequest, code: str) -> HttpResponse:
    """One procedure whole."""
    found = opendata.in_force().filter(code=code).first()
    if found is None:
        raise Http404
    return HttpResponse(opendata.json_text(opendata.document(found)), content_type=JSON)


def _json(rows: list) -> HttpResponse:
    document = {"luoc_do": opendata.SCHEME, "du_lieu": rows}
    return HttpResponse(opendata.json_text(document), content_type=JSON)


@require_safe
def offices(request: HttpRequest) -> HttpResponse:
    """The offices that work today."""
    return _json(opendata.offices())


@require_safe
def life_events(request: HttpRequest) -> HttpResponse:
    """The events of life, with their procedures."""
    return _json(opendata.life_events())
