"""Printed papers: a template and its facts become a PDF."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING

import segno
from django.template.loader import render_to_string
from django.utils import translation

if TYPE_CHECKING:
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

logger = logging.getLogger(__name__)

# Pango's font map is not safe between threads, and one is kept for the whole process.
_drawing = threading.Lock()


class ForeignResource(Exception):
    """A paper asked for something that is not inside it: a file, an address, another page."""


def render(template_name: str, context: dict, *, is_form: bool = False) -> bytes:
    """The PDF of one paper, in Vietnamese whoever asked for it.

    Values are escaped by the template engine, so markup in them is printed as typed. With
    `is_form`, `<input>` and `<textarea>` become fields that can be filled in. The same
    input gives the same bytes. Raises `ForeignResource` when the paper names anything but
    a `data:` URI, and whatever the template raises (SECURITY.md 2.5, PDF01 and PDF02).
    """
    # Imported here: it takes one to two seconds, which no web process should pay at start.
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError

    with translation.override("vi"):
        html = render_to_string(template_name, context)
    with _drawing:
        fetcher = _fetcher()
        fetcher.refused.clear()
        try:
            pdf = HTML(string=html, url_fetcher=fetcher).write_pdf(
                font_config=fonts(), pdf_forms=is_form, pdf_tags=True, pdf_identifier=True
            )
        except FatalURLFetchingError:  # not an Exception: nothing above would catch it
            pdf = b""
        refused = ", ".join(fetcher.refused)
    if refused:
        logger.error("%s asked for %s", template_name, refused)
        raise ForeignResource(f"{template_name} asked for {refused}")
    return pdf


def qr_svg_data_uri(text: str) -> str:
    """`text` as a QR code (error level M) in a `data:` URI, for `<img src>`."""
    return segno.make_qr(text, error="m").svg_data_uri(border=0, omitsize=True)


@functools.cache
def fonts() -> FontConfiguration:
    """The fonts of this process: reading them takes longer than a paper."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


@functools.cache
def _fetcher() -> URLFetcher:
    """Lets `data:` URIs through and ends the drawing at anything else.

    WeasyPrint's own fetcher reads any file and any address (SECURITY.md 0.4). `refused`
    keeps what was asked for, since a picture inside an SVG fails without a word.
    """
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class DataOnly(URLFetcher):
        def __init__(self) -> None:
            super().__init__(allowed_protocols={"data"}, allow_redirects=False, fail_on_errors=True)
            self.refused: list[str] = []

        def fetch(self, url: str, headers: dict | None = None) -> URLFetcherResponse:
            try:
                return super().fetch(url, headers)
            except Exception:
                self.refused.append(url[:200])
                raise

    return DataOnly()
