"""Everything but what belongs to an extra is imported without any: `make run` installs none of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
#: What is loaded only where the extra is installed, because it is its driver that it speaks through.
OF_AN_EXTRA = {
    "governance.keys.providers.aws_kms",
    "governance.keys.providers.pkcs11",
    "governance.systems.sql.loaders",
}
#: The module that each distribution of an extra brings.
BRINGS = {"psycopg": "psycopg", "redis": "redis", "pymysql": "pymysql", "boto3": "boto3", "python-pkcs11": "pkcs11"}
IMPORTS = """
import importlib, json, pkgutil, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))  # None: as if not installed
import django
django.setup()
failed = []
for room in ("governance", "consent", "dsar", "config"):
    for found in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        try:
            importlib.import_module(found.name)
        except ImportError:
            failed.append(found.name)
print(json.dumps(failed))
"""


def test_only_what_belongs_to_an_extra_needs_one() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    distributions = {each.split("[")[0].split(">")[0] for wanted in extras.values() for each in wanted}
    assert distributions == set(BRINGS)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, json.dumps(sorted(BRINGS.values()))],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings_test", "DATABASE_URL": "sqlite://:memory:"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) == OF_AN_EXTRA
