"""export_audit: gives the ledger to a security monitor, from where the last run stopped; it chooses no events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from governance.audit import feed
from governance.errors import GovernanceError
from governance.policy.principal import operator
from governance.systems import siem

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from contextlib import AbstractContextManager

    from governance.systems.siem import Send


class Command(BaseCommand):
    """Export events."""

    help = "Sends the ledger's events as OCSF 1.5.0 JSON lines to a file, an HTTPS collector or syslog over TLS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["ocsf"], default="ocsf")
        parser.add_argument("--to", choices=["file", "https", "syslog"], required=True)
        parser.add_argument("--name", help="under which progress is kept; one for each receiver (default: --to)")
        parser.add_argument("--path", type=Path, help="file: where to append")
        parser.add_argument("--url", help="https: the collector")
        parser.add_argument("--token-file", type=Path, help="https: a file with the bearer token")
        parser.add_argument("--address", help="syslog: host:port, port 6514 if left out")
        parser.add_argument("--ca-file", type=Path, help="trust only these certificate authorities")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["name"] or options["to"]
        try:
            with _target(options) as send:
                sent = feed.export(name, send, to=options["to"], principal=operator(""))
        except (GovernanceError, OSError) as error:
            message = f"The export stopped; run it again to go on. {error}"
            raise CommandError(message) from error
        self.stdout.write(f"{sent} events sent.")


def _target(options: dict[str, Any]) -> AbstractContextManager[Send]:
    if options["to"] == "file":
        return siem.to_file(_given(options, "path"))
    if options["to"] == "https":
        token = options["token_file"].read_text().strip() if options["token_file"] else ""
        return siem.to_https(_given(options, "url"), token=token, authorities=options["ca_file"])
    host, _colon, port = _given(options, "address").rpartition(":")
    if not host:
        host, port = port, "6514"
    return siem.to_syslog(host, int(port), authorities=options["ca_file"])


def _given(options: dict[str, Any], name: str) -> Any:
    if not options[name]:
        message = f"Give --{name} for --to {options['to']}."
        raise CommandError(message)
    return options[name]
