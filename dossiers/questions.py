"""Questions to the office: asked by anybody, answered in time, published where others gain.

Source: Decree 43/2011 article 15 (questions and answers whose state can be followed) and
article 17 (an answer within 15 working days; those of common interest are published).
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.models import Question, new_key
from procedures.models import Agency, Posting
from procedures.text import fold, in_vietnamese
from procedures.worktime import promised_at

# Decree 43/2011 article 17: the answer, or what became of the question, within this time.
ANSWER_WITHIN = 15

# So long a mail that could not be sent is tried again (`due.ask_again`).
KEEP_SENDING = datetime.timedelta(days=14)

Role = Posting.Role
ANSWERS = frozenset({Role.RECEPTION, Role.CASE_OFFICER, Role.LEADER, Role.ADMINISTRATOR})
READS = ANSWERS | {Role.SUPERVISOR}


class Refused(Exception):
    """A question cannot be answered or published this way; says why, for the official."""


# --- Asking ---------------------------------------------------------------------------


def ask(*, form_key: str, agency: Agency, text: str, **details: Any) -> Question:
    """The question that this form sends; the same form sent twice makes one question.

    `details`: `name`, `email`, `phone`, `procedure`, `owner`. A form that comes back with
    another text (somebody went back and wrote anew) is another question. Raises `NoCalendar`
    where the holiday table does not reach the day of the answer.
    """
    question = _ask_once(form_key=form_key, agency=agency, text=text, **details)
    if question.text == text:
        return question
    return _ask_once(form_key=new_key(), agency=agency, text=text, **details)


@transaction.atomic
def _ask_once(*, form_key: str, agency: Agency, text: str, **details: Any) -> Question:
    from dossiers.tasks import send_question_receipt

    procedure, now = details.get("procedure"), timezone.now()
    question, is_new = Question.objects.get_or_create(
        form_key=form_key,
        defaults={
            **details,
            "agency": agency,
            "text": text,
            "sector": procedure.current.sector if procedure else None,
            "asked_at": now,
            "due_at": promised_at(now, ANSWER_WITHIN, agency),
        },
    )
    if is_new and question.email:
        send_question_receipt.enqueue(question.pk)
    return question


# --- Who answers ----------------------------------------------------------------------


def handled_by(user: Any, roles: frozenset[str] = READS) -> QuerySet[Question]:
    """The questions to offices where `user` has one of `roles` today, and to those below."""
    if user.is_superuser:
        return Question.objects.all()
    posted = Posting.objects.filter(user=user, role__in=roles).current()
    return Question.objects.filter(
        agency__in=_and_below(set(posted.values_list("agency", flat=True)))
    )


def _and_below(offices: set[int]) -> set[int]:
    """The offices, those that they receive for, and all below, in one query."""
    if not offices:
        return set()
    rows = list(Agency.objects.values_list("pk", "parent", "reception"))
    found = offices | {pk for pk, _parent, reception in rows if reception in offices}
    while below := {pk for pk, parent, _reception in rows if parent in found} - found:
        found |= below
    return found


# --- Answering ------------------------------------------------------------------------


@transaction.atomic
def answer(question: Question, *, text: str, by: Any, version: int) -> Question:
    """Answer a question, once, and have the asker told.

    `version` is that of the page on which the answer was written; raises `Refused` when a
    colleague was first or there is nothing to say.
    """
    from dossiers.tasks import send_question_answer

    locked = _locked(question, version)
    if locked.answered_at is not None:
        raise Refused(_("Câu hỏi này đã được trả lời; nội dung đã gửi không sửa được nữa."))
    if not text.strip():
        raise Refused(_("Hãy viết câu trả lời."))
    locked.answer, locked.answered_at, locked.answered_by = text.strip(), timezone.now(), by
    _save(locked, "answer", "answered_at", "answered_by")
    if locked.email:
        send_question_answer.enqueue(locked.pk)
    return locked


@transaction.atomic
def publish(question: Question, *, by: Any, version: int, **words: Any) -> Question:
    """Show an answered question to everybody in the office's wording.

    `words`: `public_question`, `public_answer`, `sector`. Raises `Refused` before the answer,
    without words, or when the words hold the asker's name, e-mail or telephone.
    """
    locked = _locked(question, version)
    if locked.answered_at is None:
        raise Refused(_("Chỉ đăng công khai câu hỏi đã được trả lời."))
    for field, value in words.items():
        setattr(locked, field, value)
    check_public_words(locked, locked.public_question, locked.public_answer)
    locked.public_words = fold(
        " ".join([locked.public_question, locked.public_answer, _subject(locked)])
    )
    locked.published_at, locked.published_by = locked.published_at or timezone.now(), by
    _save(locked, *words, "public_words", "published_at", "published_by")
    return locked


def _subject(question: Question) -> str:
    """What the question is about, for finding it: the procedure's names and code."""
    if question.procedure is None:
        return ""
    current = question.procedure.current
    names = [current.name, current.short_name] if current else []
    return " ".join([question.procedure.code, *names])


