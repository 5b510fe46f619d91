"""What was filed, and everything that became of it."""

from dossiers.models.dossier import DayCounter, Dossier, DossierQuerySet, Participant, overdue
from dossiers.models.files import Attachment, Bundle, KeptPaper
from dossiers.models.keys import new_key, new_secret
from dossiers.models.ledger import Event, Note
from dossiers.models.papers import Paper, Result, ResultCounter
from dossiers.models.questions import Question, QuestionQuerySet, new_question_code
from dossiers.models.supplements import SupplementRequest
from dossiers.models.telling import Delivery, Message, Notice, NoticePreference

__all__ = (
    "Attachment",
    "Bundle",
    "DayCounter",
    "Delivery",
    "Dossier",
    "DossierQuerySet",
    "Event",
    "KeptPaper",
    "Message",
    "Note",
    "Notice",
    "NoticePreference",
    "Paper",
    "Participant",
    "Question",
    "QuestionQuerySet",
    "Result",
    "ResultCounter",
    "SupplementRequest",
    "new_key",
    "new_question_code",
    "new_secret",
    "overdue",
)
