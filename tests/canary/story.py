"""One story with the canary people through everything there is; it searches nothing."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from consent import services as consents
from dsar import services
from dsar.models import SubjectRequest
from governance import subjects
from governance.access import decision_log
from governance.catalogue import purposes
from governance.models import DataSubject
from governance.policy.principal import operator
from governance.policy.vocabulary import Role
from governance.tasks import work_once
from tests.canary.caller import Watched
from tests.canary.console_story import AtTheConsole
from tests.dsar.conftest import ANN, House, approve, build_house, fresh, last_code
from tests.governance.conftest import service, signed_in, staff

if TYPE_CHECKING:
    from pathlib import Path

    from django.http import HttpResponse

    from tests.canary.canaries import Canaries

#: What a browser follows, or sends somewhere by itself.
_LINKS = re.compile(rb"""(?:href|action|src|formaction|content)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_EMAIL = "user.contact.email"


class Story(AtTheConsole):
    """What happens, part by part."""

    def __init__(self, canaries: Canaries, folder: Path) -> None:
        self.canaries, self.folder = canaries, folder
        self.answers: list[HttpResponse] = []
        #: What callers and people were given: receipts, tokens, sealed texts, certificates.
        self.handed: list[str] = []
        self.house = self._house()
        self.controller = self.house.controller
        self.who = operator(self.controller.pk.hex)
        self.keys = {
            role: service(self.controller, role, name=role.value) for role in (Role.INTEGRATOR, Role.VAULT_READER)
        }
        self.officer = signed_in(self.house.officer, self.caller())
        self.person: DataSubject

    def caller(self) -> Watched:
        return Watched(self.canaries, self.answers)

    def _house(self) -> House:
        house, who = build_house(self.folder), self.canaries
        house.officer = staff(house.controller, Role.PRIVACY_OFFICER, email=who.staff)
        # Is told of alarms about the first, and looks into them.
        self.colleague = staff(house.controller, Role.PRIVACY_OFFICER, email="second@staff.example")
        with closing(sqlite3.connect(house.store)) as store, store:
            store.execute("UPDATE customer SET email = ?, name = ? WHERE email = ?", (who.email, who.name, ANN))
            store.execute("UPDATE invoice SET bill_to = ?, note = ? WHERE customer_id = 1", (who.name, who.text))
        with closing(sqlite3.connect(house.news)) as news, news:
            news.execute("UPDATE subscriber SET email = ?, topics = ? WHERE email = ?", (who.email, who.text, ANN))
        return house

    def send(self, path: str, body: object, role: Role = Role.INTEGRATOR, **headers: str) -> Any:
        return self.caller().send(path, body, self.keys[role], **headers)

    @property
    def subject(self) -> dict[str, str]:
        return {"type": "email", "value": self.canaries.email}

    def register(self) -> None:
        who = self.canaries
        named = [
            self.subject,
            {"type": "phone", "value": who.phone},
            {"type": "customer_id", "value": who.number},
        ]
        answer = self.send("/v1/subjects", {"identifiers": named}, **{"Idempotency-Key": f"k-{timezone.now():%f}"})
        assert answer.status_code == 201, answer.content
        assert self.send("/v1/subjects/lookup", {"identifiers": named[:1]}).json() == answer.json()
        self.person = DataSubject.objects.get()
        # As an import of people whose addresses are proven would do it.
        subjects.register(
            self.controller, [(each["type"], each["value"]) for each in named], principal=self.who, verified=True
        )

    def consent(self) -> None:
        who = self.canaries
        more: dict[str, Any] = {"name": "Newsletter", "lawful_basis": "consent", "description": "What it is for."}
        purposes.create(self.controller, principal=self.who, key="newsletter", channels=["email"], **more)
        text = {"key": "privacy", "title": "Privacy", "language": "en", "text": "What we do."}
        consents.publish(self.controller, principal=self.who, **text)
        choice = {
            "subject": self.subject,
            "purpose": "newsletter",
            "state": "given",
            "method": "web_form",
            "notice": {"key": "privacy", "version": 1},
            "collection_point": "shop/sign-up",
            "evidence": {"typed": who.text, "ip": who.address, "name": who.name, who.name: "as a key"},
        }
        given = self.send("/v1/consent/events", choice, **{"Idempotency-Key": "choice-1"})
        assert given.status_code == 201, given.content
        ask = {"subject": self.subject, "purpose": "newsletter"}
        assert self.send("/v1/consent/check", ask).json()["decision"] == "allow"
        assert self.send("/v1/consent/check/batch", {"checks": [ask] * 3}).status_code == 200
        decision_log.flush()
        assert self.send("/v1/consent/history", {"subject": self.subject}).json()["events"]
        sent = {"subject": self.subject, "purpose": "newsletter", "channel": "email", "message_class": "marketing"}
        assert self.send("/v1/contacts", {"contacts": [sent | {"campaign": "spring-26"}]}).status_code == 202
        work_once()
        receipt = self.caller().get(
            given.json()["receipt"], headers={"Authorization": f"Bearer {self.keys[Role.INTEGRATOR]}"}
        )
        self.handed.append(receipt.json()["receipt"])

    def vault(self) -> None:
        who = self.canaries
        values = [(_EMAIL, who.email), ("user.name", who.name), ("user.content", who.text)]
        items = [{"subject": self.subject, "label": label, "value": value} for label, value in values]
        sealed = self.send("/v1/vault/seal", {"items": items}).json()["results"]
        asked = [
            {"subject": self.subject, "label": label, "sealed": each["sealed"]}
            for (label, _value), each in zip(values, sealed, strict=True)
        ]
        body = {"purpose": "customer_support", "items": asked}
        shown = self.send("/v1/vault/reveal", body, Role.VAULT_READER, **{"Idempotency-Key": "reveal-1"})
        assert [each["value"] for each in shown.json()["results"]] == [value for _label, value in values]
        tokens: list[str] = []
        for more in ({}, {"deterministic": True}, {"expires_in": 3600}):
            answer = self.send("/v1/vault/tokenise", {"purpose": "ads", "items": items} | more).json()
            tokens += [each["token"] for each in answer["results"]]
        self.handed += [each["sealed"] for each in sealed] + tokens
        body = {"purpose": "customer_support", "tokens": tokens}
        answer = self.send("/v1/vault/detokenise", body, Role.VAULT_READER).json()["results"]
        assert {each["value"] for each in answer} == {value for _label, value in values}

    def refusals(self) -> None:
        """Bad input of every kind, with somebody's data in each field, and doors that are closed."""
        who = self.canaries
        for path in (
            "/v1/subjects", "/v1/subjects/lookup", "/v1/consent/events", "/v1/consent/check", "/v1/consent/history",
            "/v1/contacts", "/v1/vault/seal", "/v1/vault/reveal", "/v1/vault/tokenise", "/v1/vault/detokenise",
            "/v1/requests", "/v1/systems", "/v1/datasets", "/v1/purposes", "/v1/notices",
        ):  # fmt: skip
            for body in (
                {"key": who.text, "subject": {"type": who.text, "value": who.email}},
                {"identifiers": [{"type": "email", "value": who.text}], "items": [{"label": who.name}]},
                {
                    "checks": who.text,
                    "contacts": [who.email],
                    "purpose": who.name,
                    "yaml": who.text,
                    "system": who.name,
                },
            ):
                assert self.send(path, body).status_code >= 400, path
            self.caller().post(path, f"{{{who.email}", content_type="application/json")
        assert self.caller().get(f"/v1/nowhere/{who.mark[::-1]}").status_code == 404

    def _asked(self, *rights: str) -> SubjectRequest:
        body = {"rights": rights, "identifiers": [self.subject, {"type": "customer_id", "value": "1"}]}
        made = self.send("/v1/requests", body, **{"Idempotency-Key": f"ask-{timezone.now():%H%M%S%f}"})
        assert made.status_code == 201, made.content
        here = f"/v1/requests/{made.json()['id']}"
        assert self.send(f"{here}/verify", {"code": last_code(self.controller)}).status_code == 200
        work_once()
        return fresh(SubjectRequest.objects.get(pk=made.json()["id"]))

    def requests(self) -> None:
        """Requests with every end but being carried out."""
        by = self.house.principal
        refused = self._asked("access")
        services.refuse(refused, "no_match", principal=by)
        first, again = self._asked("access"), self._asked("access")
        services.merge(again, first.reference, principal=by)
        services.pause(first, "identity", principal=by)
        services.resume(fresh(first), principal=by)
        services.extend(fresh(first), "complexity", principal=by)
        services.withdraw(fresh(first), principal=by)
        copy = self._asked("access")
        approve(self.house, copy)
        work_once()
        services.respond(fresh(copy), principal=by)
        work_once()

    def portal(self) -> SubjectRequest:
        """A copy and an erasure, asked for by the person, held for a while, and carried out up to the answer."""
        who, visitor, by = self.canaries, self.caller(), self.house.principal
        form = {"ask": "both", "email": who.email, "customer_number": who.number}
        visitor.post("/privacy/request/", {"ask": "both"})
        visitor.post("/privacy/request/address/", form)
        visitor.post("/privacy/request/submit/", form)
        visitor.post("/privacy/code/", {"code": who.text})
        assert visitor.post("/privacy/code/", {"code": last_code(self.controller)})["Location"] == "/privacy/status/"
        visitor.post("/privacy/return/", {"reference": who.email[:20], "email": who.email})
        visitor.get(f"/privacy/request/address/?ask={who.mark[::-1]}")
        work_once()
        request = fresh(SubjectRequest.objects.latest("received_at"))
        services.hold(request, "legal_claim", timezone.localdate() + timedelta(days=9), principal=by)
        approve(self.house, fresh(request))
        work_once()
        return fresh(request)

    def answer(self, request: SubjectRequest) -> bytes:
        """Let the held request go on to its answer; the package as the person gets it."""
        by = self.house.principal
        services.release(fresh(request), principal=by)
        work_once()
        assert fresh(request).status == "reviewing", fresh(request).status
        services.respond(fresh(request), principal=by)
        work_once()
        visitor, who = self.caller(), self.canaries
        visitor.post("/privacy/return/", {"reference": request.reference, "email": who.email})
        visitor.post("/privacy/code/", {"code": last_code(self.controller)})
        self.handed.append(visitor.post("/privacy/receipt/").content.decode())
        visitor.get("/privacy/looked/")
        package = visitor.post("/privacy/download/")
        work_once()
        return b"".join(package.streaming_content) if package.streaming else package.content

    def break_down(self) -> list[int]:
        """Ask for what fails inside, with somebody's data at hand; answers the statuses."""
        who, start = self.canaries, len(self.answers)
        self.send("/v1/subjects", {"identifiers": [{"type": "email", "value": f"new.{who.email}"}]})
        choice = {"subject": self.subject, "purpose": "newsletter", "state": "withdrawn", "evidence": {"a": who.text}}
        self.send("/v1/consent/events", choice)
        tokens = {"purpose": "ads", "items": [{"subject": self.subject, "label": "user.name", "value": who.name}]}
        self.send("/v1/vault/tokenise", tokens)
        form = {"ask": "both", "email": who.email, "customer_number": who.number}
        self.caller().post("/privacy/request/submit/", form)
        identifier = self.person.identifiers.get(type="email")
        url = reverse("admin:reveal_identifier", args=[self.person.pk, identifier.pk])
        self.officer.post(url, {"purpose": "customer_support"})
        return [answer.status_code for answer in self.answers[start:]]

    def heads(self) -> bytes:
        """Every header of every answer, and every address that a page leads to."""
        found = []
        for answer in self.answers:
            found += [f"{name}: {value}".encode() for name, value in answer.items()]
            found += [str(answer.cookies).encode()]
            if not answer.streaming and "html" in answer.get("Content-Type", ""):
                found += _LINKS.findall(answer.content)
        return b"\n".join(found)

    def errors(self) -> bytes:
        """Every answer that says what went wrong."""
        return b"\n".join(each.content for each in self.answers if each.status_code >= 400)
