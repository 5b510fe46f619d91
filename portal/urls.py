"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from portal import accountviews, locking, openid, sitemap, views

handler400 = "portal.views.bad_request"

urlpatterns = [
    path("", views.home, name="home"),
    path("gioi-thieu/", views.about, name="about"),
    path("tro-giup/", views.help_page, name="help"),
    path("so-do-cong/", sitemap.tree, name="portal_map"),
    path("so-do-cong/<slug:slug>/", sitemap.sector, name="sector_map"),
    path("sitemap.xml", sitemap.as_xml, name="sitemap"),
    path("robots.txt", sitemap.robots, name="robots"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("ngon-ngu/", set_language, name="set_language"),
    path("quan-tri/khoa/", locking.lock_screen, name="lock_screen"),
    path("quan-tri/doi-nguoi/", locking.switch_person, name="switch_person"),
    path("quan-tri/tiep-tuc/", locking.resume_work, name="resume_work"),
    path("quan-tri/", admin.site.urls),
    path("tai-khoan/ho-so-ca-nhan/", accountviews.profile, name="profile"),
    path("tai-khoan/du-lieu/", accountviews.my_data, name="my_data"),
    path("tai-khoan/du-lieu/yeu-cau/", accountviews.ask_for_data, name="ask_for_data"),
    path("tai-khoan/du-lieu/<int:pk>/", accountviews.fetch_data, name="fetch_data"),
    path("tai-khoan/dong/", accountviews.close_account, name="close_account"),
    path("tai-khoan/kich-hoat/<str:key>/", accountviews.activate, name="activate"),
    # Before allauth's own of the same addresses.
    path("tai-khoan/sessions/", accountviews.Devices.as_view(), name="usersessions_list"),
    path("tai-khoan/logout/", accountviews.logout_view, name="account_logout"),
    path("tai-khoan/password/set/", accountviews.set_password, name="account_set_password"),
    path(
        "tai-khoan/oidc/<str:provider_id>/login/callback/",
        openid.callback,
        name="openid_connect_callback",
    ),
    path("tai-khoan/", include("allauth.urls")),
    path("thanh-toan/", include("payments.urls")),
    path("", include("procedures.urls")),
    path("", include("dossiers.urls")),
]
