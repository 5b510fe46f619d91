"""Addresses of dossiers: a draft by its key, a filed one by its code, a paper by its token."""

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from dossiers.views import (
    afterwards,
    answering,
    delivery,
    drafts,
    files,
    filledforms,
    following,
    messages,
    notices,
    people,
    public,
    questions,
    roots,
    uploads,
    verifying,
    wallet,
)
from procedures.urls import CODE as PROCEDURE

app_name = "dossiers"


class Key(StringConverter):
    """22 characters of `models.new_key()`: nothing else reaches the database."""

    regex = "[A-Za-z0-9_-]{22}"


register_converter(Key, "key")

CODE = r"(?P<code>[A-Z0-9.]{3,20}-[0-9]{6,8}-[0-9A-Z]{4,})"

urlpatterns = [
    path("ho-so/", following.mine, name="mine"),
    path("ho-so/thong-bao/", notices.notices, name="notices"),
    path("ho-so/thong-bao/cai-dat/", notices.preferences, name="preferences"),
    re_path(rf"^ho-so/moi/{PROCEDURE}/$", drafts.start, name="start"),
    re_path(rf"^thu-tuc/{PROCEDURE}/bieu-mau/tai-len/$", filledforms.read_pdf, name="read_pdf"),
    path("ho-so/nhap/<key:key>/", drafts.draft, name="draft"),
    path("ho-so/nhap/<key:key>/tu-tep-pdf/", filledforms.pdf_read, name="pdf_read"),
    path("ho-so/nhap/<key:key>/noi-giai-quyet/", drafts.office, name="office"),
    path("ho-so/nhap/<key:key>/phan/<slug:section_id>/", drafts.section, name="section"),
    path("ho-so/nhap/<key:key>/giay-to/", drafts.documents, name="documents"),
    path("ho-so/nhap/<key:key>/tai-len/", uploads.to_draft, name="upload"),
    re_path(rf"^ho-so/{CODE}/tai-len/$", uploads.to_supplement, name="upload_supplement"),
    re_path(
        r"^ho-so/nhap/(?P<key>[A-Za-z0-9_-]{22})/giay/(?P<document>[a-z][a-z0-9_]{0,39})\.pdf$",
        filledforms.printed_paper,
        name="printed_paper",
    ),
    path("ho-so/nhap/<key:key>/to-khai.pdf", filledforms.printed_form, name="printed_form"),
    path("ho-so/nhap/<key:key>/kiem-tra/", drafts.check, name="check"),
    path("ho-so/nhap/<key:key>/xoa/", drafts.discard, name="discard"),
    path("ho-so/nhap/<key:key>/dung-ten/", people.stand_for, name="behalf"),
    path("ho-so/nhap/<key:key>/nguoi-tham-gia/", people.of_draft, name="draft_people"),
    path("ho-so/nhap/<key:key>/doc/", people.shared_draft, name="shared_draft"),
    path("ho-so/loi-moi/<key:token>/", people.invitation, name="invitation"),
    re_path(rf"^ho-so/{CODE}/nguoi-tham-gia/$", people.of_filed, name="people"),
    re_path(rf"^ho-so/{CODE}/$", following.detail, name="detail"),
    re_path(rf"^ho-so/{CODE}/da-nop/$", following.filed, name="filed"),
    re_path(rf"^ho-so/{CODE}/nhat-ky/$", following.chain, name="chain"),
    re_path(rf"^ho-so/{CODE}/tin-nhan/$", messages.thread, name="messages"),
    re_path(rf"^ho-so/{CODE}/chep/$", drafts.copy, name="copy"),
    re_path(rf"^ho-so/{CODE}/bo-sung/$", answering.supplement, name="supplement"),
    re_path(
        rf"^ho-so/{CODE}/bo-sung/giay/(?P<document>[a-z][a-z0-9_.]{{0,119}})/$",
        answering.supplement_paper,
        name="supplement_paper",
    ),
    re_path(
        rf"^ho-so/{CODE}/bo-sung/phan/(?P<section_id>[a-z][a-z0-9_]{{0,39}})/$",
        answering.supplement_section,
        name="supplement_section",
    ),
    re_path(rf"^ho-so/{CODE}/ban-du-thao/$", answering.draft_result, name="draft_result"),
    re_path(rf"^ho-so/{CODE}/rut/$", answering.withdraw, name="withdraw"),
    re_path(rf"^ho-so/{CODE}/nhan-ket-qua/$", delivery.delivery, name="delivery"),
    re_path(rf"^ho-so/{CODE}/danh-gia/$", afterwards.rate, name="rate"),
    re_path(rf"^ho-so/{CODE}/khieu-nai/$", afterwards.complain, name="complaints"),
    path("ho-so/tep/<key:key>/", files.attachment, name="attachment"),
    path("ho-so/tep/<key:key>/ban-ghep/", files.bundle, name="bundle"),
    path("ho-so/vi-giay-to/", wallet.papers, name="wallet"),
    path("ho-so/vi-giay-to/luu/<key:key>/", wallet.keep, name="keep_paper"),
    path("ho-so/vi-giay-to/<key:key>/", wallet.paper, name="kept_paper"),
    path("ho-so/vi-giay-to/<key:key>/xoa/", wallet.forget, name="forget_paper"),
    path("ho-so/nhap/<key:key>/tu-vi/", wallet.into_draft, name="use_paper"),
    re_path(rf"^ho-so/{CODE}/tu-vi/$", wallet.into_supplement, name="use_paper_again"),
    path("ho-so/tep/<key:key>/xoa/", files.remove_attachment, name="remove_attachment"),
    path("ho-so/giay/<key:token>/", files.paper, name="paper"),
    path("ho-so/ket-qua/<key:token>/", files.result, name="result"),
    path("tra-cuu/", public.track, name="track"),
    path("tra-cuu/<str:token>/", public.track_signed, name="track_signed"),
    path("hoi-dap/", questions.published, name="questions"),
    path("hoi-dap/gui/", questions.ask, name="ask"),
    path("hoi-dap/da-gui/", questions.asked, name="asked"),
    path("hoi-dap/theo-doi/", questions.track, name="question_track"),
    path("hoi-dap/cua-toi/", questions.mine, name="my_questions"),
    re_path(r"^hoi-dap/(?P<code>HD-[0-9]{6}-[2-9A-Z]{6})/$", questions.question, name="question"),
    path("minh-bach/hai-long/", afterwards.satisfaction, name="satisfaction"),
    path("minh-bach/so-cai/", roots.published, name="roots"),
    path("minh-bach/so-cai/ma-goc.json", roots.as_json, name="roots_json"),
    path("xac-thuc/", verifying.verify, name="verify"),
    path("xac-thuc/<str:token>/", verifying.verify_token, name="verify_token"),
]
