"""Every door of the service on one page; nothing else."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from governance.api import operations, subjects

urlpatterns = [
    # Subjects and vault
    path("v1/subjects", subjects.SubjectsDoor.as_view(), name="subjects"),
    path("v1/subjects/lookup", subjects.SubjectLookupDoor.as_view(), name="subject_lookup"),
    # Console and staff sign-in
    path("console/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    # Schema and operations
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
]
