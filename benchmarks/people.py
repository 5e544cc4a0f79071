"""Fills a fresh installation with people who consented and prints a service key; for benchmarks only."""

import os
import sys

import django


def main(people: int) -> None:
    """Make one controller, one purpose, this many people, and one service."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from consent import services  # noqa: PLC0415  # after setup
    from consent.lifecycle import State  # noqa: PLC0415  # after setup
    from governance.access import service_keys  # noqa: PLC0415  # after setup
    from governance.catalogue import purposes  # noqa: PLC0415  # after setup
    from governance.models import Controller  # noqa: PLC0415  # after setup
    from governance.policy.principal import operator  # noqa: PLC0415  # after setup
    from governance.policy.vocabulary import Role  # noqa: PLC0415  # after setup

    controller = Controller.objects.create(slug="bench", name="Benchmark", is_default=True)
    principal = operator(controller.pk.hex)
    purpose = purposes.create(
        controller, principal=principal, key="news", name="News", lawful_basis="consent", channels=["email"]
    )
    notice = services.publish(
        controller, key="welcome", title="Welcome", language="en", text="Our notice.", principal=principal
    )
    choice = services.Choice(purpose=purpose, state=State.GIVEN, method="import", notice_revision=notice)
    for number in range(people):
        services.record_for(controller, [("email", f"p{number}@bench.example")], [choice], principal=principal)
    account = service_keys.create_account(controller, "bench", [Role.CHECKER], ["*"], principal=principal)
    print(service_keys.issue(account, principal=principal))


if __name__ == "__main__":
    main(int(sys.argv[1]))
