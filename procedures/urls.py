"""Addresses of the catalogue; kept once published."""

from django.urls import path, re_path

from procedures import views

app_name = "procedures"

urlpatterns = [
    path("thu-tuc/", views.catalogue, name="list"),
    re_path(
        r"^thu-tuc/(?P<code>[0-9.]{3,20})/bieu-mau/to-khai\.pdf$",
        views.blank_form,
        name="blank_form",
    ),
    re_path(r"^thu-tuc/(?P<code>[0-9.]{3,20})/$", views.by_code, name="by_code"),
    re_path(r"^thu-tuc/(?P<code>[0-9.]{3,20})/(?P<slug>[a-z0-9-]+)/$", views.detail, name="detail"),
    path("su-kien/<slug:slug>/", views.life_event, name="life_event"),
    re_path(r"^co-quan/(?P<code>[A-Z0-9.]{3,20})/$", views.agency, name="agency"),
]
