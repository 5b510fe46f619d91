"""How much one request may bring, asked before any of it is written to the disk."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


class BoundedRequest(FileUploadHandler):
    """Refuses a request with files by its announced length, and leaves the files to the others.

    Django itself bounds only what is no file. Each page bounds its own files once they are
    there; this keeps a stranger from filling the disk on the way.
    """

    def handle_raw_input(
        self, input_data: Any, META: dict, content_length: int, *args: Any, **kwargs: Any
    ) -> None:
        """Raise `RequestDataTooBig` (status 400) past `MAX_REQUEST_MB`."""
        if content_length > settings.MAX_REQUEST_MB * 1024 * 1024:
            raise RequestDataTooBig("more than MAX_REQUEST_MB")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand on."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Keep nothing."""
