"""The citizen's check of a draft result: each line right, or wrong and how it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dossiers.models import Dossier
from procedures.text import in_vietnamese, normalise

MAX_LINE = 500
MAX_WORDS = 2000


def silence_agrees(dossier: Dossier) -> bool:
    """Whether no answer in time counts as agreement (`confirm_by_silence`)."""
    return any(step.get("no_answer") == "agree" for step in dossier.revision.steps)


@dataclass
class Line:
    """One line of the draft, and what the citizen said of it."""

    number: int
    text: str
    is_wrong: bool = False
    right: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        """The id of its input."""
        return f"id_right_{self.number}"


class DraftCheck:
    """The lines of a draft result as a form; `data` is what was sent or typed before."""

    def __init__(self, dossier: Dossier, data: Mapping[str, Any] | None = None):
        texts = [text.strip() for text in dossier.draft_result.splitlines()]
        self.lines = [Line(i, text) for i, text in enumerate(filter(None, texts), start=1)]
        self.silence_agrees = silence_agrees(dossier)
        self.reason = _text(data, "reason", MAX_WORDS)
        self.error = ""
        wrong = set(data.getlist("wrong")) if data is not None else set()
        for line in self.lines:
            line.right = _text(data, f"right_{line.number}", MAX_LINE)
            # Words in the box say it as clearly as the tick.
            line.is_wrong = bool(line.right) or str(line.number) in wrong

    def is_valid(self, *, agrees: bool) -> bool:
        """Whether it says one thing: all is right, or what is wrong and how it should be."""
        wrong = [line for line in self.lines if line.is_wrong]
        if agrees:
            if wrong or self.reason:
                self.error = _(
                    "Ông/bà vừa ghi chỗ sai vừa bấm đồng ý. Nếu còn chỗ sai, hãy bấm “Gửi những "
                    "chỗ sai”; nếu đúng hết, hãy xóa các chỗ đã ghi."
                )
            return not self.error
        for line in wrong:
            if not line.right:
                line.error = _("Hãy viết lại cho đúng dòng “%(text)s”.") % {"text": line.text}
        if not wrong and not self.reason:
            self.error = _("Hãy ghi những chỗ cần sửa trong bản dự thảo.")
        return not self.summary_errors()

    def summary_errors(self) -> list[tuple[str, str]]:
        """(id of the input, message) for the summary on top."""
        found = [("", self.error)] if self.error else []
        return found + [(line.id, line.error) for line in self.lines if line.error]

    @in_vietnamese
    def objection(self) -> str:
        """What is wrong as the officer reads it, a line each; "" for nothing."""
        said = [
            _("Dòng %(number)d “%(text)s” – sửa thành: “%(right)s”")
            % {"number": line.number, "text": line.text, "right": line.right}
            for line in self.lines
            if line.is_wrong
        ]
        return "\n".join([*said, self.reason]).strip()


def _text(data: Mapping[str, Any] | None, name: str, most: int) -> str:
    return normalise(str(data.get(name, "")))[:most].strip() if data is not None else ""
