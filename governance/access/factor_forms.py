"""allauth's forms for second factors, told whose secrets they open and recording what fails; no pages."""

from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from governance.access import second_factor, sign_in

_SEALED_KEY = "second_factor_enrolment"


class _CheckedCode:
    """Opens the secrets of the person who is signing in, who is nobody to Django until the code is right."""

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _tidy(self, _("From your authenticator app, or one of your recovery codes."))

    def clean_code(self) -> str:
        try:
            with second_factor.owner(self.user):
                code: str = super().clean_code()  # type: ignore[misc]  # the form this is mixed into
        except ValidationError as refused:
            _record(refused, self.user)
            raise
        return code


class _CheckedKey:
    """The same for passkeys, which hold no secret here."""

    user: Any

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]  # the form this is mixed into
        except ValidationError as refused:
            _record(refused, self.user)
            raise


class SignInCodeForm(_CheckedCode, AuthenticateForm):
    """A code of the app, or a recovery code, after the password."""


class ConfirmCodeForm(_CheckedCode, ReauthenticateForm):
    """A code from somebody who is signed in."""


class SignInKeyForm(_CheckedKey, AuthenticateWebAuthnForm):
    """A passkey after the password."""


class ConfirmKeyForm(_CheckedKey, ReauthenticateWebAuthnForm):
    """A passkey from somebody who is signed in."""


class EnrolAppForm(ActivateTOTPForm):
    """Takes an authenticator app. Until its first code the secret waits in the session, which is a table: sealed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        waiting = session.pop(_SEALED_KEY, None)
        if waiting is not None:
            session[SECRET_SESSION_KEY] = second_factor.unseal(waiting)
        super().__init__(*args, **kwargs)
        session.pop(SECRET_SESSION_KEY, None)
        session[_SEALED_KEY] = second_factor.seal(self.secret)
        _tidy(self, _("Six digits, from the app."))

    def clean_code(self) -> str:
        code: str = super().clean_code()
        context.request.session.pop(_SEALED_KEY, None)
        return code


def _tidy(form: Any, hint: Any) -> None:
    """Say beside the field where the code comes from: a placeholder would vanish at the first digit."""
    form.fields["code"].help_text = hint
    form.fields["code"].widget.attrs = {"autocomplete": "one-time-code", "inputmode": "numeric"}


def _record(refused: ValidationError, user: Any) -> None:
    # Attempts beyond the limit are not recorded one by one: a flood of them would fill the ledger.
    if refused.code == "incorrect_code":
        sign_in.record_failure(user, step="second_factor")
