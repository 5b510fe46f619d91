"""What happens after commit: papers, results, messages.

A task may run twice or late (its worker was killed, `run_due` put it back), so each looks
first whether its effect is already there.
"""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.tasks import task

from dossiers import workflow
from dossiers.models import Dossier, Notice, OfficePaper, Paper, Question, Result


@task()
def make_paper(paper_id: int) -> None:
    """Print one paper."""
    from dossiers import papers

    papers.make(Paper.objects.get(pk=paper_id))


@task()
def make_office_paper(paper_id: int) -> None:
    """Print one paper of an office."""
    from dossiers import officepapers

    officepapers.make(OfficePaper.objects.get(pk=paper_id))


@task()
def make_bundles(dossier_id: int) -> None:
    """Join the files of each paper of a dossier into one PDF."""
    from dossiers import bundles

    bundles.make_missing(Dossier.objects.get(pk=dossier_id))


@task()
def make_previews(dossier_id: int) -> None:
    """Draw the pages of what was filed, for the officials to see."""
    from dossiers import previews

    previews.make_missing(Dossier.objects.get(pk=dossier_id))


@task()
def record_looks(user_id: int, dossier_ids: list[int], what: str) -> None:
    """Note in each ledger that an official took a list with this dossier on it."""
    from dossiers import ledger

    user = get_user_model().objects.get(pk=user_id)
    for dossier in Dossier.objects.filter(pk__in=dossier_ids).only("pk"):
        ledger.record_look(dossier, by=user, what=what)


@task()
def finish_result(result_id: int) -> None:
    """Print and sign a result, and complete its dossier."""
    from dossiers import resultsigning

    resultsigning.finish(Result.objects.get(pk=result_id))


@task()
def give_online(dossier_id: int) -> None:
    """Hand a finished result over online."""
    dossier = Dossier.objects.get(pk=dossier_id)
    if dossier.state == Dossier.State.COMPLETED:
        workflow.perform(dossier, "hand_over", by=None)


@task()
def send_notice(notice_id: int) -> None:
    """Send one notice by every way that it still has to go."""
    from dossiers import sending

    notices = Notice.objects.select_related("dossier__receiving_agency", "recipient")
    sending.send(notices.get(pk=notice_id))


@task()
def send_digest(user_id: int, channel: str) -> None:
    """Send together what has waited for one person."""
    from dossiers import sending

    sending.send_digest(user_id, channel)


@task()
def send_to_contact(contact: str, subject: str, body: str, path: str) -> None:
    """Write to somebody without an account."""
    from dossiers import sending

    sending.send_to_contact(contact, subject, body, path)


@task()
def send_question_receipt(question_id: int) -> None:
    """Tell the asker that the question has come, with its code and secret."""
    from dossiers import questions

    questions.send_receipt(Question.objects.get(pk=question_id))


@task()
def send_question_answer(question_id: int) -> None:
    """Tell the asker the answer."""
    from dossiers import questions

    questions.send_answer(Question.objects.get(pk=question_id))


@task()
def send_question_reminder(question_id: int) -> None:
    """Remind the office of a question."""
    from dossiers import questions

    questions.send_reminder(Question.objects.get(pk=question_id))
