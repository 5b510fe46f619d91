"""Why a procedure was found: the words of the query marked in its name, and a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from procedures.models import Procedure, Revision
from procedures.search.asking import Answer
from procedures.search.indexing import Catalogue
from procedures.search.wording import Word, codes_of, pieces_of, words_of
from procedures.text import fold

_ENOUGH = 0.75  # of the words


@dataclass(frozen=True)
class Reason:
    """A found procedure as a list shows it: its name with what matched marked, and why."""

    title: SafeString
    text: str


def marked(text: str, words: Iterable[Word]) -> SafeString:
    """`text` escaped, with `<mark>` around each run of the words that were asked for.

    A word asked without accents marks every word like it; with accents only itself.
    """
    exact = {word.accented for word in words}
    plain = {word.folded for word in words if word.is_plain}
    parts, run = [], ""
    for piece, word in pieces_of(text):
        is_asked = word is not None and (word.accented in exact or word.folded in plain)
        if is_asked or (run and word is None and piece.isspace()):
            run += piece
            continue
        parts += [_mark(run), escape(piece)]
        run = ""
    return mark_safe("".join([*parts, _mark(run)]))  # noqa: S308 - every part was escaped


def _mark(run: str) -> str:
    bare = run.rstrip()
    return format_html("<mark>{}</mark>{}", bare, run[len(bare) :]) if bare else escape(run)


def reason(answer: Answer, procedure: Procedure, catalogue: Catalogue) -> Reason:
    """Why `procedure` is in `answer`; its `current` revision must be loaded with its sector."""
    revision = procedure.current
    title = revision.short_name or revision.name
    asked = answer.telling_words
    meant = [word for meaning in answer.meanings for word in meaning.words if not word.is_weak]
    return Reason(marked(title, [*asked, *meant]), _text(answer, procedure, catalogue))


def _text(answer: Answer, procedure: Procedure, catalogue: Catalogue) -> str:
    revision = procedure.current
    if fold(procedure.code) in answer.codes:
        return _("Khớp mã thủ tục %(code)s") % {"code": procedure.code}
    result, papers, laws = _shown(answer, procedure, catalogue)
    law = _law(answer.codes, [*laws, revision.decision])
    if law:
        return _("Khớp số hiệu văn bản %(law)s") % {"law": law}
    asked = answer.telling_words
    if _share(asked, [revision.short_name]) >= _ENOUGH:
        return _("Khớp tên thủ tục")
    other = next((name for name in revision.also_called if _share(asked, [name]) >= _ENOUGH), "")
    if other:
        return _("Khớp tên thường gọi “%(name)s”") % {"name": other}
    return (
        _everyday(answer, procedure.code, revision)
        or _named(asked, revision, result, papers)
        or _("Khớp một phần: %(words)s") % {"words": _found_words(asked, revision, result, papers)}
    )


def _everyday(answer: Answer, code: str, revision: Revision) -> str:
    names = [revision.short_name, revision.name, *revision.also_called]
    for meaning in answer.meanings:
        if meaning.code == code:
            return _("Ông/bà hỏi “%(said)s”, đây là một thủ tục thuộc việc đó") % {
                "said": meaning.said
            }
        if meaning.words and _share(meaning.words, names) >= _ENOUGH:
            means = " ".join(word.typed for word in meaning.words)
            return _("“%(said)s” trong tên thủ tục là “%(means)s”") % {
                "said": meaning.said, "means": means,
            }  # fmt: skip
    return ""


def _named(asked: list[Word], revision: Revision, result: str, papers: list[str]) -> str:
    if _share(asked, [revision.name]) >= _ENOUGH:
        return _("Khớp tên đầy đủ của thủ tục")
    paper = next((paper for paper in papers if _share(asked, [paper]) >= _ENOUGH), "")
    if paper:
        return _("Khớp giấy tờ phải nộp: %(paper)s") % {"paper": _short(paper)}
    if _share(asked, [result]) >= _ENOUGH:
        return _("Khớp kết quả: %(result)s") % {"result": _short(result)}
    if _share(asked, [revision.sector.name]) >= _ENOUGH:
        return _("Khớp lĩnh vực %(sector)s") % {"sector": revision.sector.name}
    return ""


def _found_words(asked: list[Word], revision: Revision, result: str, papers: list[str]) -> str:
    there = _folded([
        revision.short_name, revision.name, *revision.also_called, revision.summary,
        revision.sector.name, result, *papers,
    ])  # fmt: skip
    found = [word.typed for word in asked if word.folded in there]
    return ", ".join(dict.fromkeys(found or [word.typed for word in asked]))


def _shown(
    answer: Answer, procedure: Procedure, catalogue: Catalogue
) -> tuple[str, list[str], list[str]]:
    """Result, papers and laws, as the index keeps them for what it found."""
    searcher = answer.searcher or catalogue.index.searcher()
    stored = searcher.doc(answer.shown[procedure.pk]).get_first("shown")
    result, papers, laws = json.loads(stored)
    return result, papers, laws


def _law(codes: list[str], laws: list[str]) -> str:
    """The first law whose number, or its beginning, was asked for."""
    for law in laws:
        for number in codes_of(law):
            if any(number == code or number.startswith(f"{code}/") for code in codes):
                return law
    return ""


def _share(words: Iterable[Word], texts: list[str]) -> float:
    """How many of the words stand in the texts, from 0 to 1."""
    wanted = {word.folded for word in words}
    return len(wanted & _folded(texts)) / len(wanted) if wanted else 0.0


def _folded(texts: list[str]) -> set[str]:
    return {word.folded for text in texts for word in words_of(text)}


def _short(text: str, letters: int = 90) -> str:
    text = " ".join(text.split())
    return text if len(text) <= letters else text[:letters].rsplit(" ", 1)[0] + "…"
