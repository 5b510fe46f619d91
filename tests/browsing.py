"""A citizen at a browser without scripts: speaks HTTP to a real server and sends its forms.

Knows cookies, redirects and what a form would send, hidden fields too, so it goes on
working when a page gets another one. For load and fault tests against this machine alone.
"""

from __future__ import annotations

import http.client
import mimetypes
import re
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT = 120  # seconds that a citizen waits for one answer


def _is_on(kind: str, given: dict[str, str]) -> bool:
    return kind not in {"radio", "checkbox"} or "checked" in given


class _Forms(HTMLParser):
    """The forms of a page: each with its address, its fields and their values."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self._textarea = self._select = ""

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": [], "names": set()})
        elif self.forms and (name := given.get("name")):
            self.forms[-1]["names"].add(name)
            self._field(tag, name, given)
        elif tag == "option" and self._select and "selected" in given:
            self.forms[-1]["fields"].append((self._select, given.get("value", "")))

    def _field(self, tag: str, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if tag == "textarea":
            self._textarea = name
        elif tag == "select":
            self._select = name
        elif tag == "input" and kind not in {"submit", "button", "file"} and _is_on(kind, given):
            nothing = "on" if kind in {"radio", "checkbox"} else ""
            self.forms[-1]["fields"].append((name, given.get("value", nothing)))

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1]["fields"].append((self._textarea, data.lstrip("\n")))
            self._textarea = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""


@dataclass
class Answer:
    """What the server answered, after following redirects."""

    status: int
    url: str
    text: str
    content: bytes = b""

    def form(self, *names: str) -> dict[str, Any]:
        """The first form that has all these fields, or, without any, that of the page itself.

        Raises `LookupError` where there is none.
        """
        parser = _Forms()
        parser.feed(self.text)
        for form in parser.forms:
            if form["names"] >= set(names) and (names or not form["action"]):
                return form
        raise LookupError(f"no form with {names} on {self.url} ({self.status})")


@dataclass
class Citizen:
    """One person's browser; `session` is the key of a session that is logged in already."""

    host: str
    port: int
    session: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.session:
            self.cookies["session"] = self.session

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._follow("GET", path, b"", {})

    def send(
        self, page: Answer, *names: str, files: list[tuple[str, str, bytes]] = (), **values: Any
    ) -> Answer:
        """Send the form of `page` that has `names`, with `values` (lists for several) in it."""
        form = page.form(*names)
        fields = [(name, value) for name, value in form["fields"] if name not in values]
        for name, value in values.items():
            fields += [(name, each) for each in (value if isinstance(value, list) else [value])]
        body, kind = _multipart(fields, files) if files else (urlencode(fields).encode(), _PLAIN)
        return self._follow("POST", urljoin(page.url, form["action"]), body, {"Content-Type": kind})

    def _follow(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        for _step in range(6):
            answer, place = self._once(method, path, body, headers)
            if not place:
                return answer
            method, path, body, headers = "GET", urljoin(path, place), b"", {}
        raise RuntimeError(f"too many redirects: {path}")

    def _once(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[Answer, str]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"Host": f"localhost:{self.port}", "Cookie": cookie}
        try:
            parts = urlsplit(path)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body, {**own, **headers})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            name, value = re.match(r"([^=]+)=([^;]*)", line).groups()
            self.cookies[name] = value
        text = content.decode("utf-8", "replace")
        return Answer(response.status, target, text, content), response.headers.get("Location", "")


_PLAIN = "application/x-www-form-urlencoded"


def _multipart(
    fields: list[tuple[str, Any]], files: list[tuple[str, str, bytes]]
) -> tuple[bytes, str]:
    mark = secrets.token_hex(12)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    for name, file, content in files:
        kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
