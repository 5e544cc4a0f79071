"""First start on a bare machine: makes `.env`, `var/` and the key file, overwrites nothing; loads no Django."""

import os
import re
import secrets
import stat
import sys
from pathlib import Path

from governance.crypto import keyring

PROJECT = Path(__file__).resolve().parent.parent
DATABASE = "var/governance.sqlite3"
KEY_FILE = "var/keyring"

ENVIRONMENT = f"""\
# Made by `make run` for a demonstration on this machine. It holds secrets: keep it 0600, keep it out of git.
# For production, see docs/operating.md.
SECRET_KEY={{secret_key}}
GOVERNANCE_DEMO=true
GOVERNANCE_KEY_FILE={KEY_FILE}
ALLOWED_HOSTS=localhost,127.0.0.1
DATABASE_URL=sqlite:///{DATABASE}
CELERY_BROKER_URL=filesystem://localhost
GOVERNANCE_LOG_LEVEL=WARNING
"""


class CannotStart(Exception):
    """Something on disk must be put right by a person first; the message says what and how."""


def prepare(project: Path) -> list[str]:
    """Make what is missing under `project` and name it; raises CannotStart rather than guess about secrets."""
    made = []
    environment = project / ".env"
    if _exists(environment):
        _require_private(environment)
    else:
        _write_private(environment, ENVIRONMENT.format(secret_key=secrets.token_urlsafe(64)))
        made.append(".env")

    # Everything under var/ is sealed or secret; other accounts on the machine have no business even listing it.
    (project / "var").mkdir(mode=0o700, exist_ok=True)
    (project / "var").chmod(0o700)
    (project / "var" / "static").mkdir(mode=0o700, exist_ok=True)  # looked for even where nothing is collected

    key_file = project / _setting(environment, "GOVERNANCE_KEY_FILE", default=KEY_FILE)
    if not _exists(key_file):
        _require_nothing_sealed(project, key_file)
        keyring.generate(key_file)
        made.append(str(key_file.relative_to(project)) if key_file.is_relative_to(project) else str(key_file))
    return made


def _exists(path: Path) -> bool:
    """Tell whether anything is there, a dangling link included: writing through one would put a secret elsewhere."""
    return os.path.lexists(path)


def _require_private(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        message = f"{path.name} is not an ordinary file. Move it away and start again."
        raise CannotStart(message)
    if found.st_mode & 0o077:
        message = (
            f"{path.name} can be read by other accounts on this machine (mode {stat.S_IMODE(found.st_mode):04o}). "
            f"It holds secrets: run `chmod 600 {path.name}`, and replace the secrets if others may have seen them."
        )
        raise CannotStart(message)


def _require_nothing_sealed(project: Path, key_file: Path) -> None:
    """Refuse a fresh key file beside an old database: everything sealed in it would look erased."""
    if (project / DATABASE).exists():
        message = (
            f"The key file {key_file.name} is missing, but {DATABASE} holds data sealed under it. "
            f"Put the key file back; or, to lose that data and start again, remove {DATABASE}."
        )
        raise CannotStart(message)


def _write_private(path: Path, text: str) -> None:
    # O_EXCL and the mode at creation: there is no moment in which another account could open or pre-create it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _setting(environment: Path, name: str, *, default: str) -> str:
    if name in os.environ:
        return os.environ[name]
    found = re.search(rf"^{name}=(.+)$", environment.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1).strip() if found else default


def main() -> int:
    """Prepare the checkout this file lies in, and say what was made."""
    try:
        made = prepare(PROJECT)
    except CannotStart as refusal:
        print(refusal, file=sys.stderr)
        return 1
    if made:
        print(f"Made {', '.join(made)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
