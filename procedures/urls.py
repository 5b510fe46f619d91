"""Addresses of the catalogue; kept once published."""

from django.urls import path, re_path

from procedures.views import finding, forms, opendata, reading

app_name = "procedures"

# Three codes of the national catalogue are longer than `d.dddddd`.
CODE = r"(?P<code>[0-9][0-9.]{2,18}(?:-[A-Za-z]{1,6})?)"

urlpatterns = [
    path("thu-tuc/", finding.catalogue_list, name="list"),
    path("thu-tuc/goi-y/", finding.suggestions, name="suggestions"),
    re_path(
        rf"^thu-tuc/{CODE}/bieu-mau/to-khai\.pdf$",
        forms.blank_form,
        name="blank_form",
    ),
    re_path(
        rf"^thu-tuc/{CODE}/bieu-mau/to-khai\.docx$",
        forms.blank_form,
        {"kind": "docx"},
        name="blank_docx",
    ),
    re_path(
        rf"^thu-tuc/{CODE}/bieu-mau/giay/(?P<document>[a-z][a-z0-9_]{{0,39}})\.(?P<kind>pdf|docx)$",
        forms.printed_paper,
        name="printed_paper",
    ),
    re_path(
        rf"^thu-tuc/{CODE}/bieu-mau/tep/(?P<pk>[0-9]{{1,9}})/(?P<name>[a-z0-9.-]{{1,90}})$",
        forms.form_file,
        name="form_file",
    ),
    re_path(rf"^thu-tuc/{CODE}/$", reading.by_code, name="by_code"),
    re_path(rf"^thu-tuc/{CODE}/toi-can-gi/$", reading.needs, name="needs"),
    re_path(rf"^thu-tuc/{CODE}/thay-doi/$", reading.changes, name="changes"),
    re_path(rf"^thu-tuc/{CODE}/(?P<slug>[a-z0-9-]+)/$", reading.detail, name="detail"),
    path("thu-tuc/moi-thay-doi/", reading.recent, name="recent"),
    path("su-kien/<slug:slug>/", reading.life_event, name="life_event"),
    re_path(r"^co-quan/(?P<code>[A-Z0-9.]{3,20})/$", reading.agency, name="agency"),
    path("du-lieu-mo/", opendata.explained, name="open_data"),
    path("du-lieu-mo/thu-tuc.json", opendata.procedures, name="open_data_procedures"),
    path("du-lieu-mo/thu-tuc.jsonl", opendata.everything, name="open_data_everything"),
    path("du-lieu-mo/thu-tuc.csv", opendata.as_csv, name="open_data_csv"),
    re_path(rf"^du-lieu-mo/thu-tuc/{CODE}\.json$", opendata.procedure, name="open_data_procedure"),
    path("du-lieu-mo/co-quan.json", opendata.offices, name="open_data_offices"),
    path("du-lieu-mo/su-kien.json", opendata.life_events, name="open_data_life_events"),
]