def check_public_words(question: Question, asked: str, answered: str) -> None:
    """Raise `Refused` when one of the texts is empty or still says who asked."""
    if not (asked.strip() and answered.strip()):
        raise Refused(_("Hãy viết câu hỏi và câu trả lời để đăng công khai."))
    words = f"{asked} {answered}"
    has_name = " " in question.name and re.search(
        rf"\b{re.escape(fold(question.name))}\b", fold(words)
    )
    has_email = question.email and question.email.lower() in words.lower()
    phone = _digits(question.phone)
    if has_name or has_email or (phone and phone in _digits(words)):
        raise Refused(
            _("Còn tên, thư điện tử hoặc số điện thoại của người hỏi; hãy bỏ đi rồi đăng.")
        )


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


@transaction.atomic
def withdraw(question: Question, *, version: int) -> Question:
    """Take a published question away from everybody; the asker still reads the answer."""
    locked = _locked(question, version)
    locked.published_at = locked.published_by = None
    _save(locked, "published_at", "published_by")
    return locked


@transaction.atomic
def erase(question: Question, *, version: int) -> Question:
    """Remove who asked, how to reach them, and their own words; the office's words stay.

    Raises `Refused` before the answer, and while its mail is on the way: nobody could then be
    told it.
    """
    locked = _locked(question, version)
    if locked.answered_at is None:
        raise Refused(_("Hãy trả lời trước khi xóa thông tin của người hỏi."))
    if _is_being_sent(locked):
        raise Refused(_("Thư trả lời chưa gửi xong; hãy xóa thông tin của người hỏi sau ít phút."))
    locked.name = locked.email = locked.phone = locked.text = ""
    locked.owner, locked.erased_at = None, timezone.now()
    _save(locked, "name", "email", "phone", "text", "owner", "erased_at")
    return locked


def _is_being_sent(question: Question) -> bool:
    """Whether the asker's mail still waits; one that nobody could deliver in time is given up."""
    waits = bool(question.email) and question.answer_sent_at is None
    return waits and question.answered_at > timezone.now() - KEEP_SENDING


def _locked(question: Question, version: int) -> Question:
    locked = Question.objects.select_for_update().get(pk=question.pk)
    if locked.version != version:
        raise Refused(_("Có người vừa sửa câu hỏi này; hãy mở lại trang rồi làm tiếp."))
    return locked


def _save(question: Question, *fields: str) -> None:
    question.version += 1
    question.save(update_fields=[*fields, "version"])


# --- Finding what is published ----------------------------------------------------------


def published(words: str = "", *, sector: str = "", procedure: str = "") -> QuerySet[Question]:
    """The published questions that hold every word, of a field (slug) and procedure (code)."""
    found = Question.objects.published().for_page()
    for word in fold(words[:200]).split()[:8]:
        found = found.filter(public_words__contains=word)
    if sector:
        found = found.filter(sector__slug=sector)
    return found.filter(procedure__code=procedure) if procedure else found


# --- Mail, by tasks ---------------------------------------------------------------------


@in_vietnamese
def send_receipt(question: Question) -> None:
    """Tell the asker the code, the secret and the day of the answer, once."""
    subject = _("Câu hỏi %(code)s: đã gửi đến cơ quan") % {"code": question.code}
    _send(question, "receipt", subject, to=question.email)


@in_vietnamese
def send_answer(question: Question) -> None:
    """Tell the asker what the office answered, once."""
    subject = _("Câu hỏi %(code)s: đã có trả lời") % {"code": question.code}
    _send(question, "answer", subject, to=question.email)


@in_vietnamese
def send_reminder(question: Question) -> None:
    """Remind the office of a question whose time ends soon, once."""
    subject = _("Câu hỏi %(code)s: sắp đến hạn trả lời") % {"code": question.code}
    _send(
        question, "reminder", subject, to=question.agency.email or question.agency.receiving.email
    )


def _send(question: Question, kind: str, subject: str, *, to: str) -> None:
    """One mail of a kind; raises what the mail server raises, to be tried again."""
    column = f"{kind}_sent_at"
    if not to or getattr(question, column) is not None:
        return
    body = render_to_string(
        f"emails/question_{kind}.txt", {"question": question, "site_url": settings.SITE_URL}
    )
    message = EmailMessage(
        subject=subject,
        body=body,
        to=[to],
        # The same id each time, so that a message sent twice can be told from two messages.
        headers={"Message-ID": f"<question-{kind}-{question.form_key}@mot-cua>"},
    )
    if message.send():
        Question.objects.filter(pk=question.pk).update(**{column: timezone.now()})
