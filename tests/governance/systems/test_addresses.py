"""A connected system is never the service itself, and a file only where files are let."""

from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django.fixtures import Settings

from governance.errors import BadInput, SystemRefused
from governance.models import Controller, System
from governance.policy.principal import operator
from governance.systems.addresses import require_foreign
from governance.systems.registering import register

POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "governance", "HOST": "127.0.0.1", "PORT": ""}


def test_the_services_own_files_are_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.sqlite3"
    own.touch()
    (tmp_path / "link").symlink_to(own)
    (tmp_path / "hard").hardlink_to(own)
    described = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(own)}
    for name in (own, tmp_path / "link", tmp_path / "hard", tmp_path / "x" / ".." / "own.sqlite3"):
        with pytest.raises(SystemRefused, match="own file"):
            require_foreign(f"sqlite:///{name}", described)
    with pytest.raises(SystemRefused, match="own file"):
        require_foreign(f"sqlite:///{configured.GOVERNANCE_KEY_FILE}")
    require_foreign(f"sqlite:///{tmp_path}/shop.sqlite3", described)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", ""])
def test_the_services_own_server_is_refused_by_any_name(host: str) -> None:
    with pytest.raises(SystemRefused, match="own database"):
        require_foreign(f"postgresql://u:p@{host}/governance" if host else "postgresql:///governance", POSTGRES)
    require_foreign("postgresql://u:p@127.0.0.1/shop", POSTGRES)
    require_foreign("postgresql://u:p@127.0.0.1:6432/governance", POSTGRES)


def test_in_production_files_lie_in_one_folder(tmp_path: Path, settings: Settings) -> None:
    settings.GOVERNANCE_DEMO = False
    with pytest.raises(SystemRefused, match="GOVERNANCE_SQLITE_FOLDER"):
        require_foreign(f"sqlite:///{tmp_path}/shop.sqlite3")
    settings.GOVERNANCE_SQLITE_FOLDER = str(tmp_path)
    require_foreign(f"sqlite:///{tmp_path}/shop.sqlite3")
    with pytest.raises(SystemRefused):
        require_foreign(f"sqlite:///{tmp_path}/../shop.sqlite3")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///shop?host=/var/run/postgresql&passfile=/etc/passwd",
        "postgresql://h/shop?service=other",
        "mysql://h/shop?local_infile=1",
        "sqlite:///shop.db?mode=rwc",
        "sqlite://",
    ],
)
def test_parameters_that_read_files_or_lead_elsewhere_are_refused(controller: Controller, url: str) -> None:
    with pytest.raises(BadInput) as refused:
        register(controller, "shop", "Shop", url, principal=operator(controller.pk.hex))
    assert refused.value.errors[0].pointer == "/url"
    assert "passwd" not in str(refused.value.errors)
    assert not System.objects.exists()
