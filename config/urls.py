"""Every door of the service on one page; nothing else."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from governance.api import operations

urlpatterns = [
    # Console and staff sign-in
    path("console/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    # Schema and operations
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
]
