"""The fields of a blank form's PDF, arranged as viewers and readers expect them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pikepdf

_TICK_FONT = "/ZaDb 0 Tf 0 g"


def arrange(pdf: bytes, *, constants: Mapping[str, str], titles: Mapping[str, str]) -> bytes:
    """`pdf` with read-only `constants`, and its fields as ISO 32000-2, 12.7 wants them.

    WeasyPrint writes each name with its dots into one flat field, and lists the buttons of
    a radio group a second time beside the group. `titles` (by the name of the field) are
    what a viewer shows and a screen reader says of each.
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        form = document.Root.get("/AcroForm")
        if form is None:
            form = document.Root.AcroForm = pikepdf.Dictionary(Fields=[], DR={})
        flat = [field for field in form.Fields if "/Parent" not in field]
        for field in form.Fields:
            _mend(field, titles)
        _add_tick_font(form.DR)
        flat += [_constant(document, *row) for row in constants.items()]
        form.Fields = _as_tree(document, flat)
        target = io.BytesIO()
        document.save(target, deterministic_id=True)
    return target.getvalue()


def _add_tick_font(resources: pikepdf.Object) -> None:
    """ZapfDingbats, one of the fonts that every viewer brings along."""
    import pikepdf

    if "/Font" not in resources:
        resources.Font = pikepdf.Dictionary()
    resources.Font.ZaDb = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.ZapfDingbats
    )


def _mend(field: pikepdf.Object, titles: Mapping[str, str]) -> None:
    """Make one field of WeasyPrint's such that viewers show what is typed or ticked."""
    import pikepdf

    if "/Parent" in field:
        # A button of a radio group is named by the group.
        for key in {"/T", "/TU"} & set(field.keys()):
            del field[key]
        return
    title = titles.get(str(field.T))
    if title:
        field.TU = pikepdf.String(title)
    if field.FT == "/Btn" and "/Kids" not in field:
        field.DA = pikepdf.String(_TICK_FONT)
        field.MK.CA = pikepdf.String("8")  # a cross in the font ZapfDingbats
    elif "/DA" in field:
        # A graphics state has no business in a field's default appearance.
        field.DA = pikepdf.String(re.sub(r"^/\S+ gs ", "", str(field.DA)))


def _constant(document: pikepdf.Pdf, name: str, value: str) -> pikepdf.Object:
    """A hidden read-only text field on the first page."""
    import pikepdf

    page = document.pages[0]
    field = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx,
            T=pikepdf.String(name), V=pikepdf.String(value), DA=pikepdf.String(_TICK_FONT),
            Ff=1, F=2, Rect=[0, 0, 0, 0], P=page.obj,
        )
    )  # fmt: skip
    if "/Annots" not in page.obj:
        page.obj.Annots = pikepdf.Array()
    page.obj.Annots.append(field)
    return field


def _as_tree(document: pikepdf.Pdf, flat: list[pikepdf.Object]) -> pikepdf.Array:
    """The fields under parents by the parts of their names; returns the topmost ones."""
    import pikepdf

    top = pikepdf.Array()
    parents: dict[str, pikepdf.Object] = {}

    def parent(path: str) -> pikepdf.Object:
        if path not in parents:
            above, _dot, last = path.rpartition(".")
            parents[path] = document.make_indirect(
                pikepdf.Dictionary(T=pikepdf.String(last), Kids=pikepdf.Array())
            )
            attach(parents[path], above)
        return parents[path]

    def attach(field: pikepdf.Object, path: str) -> None:
        if not path:
            top.append(field)
            return
        field.Parent = parent(path)
        field.Parent.Kids.append(field)

    for field in flat:
        above, _dot, last = str(field.T).rpartition(".")
        field.T = pikepdf.String(last)
        attach(field, above)
    return top
