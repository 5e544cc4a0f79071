"""The part of the story that staff play at the console: looks, alarms, a broken glass, a breach, evidence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from governance.access import principal_of
from governance.alarms import settling
from governance.models import Alert, Elevation, Incident
from governance.policy.vocabulary import Role
from governance.tasks import work_once
from tests.canary.caller import unzipped
from tests.governance.conftest import signed_in, staff

if TYPE_CHECKING:
    from dsar.models import SubjectRequest
    from governance.models import Controller, DataSubject, StaffUser
    from tests.canary.caller import Watched
    from tests.canary.canaries import Canaries
    from tests.dsar.conftest import House


class AtTheConsole(ABC):
    """What staff do, part by part."""

    canaries: Canaries
    house: House
    controller: Controller
    person: DataSubject
    officer: Watched
    colleague: StaffUser

    @abstractmethod
    def caller(self) -> Watched:
        """Answer somebody new at the door."""

    def looks(self) -> None:
        """Staff look at everything, open what is sealed, and are watched."""
        for identifier in self.person.identifiers.all():
            url = reverse("admin:reveal_identifier", args=[self.person.pk, identifier.pk])
            for _time in range(8):
                assert self.officer.post(url, {"purpose": "customer_support"}).status_code == 200
        self.officer.post("/console/people/", {"type": "email", "value": self.canaries.email})
        for page in ("/console/", "/console/people/", f"/console/people/{self.person.pk}/", "/console/requests/",
                     f"/console/consent/{self.person.pk}/", "/console/alarms/"):  # fmt: skip
            assert self.officer.get(page, follow=True).status_code == 200, page

    def alarm(self, hook: str) -> None:
        settling.set_hook(self.controller, hook, principal=self.house.principal)
        work_once()
        self.looks()
        for _tick in range(3):  # what happened gets its place, the rules see it, those concerned are told
            work_once()
        alert = Alert.objects.order_by("raised_at")[0]
        who = principal_of(self.colleague)
        settling.acknowledge(alert, principal=who, finding="explained")

    def breach(self) -> None:
        who, at = self.canaries, (timezone.now() - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
        said = f"A list with {who.name} ({who.email}) went to a stranger: {who.text}"
        form = {"kinds": ["confidentiality"], "noticed_by": "staff", "noticed_at": at, "aware_at": at, "what": said}
        assert self.officer.post(reverse("admin:incident_new"), form).status_code == 302
        incident = Incident.objects.get()
        for name, posted in (
            ("incident_note", {"note": said}),
            ("incident_count", {"by": "everybody"}),
            ("incident_authority", {"choice": "tell:risk", "why": said}),
            ("incident_tell", {"to": "dpa@example.org", "what": said, "consequences": said, "measures": said}),
            ("incident_people", {"choice": "tell:high_risk", "why": "It matters", "what": said}),
        ):
            answer = self.officer.post(reverse(f"admin:{name}", args=[incident.pk]), posted)
            assert answer.status_code in {200, 302}, (name, answer.content[-800:])
        work_once()

    def glass(self) -> None:
        """Support breaks the glass for the person, sees them in clear, and an officer ends and reviews it."""
        agent = signed_in(
            staff(self.controller, Role.SUPPORT_AGENT, email=f"agent.{self.canaries.staff}"), self.caller()
        )
        url = reverse("admin:glass_break", args=[self.person.pk])
        assert agent.post(url, {"reason": self.canaries.text}).status_code == 200  # not one of the reasons
        assert agent.post(url, {"reason": "danger"}).status_code == 302
        identifier = self.person.identifiers.get(type="email")
        shown = agent.post(
            reverse("admin:reveal_identifier", args=[self.person.pk, identifier.pk]), {"purpose": "customer_support"}
        )
        assert self.canaries.email in shown.content.decode()
        assert agent.get(reverse("admin:person", args=[self.person.pk])).status_code == 200
        taken = Elevation.objects.get()
        for name, posted in (("elevation_end", {}), ("elevation_review", {"finding": "justified"})):
            answer = self.officer.post(reverse(f"admin:{name}", args=[taken.pk]), posted)
            assert answer.status_code == 302, (name, answer.content[-800:])
        assert self.officer.get("/console/glass/").status_code == 200
        for _tick in range(3):  # the alarm of it is raised and told
            work_once()
        assert Alert.objects.filter(rule="break_glass").exists()

    def evidence(self, request: SubjectRequest) -> bytes:
        answer = self.officer.post(f"/console/requests/{request.pk}/evidence/")
        assert answer.status_code == 200
        return unzipped(answer.content)
