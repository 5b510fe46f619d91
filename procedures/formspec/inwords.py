"""A condition as a citizen would say it: `“Cha mẹ của bé” là “Bé bị bỏ rơi”`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from procedures.formspec import conditions
from procedures.formspec.fields import type_of
from procedures.text import dong

if TYPE_CHECKING:
    from procedures.formspec.conditions import Node
    from procedures.formspec.spec import Field, Form


def in_words(when: str, form: Form) -> str:
    """The condition `when` in words, by the labels of the form's questions; "" for none."""
    return _Speaker(form.paths()).say(conditions.parse(when)) if when else ""


class _Speaker:
    def __init__(self, questions: dict[str, Field]):
        self.questions = questions

    def say(self, node: Node) -> str:
        if node.kind in {"or", "and"}:
            joint = _(" hoặc ") if node.kind == "or" else _(" và ")
            return joint.join(self.say(part) for part in node.parts)
        if node.kind == "not":
            return _("không phải khi %(case)s") % {"case": self.say(node.parts[0])}
        return self.comparison(*node.parts, operator=node.text)

    def comparison(self, left: Node, right: Node, *, operator: str) -> str:
        if left.kind == "call":
            return self.call(left, operator, right.text)
        if left.kind != "path":
            left, right = right, left
        question = self.questions.get(left.text)
        label = self.label(left.text)
        answer = self.answer(question, right)
        if question and question.type in {"yes_no", "declaration"}:
            return self.yes_no(label, (right.text == "yes") == (operator == "="))
        if question and question.type == "date":
            return self.day(label, operator, answer)
        words = {
            "=": _("“%(label)s” là “%(answer)s”"),
            "!=": _("“%(label)s” không phải là “%(answer)s”"),
            ">": _("“%(label)s” trên %(answer)s"),
            ">=": _("“%(label)s” từ %(answer)s trở lên"),
            "<": _("“%(label)s” dưới %(answer)s"),
            "<=": _("“%(label)s” không quá %(answer)s"),
        }
        return words[operator] % {"label": label, "answer": answer}

    def day(self, label: str, operator: str, day: str) -> str:
        words = {
            "=": _("“%(label)s” là ngày %(day)s"),
            "!=": _("“%(label)s” không phải ngày %(day)s"),
            ">": _("“%(label)s” sau ngày %(day)s"),
            ">=": _("“%(label)s” từ ngày %(day)s"),
            "<": _("“%(label)s” trước ngày %(day)s"),
            "<=": _("“%(label)s” đến hết ngày %(day)s"),
        }
        return words[operator] % {"label": label, "day": day}

    def yes_no(self, label: str, is_yes: bool) -> str:
        words = _("“%(label)s”: có") if is_yes else _("“%(label)s”: không")
        return words % {"label": label}

    def answer(self, question: Field | None, node: Node) -> str:
        if node.kind == "path":
            return self.label(node.text)
        if question is None:
            return node.text
        if question.type == "money" and node.text.isdigit():
            return dong(int(node.text))
        kind = type_of(question)
        if hasattr(kind, "options"):
            return str(kind.options(question).get(node.text, node.text))
        return kind.display(question, node.text) if question.type == "date" else node.text

    def call(self, node: Node, operator: str, number: str) -> str:
        first = self.label(node.parts[0].text)
        if node.text == "age":
            words = {
                "<": _("chưa đủ %(number)s tuổi (theo “%(label)s”)"),
                ">=": _("từ đủ %(number)s tuổi (theo “%(label)s”)"),
                ">": _("trên %(number)s tuổi (theo “%(label)s”)"),
                "<=": _("không quá %(number)s tuổi (theo “%(label)s”)"),
            }
        else:
            words = {
                "<": _("chưa đến %(number)s ngày kể từ “%(label)s”"),
                "<=": _("trong %(number)s ngày kể từ “%(label)s”"),
                ">": _("quá %(number)s ngày kể từ “%(label)s”"),
                ">=": _("từ %(number)s ngày trở lên kể từ “%(label)s”"),
            }
        exactly = _("đúng %(number)s, tính theo “%(label)s”")
        return words.get(operator, exactly) % {"number": number, "label": first}

    def label(self, path: str) -> str:
        if path == "filed":
            return _("ngày nộp")
        question = self.questions.get(path)
        return str(question.label or question.text) if question else path
