"""Publishing notices: a text is never changed, only followed by the next version; no consent is touched here."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from consent.models import NoticeRevision, PrivacyNotice
from governance import access, audit
from governance.errors import BadInput, Conflict, FieldError
from governance.policy.vocabulary import Action, AuditType

if TYPE_CHECKING:
    from governance.models import Controller
    from governance.policy.principal import Principal


@transaction.atomic(durable=True)
def publish(  # noqa: PLR0913  # a revision has this many parts
    controller: Controller,
    *,
    key: str,
    title: str,
    language: str,
    text: str,
    principal: Principal,
    material: bool = False,
    translation_of: int | None = None,
) -> NoticeRevision:
    """Publish the next version of a notice, or, with `translation_of`, one more language of a version.

    A material revision ends every consent given to older versions: they must be asked for again. Publishing the
    text that is already the latest in that language changes nothing.
    """
    return publish_within(
        controller,
        key=key,
        title=title,
        language=language,
        text=text,
        principal=principal,
        material=material,
        translation_of=translation_of,
    )


def publish_within(  # noqa: PLR0913  # as publish()
    controller: Controller,
    *,
    key: str,
    title: str,
    language: str,
    text: str,
    principal: Principal,
    material: bool = False,
    translation_of: int | None = None,
) -> NoticeRevision:
    """Publish inside the caller's transaction; the same promises as `publish`."""
    notice = _locked(controller, key, title)
    digest = sha256(text.encode()).hexdigest()
    latest = notice.revisions.filter(language=language).order_by("-version").first()
    if latest is not None and latest.digest == digest and translation_of is None and not material:
        return latest
    revision = NoticeRevision(
        notice=notice,
        version=_version(notice, translation_of),
        language=language,
        text=text,
        digest=digest,
        material=material and translation_of is None,
        published_at=timezone.now(),
    )
    _insert(revision)
    if revision.material:
        notice.material_version = revision.version
    notice.title = title
    notice.save(update_fields=["material_version", "title"])
    rules, ruleset = access.decided(principal, Action.CATALOGUE_CHANGE, controller.pk)
    audit.record(
        AuditType.NOTICE_PUBLISHED,
        actor=principal,
        controller_id=controller.pk,
        object_ref=f"notice-revision:{revision.pk.hex}",
        rules=rules,
        ruleset=ruleset,
        details={
            "digest": digest,
            "key": key,
            "language": language,
            "material": revision.material,
            "version": revision.version,
        },
    )
    return revision


def _locked(controller: Controller, key: str, title: str) -> PrivacyNotice:
    """Answer the notice, new or known, locked: versions are given one after the other."""
    PrivacyNotice.objects.get_or_create(controller=controller, key=key, defaults={"title": title})
    return PrivacyNotice.objects.select_for_update().get(controller=controller, key=key)


def _version(notice: PrivacyNotice, translation_of: int | None) -> int:
    highest = notice.revisions.aggregate(highest=Max("version"))["highest"] or 0
    if translation_of is None:
        return int(highest) + 1
    if not 1 <= translation_of <= highest:
        complaint = FieldError("/translation_of", gettext("Name a version that is published"))
        raise BadInput(gettext("The notice cannot be published"), errors=[complaint])
    return translation_of


def _insert(revision: NoticeRevision) -> None:
    try:
        with transaction.atomic():
            revision.save(force_insert=True)
    except IntegrityError:
        raise Conflict(gettext("This version is already published in this language; a text is never changed")) from None
