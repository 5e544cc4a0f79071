"""`manage.py replay_decisions`: makes sampled decisions again and says which differ; for auditors and for cron."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from governance.access.replaying import replay
from governance.models import DecisionSample


class Command(BaseCommand):
    """Exit status 0: every replayed decision is the same; 1: at least one differs."""

    help = "Makes sampled decisions again from the rules and history of their moment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--newest", type=int, default=1000, help="How many samples, newest first (default 1000).")

    def handle(self, *_args: Any, **options: Any) -> None:
        rows = DecisionSample.objects.select_related("ruleset").order_by("-pk")[: options["newest"]]
        replayed = [replay(row) for row in rows]
        different = [each for each in replayed if not each.is_same]
        for each in different:
            then, now = each.sample, each.decision
            self.stdout.write(f"sample {then.pk} of {then.decided_at.isoformat()}: {then.outcome} {then.reasons}, ")
            self.stdout.write(f"  and now {now.outcome.value} {list(now.reasons)}")
        self.stdout.write(f"{len(replayed)} decisions replayed, {len(different)} different")
        if different:
            sys.exit(1)
