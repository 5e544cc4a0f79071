"""Every door of the service on one page; nothing else."""

from allauth.account import views as staff
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as authenticator_app
from allauth.mfa.webauthn import views as passkeys
from django.contrib import admin
from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from consent.api import catalogue, checks, contacts, events
from consent.portal import choosing, entering
from dsar.api import requests
from dsar.portal import asking, following
from governance.api import audit, lean, operations, subjects, unrouted, vault
from governance.api import catalogue as systems
from governance.console import doors, faces
from governance.console.doors import own_factors

urlpatterns = [
    # Consent: the decision (lean doors), choices, what they are about, and the preference centre
    lean.door("v1/consent/check", checks.check, "consent_check"),
    lean.door("v1/consent/check/batch", checks.check_batch, "consent_check_batch"),
    path("v1/consent/events", events.EventsDoor.as_view(), name="consent_events"),
    path("v1/consent/receipts/<uuid:consent_event_id>", events.ReceiptDoor.as_view(), name="consent_receipt"),
    path("v1/consent/history", events.HistoryDoor.as_view(), name="consent_history"),
    path("v1/contacts", contacts.ContactsDoor.as_view(), name="contacts"),
    path("v1/purposes", catalogue.PurposesDoor.as_view(), name="purposes"),
    path("v1/notices", catalogue.NoticesDoor.as_view(), name="notices"),
    path("preferences/", entering.start, name="preferences"),
    path("preferences/code/", entering.code, name="preferences_code"),
    path("preferences/choices/", choosing.choices, name="preferences_choices"),
    path("preferences/choose/", choosing.choose, name="preferences_choose"),
    path("preferences/stop/", choosing.stop, name="preferences_stop"),
    path("preferences/looked/", choosing.looked, name="preferences_looked"),
    path("preferences/receipt/", choosing.receipt, name="preferences_receipt"),
    path("preferences/leave/", entering.leave, name="preferences_leave"),
    # Subjects and vault
    path("v1/subjects", subjects.SubjectsDoor.as_view(), name="subjects"),
    path("v1/subjects/restriction", subjects.SubjectRestrictionDoor.as_view(), name="subject_restriction"),
    path("v1/subjects/lookup", subjects.SubjectLookupDoor.as_view(), name="subject_lookup"),
    path("v1/vault/seal", vault.SealDoor.as_view(), name="vault_seal"),
    path("v1/vault/reveal", vault.RevealDoor.as_view(), name="vault_reveal"),
    path("v1/vault/tokenise", vault.TokeniseDoor.as_view(), name="vault_tokenise"),
    path("v1/vault/detokenise", vault.DetokeniseDoor.as_view(), name="vault_detokenise"),
    # Requests
    path("v1/requests", requests.RequestsDoor.as_view(), name="api_requests"),
    path("v1/requests/<uuid:request_id>", requests.OneRequestDoor.as_view(), name="api_request"),
    path("v1/requests/<uuid:request_id>/verify", requests.VerifyDoor.as_view(), name="api_request_verify"),
    path("v1/requests/<uuid:request_id>/plan", requests.PlanDoor.as_view(), name="api_request_plan"),
    path("v1/requests/<uuid:request_id>/approve", requests.ApproveDoor.as_view(), name="api_request_approve"),
    path("v1/requests/<uuid:request_id>/refuse", requests.RefuseDoor.as_view(), name="api_request_refuse"),
    path("v1/requests/<uuid:request_id>/extend", requests.ExtendDoor.as_view(), name="api_request_extend"),
    path("v1/requests/<uuid:request_id>/withdraw", requests.WithdrawDoor.as_view(), name="api_request_withdraw"),
    path("v1/requests/<uuid:request_id>/receipt", requests.ReceiptDoor.as_view(), name="api_request_receipt"),
    path("v1/requests/<uuid:request_id>/package", requests.PackageDoor.as_view(), name="api_request_package"),
    path("v1/requests/<uuid:request_id>/certificate", requests.CertificateDoor.as_view(), name="api_certificate"),
    # Systems and what they hold
    path("v1/systems", systems.SystemsDoor.as_view(), name="api_systems"),
    path("v1/datasets", systems.DatasetsDoor.as_view(), name="api_datasets"),
    # The ledger, for whoever verifies it
    path("v1/audit/checkpoint", audit.CheckpointDoor.as_view(), name="audit_checkpoint"),
    path("v1/audit/tile/<path:tile>", audit.TileDoor.as_view(), name="audit_tile"),
    path("v1/audit/proof/<uuid:event_id>", audit.ProofDoor.as_view(), name="audit_proof"),
    path("v1/audit/consistency", audit.ConsistencyDoor.as_view(), name="audit_consistency"),
    path("ledger-keys", audit.ledger_keys, name="ledger_keys"),
    # The portal, where people ask and follow
    path("privacy/", asking.start, name="privacy"),
    path("privacy/b/<slug:brand>/", asking.start, name="privacy_brand"),
    path("privacy/colour/<slug:colour>.css", faces.sheet, name="privacy_colour"),
    path("privacy/request/", asking.choose, name="privacy_choose"),
    path("privacy/request/address/", asking.address, name="privacy_address"),
    path("privacy/request/submit/", asking.submit, name="privacy_submit"),
    path("privacy/code/", following.code, name="privacy_code"),
    path("privacy/code/again/", following.code_again, name="privacy_code_again"),
    path("privacy/return/", following.come_back, name="privacy_return"),
    path("privacy/status/", following.status, name="privacy_status"),
    path("privacy/looked/", following.looked, name="privacy_looked"),
    path("privacy/withdraw/", following.withdraw, name="privacy_withdraw"),
    path("privacy/download/", following.download, name="privacy_download"),
    path("privacy/receipt/", following.receipt, name="privacy_receipt"),
    path("privacy/leave/", following.leave, name="privacy_leave"),
    # Front page
    path("", doors.front, name="front"),
    # Console (its own pages: governance/console/pages.py) and staff sign-in; nobody signs up, so no more of allauth
    path("console/", admin.site.urls),
    path("accounts/login/", staff.login, name="account_login"),
    path("accounts/logout/", staff.logout, name="account_logout"),
    path("accounts/inactive/", staff.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", staff.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/change/", own_factors(staff.password_change), name="account_change_password"),
    path("accounts/password/set/", own_factors(staff.password_set), name="account_set_password"),
    path("accounts/link/<str:token>/", doors.sign_in_link, name="sign_in_link"),
    path("accounts/2fa/", own_factors(factors.index), name="mfa_index"),
    path("accounts/2fa/authenticate/", factors.authenticate, name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/2fa/app/add/", own_factors(authenticator_app.activate_totp), name="mfa_activate_totp"),
    path("accounts/2fa/app/remove/", own_factors(authenticator_app.deactivate_totp), name="mfa_deactivate_totp"),
    path("accounts/2fa/codes/", own_factors(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "accounts/2fa/codes/new/",
        own_factors(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("accounts/2fa/passkeys/", own_factors(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("accounts/2fa/passkeys/add/", own_factors(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("accounts/2fa/passkeys/confirm/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/name/", own_factors(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/remove/", own_factors(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    # Schema and operations
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    lean.probe("healthz", operations.healthz, "healthz"),
    lean.probe("readyz", operations.readyz, "readyz"),
]

# What is answered where no door is: pages to people, problem+json below /v1/
handler400 = unrouted.bad_request
handler403 = unrouted.permission_denied
handler404 = unrouted.not_found
handler500 = unrouted.server_error
