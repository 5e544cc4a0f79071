"""Alarms reach officers by letter and a system by signed post: retried a few times, to public hosts only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from governance import access
from governance.alarms import hooks, settling, telling
from governance.errors import BadInput, SystemRefused
from governance.models import AlarmHook, Alert, AlertDelivery, LedgerEntry, StaffUser
from governance.policy.vocabulary import AuditType, Role
from governance.systems.addresses import public_address
from tests.governance.conftest import staff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.mail import EmailMessage
    from pytest_django.fixtures import SettingsWrapper

    from tests.governance.alarms.conftest import Watch


class Receiver:
    """A system that takes alarms, or does not."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                if outer.status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def officer(watch: Watch) -> StaffUser:
    return staff(watch.controller, Role.PRIVACY_OFFICER, email="officer@staff.example")


def raise_one(watch: Watch) -> Alert:
    watch.does(AuditType.SUBJECT_REVEALED, 21)
    watch.alerts()
    return Alert.objects.get()


def test_officers_get_a_letter_and_the_person_concerned_does_not(
    watch: Watch, officer: StaffUser, mailoutbox: list[EmailMessage]
) -> None:
    staff(watch.controller, Role.AUDITOR, email="auditor@staff.example")
    alert = raise_one(watch)
    assert telling.deliver_due() == 1
    (letter,) = mailoutbox
    assert letter.to == [officer.email]
    assert f"/console/alarms/{alert.pk}/" in letter.body
    for word in (watch.agent.email, "jane.doe", alert.actor_ref):
        assert word not in letter.body + letter.subject
    assert telling.deliver_due() == 0


def test_an_officer_is_not_told_of_an_alarm_about_themselves(
    watch: Watch, officer: StaffUser, mailoutbox: list[EmailMessage]
) -> None:
    watch.does(AuditType.SUBJECT_REVEALED, 21, by=access.principal_of(officer))
    watch.alerts()
    telling.deliver_due()
    assert mailoutbox == []


def test_a_post_is_signed_as_standard_webhooks_describe(watch: Watch, officer: StaffUser, receiver: Receiver) -> None:
    secret = settling.set_hook(watch.controller, receiver.url, principal=access.principal_of(officer))
    alert = raise_one(watch)
    assert telling.deliver_due() == 2
    ((headers, body),) = receiver.got
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert (told["type"], told["data"]["alert"], told["data"]["rule"]) == (
        "alarm.raised",
        str(alert.pk),
        "reveal_volume",
    )
    assert set(told["data"]) == {
        "alert", "controller", "rule", "actor", "bucket", "count", "limit", "raised_at", "link",
    }  # fmt: skip
    row = AlarmHook.objects.get()
    assert receiver.url.encode() not in bytes(row.url.envelope)
    assert LedgerEntry.objects.filter(type="subject.revealed", object_ref__startswith="alarm_hook:").exists()


def test_the_vector_of_standard_webhooks() -> None:
    # From the specification's own example.
    made = hooks.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_is_down_is_tried_again_and_then_given_up(
    watch: Watch, officer: StaffUser, receiver: Receiver
) -> None:
    settling.set_hook(watch.controller, receiver.url, principal=access.principal_of(officer))
    receiver.status = 500
    raise_one(watch)
    telling.deliver_due()
    for _ in range(8):
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            AlertDelivery.objects.filter(state="queued").update(due_at=timezone.now())
            telling.deliver_due()
    row = AlertDelivery.objects.get(staff=None)
    assert (row.state, row.attempts, row.error) == ("failed", 5, "hook.status_500")
    assert len(receiver.got) == 5
    assert len({headers["webhook-id"] for headers, _body in receiver.got}) == 1


def test_two_workers_do_not_tell_the_same_alarm(watch: Watch, officer: StaffUser, mailoutbox: list[Any]) -> None:
    raise_one(watch)
    (row,) = AlertDelivery.objects.select_related("alert__controller", "staff")
    twin = AlertDelivery.objects.select_related("alert__controller", "staff").get(pk=row.pk)
    assert telling._claim(row)  # noqa: SLF001  # the race is the point
    assert not telling._claim(twin)  # noqa: SLF001


def test_a_hook_that_does_not_open_keeps_no_letter_back(watch: Watch, officer: StaffUser, receiver: Receiver) -> None:
    settling.set_hook(watch.controller, receiver.url, principal=access.principal_of(officer))
    with connection.cursor() as cursor:  # somebody with the database moves a sealed value to another column
        cursor.execute("UPDATE governance_alarmhook SET url = secret")
    raise_one(watch)
    AlertDelivery.objects.filter(staff=None).update(due_at=timezone.now() - timedelta(hours=1))
    assert telling.deliver_due() == 1
    assert AlertDelivery.objects.get(staff=None).error == "hook.unreadable"


def test_a_redirect_is_not_followed(watch: Watch, officer: StaffUser, receiver: Receiver) -> None:
    settling.set_hook(watch.controller, receiver.url, principal=access.principal_of(officer))
    receiver.status = 302
    raise_one(watch)
    telling.deliver_due()
    assert len(receiver.got) == 1
    assert AlertDelivery.objects.get(staff=None).error == "hook.status_302"


@pytest.mark.parametrize(
    "url",
    [
        "http://alarms.example/hook",
        "https://127.0.0.1/",
        "https://localhost:8000/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[64:ff9b:1::808:808]/",
        "https://[2002:a00:1::]/",
        "https://[::7f00:1]/",
        "https://[fec0::1]/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://0/",
        "https://2130706433/",
        "https://224.0.0.1/",
        "https://user:secret@1.1.1.1/",
        "https://1.1.1.1/#part",
        "https://1.1.1.1:99999/",
        "file:///etc/passwd",
        "gopher://1.1.1.1/",
        "https:///nowhere",
        "https://1.1.1.1/\r\nX: y",
        "https://" + "1" * 1000,
        "https://" + "a" * 300 + ".example/",
        "https://a..b/",
    ],
)
def test_no_alarm_is_posted_into_our_own_net(settings: SettingsWrapper, url: str) -> None:
    settings.GOVERNANCE_DEMO = False
    with pytest.raises(BadInput):
        hooks.require_usable(url)
    assert hooks.post(url, hooks.new_secret(), message_id="a", timestamp=1, data={}) == "hook.refused_address"


def test_a_public_host_may_be_named(settings: SettingsWrapper) -> None:
    settings.GOVERNANCE_DEMO = False
    hooks.require_usable("https://1.1.1.1/hook?key=value")
    assert public_address("1.1.1.1", 443) == "1.1.1.1"


def test_a_name_that_leads_into_our_net_by_then_is_refused_at_the_call(
    watch: Watch, officer: StaffUser, receiver: Receiver, settings: SettingsWrapper
) -> None:
    settling.set_hook(watch.controller, receiver.url, principal=access.principal_of(officer))
    settings.GOVERNANCE_DEMO = False  # from here on loopback is our own net
    raise_one(watch)
    telling.deliver_due()
    assert receiver.got == []
    assert AlertDelivery.objects.get(staff=None).error == "hook.refused_address"
    with pytest.raises(SystemRefused):
        public_address("127.0.0.1", 443)
