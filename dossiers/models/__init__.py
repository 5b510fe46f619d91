"""What was filed, and everything that became of it."""

from dossiers.models.afterwards import Complaint, Rating
from dossiers.models.counter import Original, RegisterEntry, ReservedCode
from dossiers.models.dossier import (
    DayCounter,
    Dossier,
    DossierQuerySet,
    Participant,
    due_moment,
    overdue,
)
from dossiers.models.fees import ExemptionClaim
from dossiers.models.figures import OfficePaper, Tally, TallyDay
from dossiers.models.files import Attachment, AttachmentPage, Bundle, KeptPaper
from dossiers.models.handing import Collection, Parcel, ParcelEvent, Postage
from dossiers.models.handling import (
    Breach,
    CheckMark,
    LegalGround,
    Opinion,
    PrivateNote,
    Proposal,
    Recusal,
    Relative,
    ReplyTemplate,
)
from dossiers.models.keys import new_key, new_secret
from dossiers.models.ledger import DailyRoot, Event, Note
from dossiers.models.papers import (
    Paper,
    Result,
    ResultChange,
    ResultCounter,
    SignerCertificate,
)
from dossiers.models.questions import Question, QuestionQuerySet, new_question_code
from dossiers.models.queue import SavedView, SearchTerm
from dossiers.models.supplements import SupplementRequest
from dossiers.models.telling import Delivery, Message, Notice, NoticePreference

__all__ = (
    "Attachment",
    "AttachmentPage",
    "Breach",
    "Bundle",
    "CheckMark",
    "Collection",
    "Complaint",
    "DailyRoot",
    "DayCounter",
    "Delivery",
    "Dossier",
    "DossierQuerySet",
    "Event",
    "ExemptionClaim",
    "KeptPaper",
    "LegalGround",
    "Message",
    "Note",
    "Notice",
    "NoticePreference",
    "OfficePaper",
    "Opinion",
    "Original",
    "Paper",
    "Parcel",
    "ParcelEvent",
    "Participant",
    "Postage",
    "PrivateNote",
    "Proposal",
    "Question",
    "QuestionQuerySet",
    "Rating",
    "Recusal",
    "RegisterEntry",
    "Relative",
    "ReplyTemplate",
    "ReservedCode",
    "Result",
    "ResultChange",
    "ResultCounter",
    "SavedView",
    "SearchTerm",
    "SignerCertificate",
    "SupplementRequest",
    "Tally",
    "TallyDay",
    "due_moment",
    "new_key",
    "new_question_code",
    "new_secret",
    "overdue",
)
