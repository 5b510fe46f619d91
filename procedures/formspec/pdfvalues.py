"""What a PDF holds, read in a process of its own with little to lose.

`ask` has `procedures.bounded` run it: a small file can unpack into gigabytes (SECURITY.md 2.3,
U07). Scripts, XFA, attachments, pictures and pages are never looked at.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from procedures import bounded
from procedures.bounded import Fault

MAX_PAGES = 50
MAX_FIELDS = 3000
MAX_DEPTH = 12
MAX_NAME = 300
MAX_VALUE = 4000
MAX_ALL_VALUES = 400_000


def ask(content: bytes, what: str) -> dict[str, Any]:
    """`{what: answer}` of a PDF from a process without our secrets, or `{"fault": word}`.

    `what` is one of `READERS`; the words are theirs and those of `bounded.ask`.
    """
    return bounded.ask(__name__, what, content)


def read_values(content: bytes) -> dict[str, str]:
    """Full field name -> what is in it: text as typed, the chosen option, `on` for a tick.

    Empty fields are "". Raises `Fault`: `encrypted`, `broken`, `pages`, `no_fields`,
    `too_many`.
    """
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if not 0 < len(pdf.pages) <= MAX_PAGES:
                raise Fault("pages")
            form = pdf.Root.get("/AcroForm")
            if not isinstance(form, pikepdf.Dictionary) or not form.get("/Fields"):
                raise Fault("no_fields")
            return _collect(form.Fields)
    except pikepdf.PasswordError:
        raise Fault("encrypted") from None
    except pikepdf.PdfError:
        raise Fault("broken") from None


def count_pages(content: bytes) -> int:
    """How many pages there are. Raises `Fault`: `encrypted`, `broken`."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            return len(pdf.pages)
    except pikepdf.PasswordError:
        raise Fault("encrypted") from None
    except pikepdf.PdfError:
        raise Fault("broken") from None


READERS = {
    "values": lambda source, target: {"values": read_values(source.read())},
    "pages": lambda source, target: {"pages": count_pages(source.read())},
}


def _collect(fields: Any) -> dict[str, str]:
    values: dict[str, str] = {}
    size = 0
    for count, (name, field, kind) in enumerate(_leaves(fields, "", "", 0)):
        if count >= MAX_FIELDS or size > MAX_ALL_VALUES:
            raise Fault("too_many")
        if kind in {"/Tx", "/Btn", "/Ch"} and name not in values:
            value = _chosen(field) if kind == "/Btn" else _typed(field)
            values[name] = value[:MAX_VALUE]
            size += len(values[name])
    if not values:
        raise Fault("no_fields")
    return values


def _leaves(fields: Any, before: str, kind: str, depth: int) -> Iterator[tuple[str, Any, str]]:
    """Every field that holds a value, with its full name and its inherited type."""
    if depth > MAX_DEPTH:
        raise Fault("too_many")
    for field in fields:
        part = str(field.get("/T", ""))
        name = f"{before}.{part}".strip(".")[:MAX_NAME]
        own = str(field.get("/FT", kind))
        below = [kid for kid in field.get("/Kids", []) if "/T" in kid]
        if below:
            yield from _leaves(below, name, own, depth + 1)
        else:
            yield name, field, own


def _typed(field: Any) -> str:
    import pikepdf

    value = field.get("/V")
    if isinstance(value, pikepdf.Array):
        value = value[0] if len(value) else None
    if isinstance(value, pikepdf.Name):
        return str(value).removeprefix("/")
    if isinstance(value, pikepdf.Stream):
        # A long text may be one; what it unpacks to is held by the limit of memory.
        value = pikepdf.String(value.read_bytes()[: 2 * MAX_VALUE])
    return "" if value is None else str(value)


def _chosen(field: Any) -> str:
    """The option of a radio group by its export value, or `on`; "" for nothing chosen."""
    options = [str(option) for option in field.get("/Opt", [])]
    kids = list(field.get("/Kids", []))
    state = _typed(field)
    if state in {"", "Off"}:
        # Some viewers turn the button on and leave the field's own value as it was.
        states = [str(kid.get("/AS", "/Off")).removeprefix("/") for kid in kids or [field]]
        found = [(index, one) for index, one in enumerate(states) if one != "Off"]
        if not found:
            return ""
        index, state = found[0]
        state = options[index] if index < len(options) else state
    if state in options:
        return state
    if options and state.isdigit() and int(state) < len(options):
        return options[int(state)]
    return state if kids else "on"
