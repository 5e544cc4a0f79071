"""The first start: secrets are private from their first moment, fresh each time, and never replaced."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, ClassVar

import environ
import pytest

from config import bootstrap
from governance.crypto import keyring

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_key_file_named_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOVERNANCE_KEY_FILE", raising=False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_made_is_private_and_says_so(tmp_path: Path) -> None:
    assert bootstrap.prepare(tmp_path) == [".env", "var/keyring"]

    assert mode(tmp_path / ".env") == 0o600
    assert mode(tmp_path / "var") == 0o700
    assert mode(tmp_path / "var" / "keyring") == 0o600
    keyring.load(tmp_path / "var" / "keyring")


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    bootstrap.prepare(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in (".env", "var/keyring")}

    assert bootstrap.prepare(tmp_path) == []
    assert before == {name: (tmp_path / name).read_bytes() for name in before}


def test_secrets_differ_between_installations(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bootstrap.prepare(tmp_path / name)
        secrets.add(re.search(r"^SECRET_KEY=(\S{64,})$", (tmp_path / name / ".env").read_text(), re.MULTILINE)[1])
    assert len(secrets) == 2


def test_the_settings_can_read_what_was_written(tmp_path: Path) -> None:
    bootstrap.prepare(tmp_path)

    class Alone(environ.Env):
        ENVIRON: ClassVar[dict[str, str]] = {}  # not this process's environment

    Alone.read_env(tmp_path / ".env")
    env = Alone()

    assert env.bool("GOVERNANCE_DEMO") is True
    assert env.list("ALLOWED_HOSTS") == ["localhost", "127.0.0.1"]
    assert env.db_url("DATABASE_URL")["NAME"] == "var/governance.sqlite3"
    assert env.str("CELERY_BROKER_URL") == "filesystem://localhost"
    assert len(env.str("SECRET_KEY")) >= 64


@pytest.mark.parametrize("others", [0o640, 0o604, 0o620, 0o666])
def test_an_environment_others_can_read_is_refused_with_the_remedy(tmp_path: Path, others: int) -> None:
    bootstrap.prepare(tmp_path)
    (tmp_path / ".env").chmod(others)

    with pytest.raises(bootstrap.CannotStart, match=r"chmod 600 \.env"):
        bootstrap.prepare(tmp_path)
    assert mode(tmp_path / ".env") == others


def test_a_link_in_place_of_the_environment_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(bootstrap.CannotStart, match="not an ordinary file"):
        bootstrap.prepare(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_stood_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o755)
    bootstrap.prepare(tmp_path)
    assert mode(tmp_path / "var") == 0o700


def test_no_fresh_keys_beside_data_sealed_under_lost_ones(tmp_path: Path) -> None:
    bootstrap.prepare(tmp_path)
    (tmp_path / "var" / "governance.sqlite3").touch()
    (tmp_path / "var" / "keyring").unlink()

    with pytest.raises(bootstrap.CannotStart, match="Put the key file back"):
        bootstrap.prepare(tmp_path)
    assert not (tmp_path / "var" / "keyring").exists()


def test_a_key_file_named_in_the_environment_is_the_one_made(tmp_path: Path) -> None:
    bootstrap.prepare(tmp_path)
    text = (tmp_path / ".env").read_text()
    (tmp_path / ".env").write_text(text.replace("=var/keyring", f"={tmp_path / 'elsewhere'}"))

    assert bootstrap.prepare(tmp_path) == ["elsewhere"]
    assert mode(tmp_path / "elsewhere") == 0o600


def test_a_refusal_is_a_sentence_and_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path)
    assert bootstrap.main() == 0
    assert capsys.readouterr().out == "Made .env, var/keyring.\n"

    (tmp_path / ".env").chmod(0o644)
    assert bootstrap.main() == 1
    assert "mode 0644" in capsys.readouterr().err
