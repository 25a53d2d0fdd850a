"""The configuration file: read whole, told by its settings, without secrets, after variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from amanat.configuration import Configuration, ConfigurationInvalid, read_file, settings
from amanat.core.errors import AmanatError, Refusals
from amanat.settings import VARIABLES, SettingInvalid, Settings

WORD = "planted-password"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file of an installation lies."""
    (tmp_path / "amanat").mkdir()
    return tmp_path / "amanat" / "amanat.toml"


def loaded(file: Path, **environment: str) -> Settings:
    return Settings.from_environment({"AMANAT_DATA": str(file.parent), **environment})


def test_every_variable_is_a_setting_of_the_file() -> None:
    assert {variable for _, _, variable in settings()} == set(VARIABLES) - {"AMANAT_CONFIG"}


def test_the_file_in_the_folder_is_read(file: Path) -> None:
    file.write_text('[network]\nnodes = ["http://a:1", "http://b:2"]\nchain_id = 7\n')
    found = loaded(file)
    assert (found.node_urls, found.chain_id, found.finality) == (
        ("http://a:1", "http://b:2"),
        7,
        "finalized",
    )


def test_a_variable_goes_before_the_file(file: Path) -> None:
    file.write_text("[network]\nchain_id = 7\n[server]\nport = 9001\n")
    assert loaded(file, AMANAT_CHAIN_ID="8").chain_id == 8
    assert loaded(file, AMANAT_CHAIN_ID="8").serving.port == 9001


def test_another_file_is_named_and_must_be_there(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    with pytest.raises(SettingInvalid, match="is no file"):
        loaded(file, AMANAT_CONFIG=str(other))
    other.write_text("[readiness]\nlag_blocks_max = 5\n")
    assert loaded(file, AMANAT_CONFIG=str(other)).serving.lag_blocks_max == 5


def test_all_that_is_wrong_is_told_at_once_and_no_value(file: Path) -> None:
    file.write_text(
        f'[database]\nurl = "postgresql+pg8000://amanat:{WORD}@db/amanat"\n'
        f'[network]\nnodes = ["http://node?key={WORD}", "node"]\nchain_id = "{WORD}"\n'
        '[server]\ncertificate = "relative.pem"\n[nothing]\n'
    )
    with pytest.raises(Refusals) as refused:
        read_file(file)
    told = [str(one) for one in refused.value.refusals]
    assert WORD not in "".join(told)
    named = {one.fields["setting"] for one in refused.value.refusals}
    assert named == {
        "database.url",
        "network.nodes.0",
        "network.nodes.1",
        "network.chain_id",
        "server.certificate",
        "nothing",
    }


def test_a_file_that_is_no_toml(file: Path) -> None:
    file.write_text(f"[network\nchain_id = '{WORD}'")
    with pytest.raises(ConfigurationInvalid, match="not TOML") as refused:
        read_file(file)
    assert WORD not in str(refused.value)


def test_the_databases_password_comes_from_its_file(file: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(f"{WORD}\n")
    file.write_text(
        f'[database]\nurl = "postgresql+pg8000://amanat@db/amanat"\npassword_file = "{password}"\n'
    )
    found = loaded(file)
    assert found.database_url == f"postgresql+pg8000://amanat:{WORD}@db/amanat"
    assert WORD not in repr(found)
    password.unlink()
    with pytest.raises(SettingInvalid, match="is no file"):
        loaded(file)


def test_nodes_with_a_password_come_from_their_file(file: Path, tmp_path: Path) -> None:
    nodes = tmp_path / "nodes"
    nodes.write_text(f"https://us:{WORD}@a:1\nhttps://us:{WORD}@b:2\n")
    file.write_text(f'[network]\nnodes_file = "{nodes}"\n')
    found = loaded(file)
    assert found.node_urls == (f"https://us:{WORD}@a:1", f"https://us:{WORD}@b:2")
    assert WORD not in repr(found)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AMANAT_PORT", "65536"),
        ("AMANAT_PORT", "-1"),
        ("AMANAT_LOG_LEVEL", "loud"),
        ("AMANAT_TRACES_PERCENT", "101"),
        ("AMANAT_LAG_SECONDS_MAX", "1.5"),
        ("AMANAT_METRICS_TOKEN_FILE", "/nowhere"),
    ],
)
def test_variables_that_cannot_be_used(file: Path, variable: str, value: str) -> None:
    with pytest.raises(AmanatError) as refused:
        loaded(file, **{variable: value})
    assert variable in str(refused.value)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AMANAT_")}
    program = "from amanat.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "config", *words],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_check_tells_all_and_leaves_with_its_code(file: Path) -> None:
    file.write_text("[network]\nchain_id = 7\n")
    sound = run("check", str(file))
    assert (sound.returncode, sound.stdout.strip().endswith("valid")) == (0, True)
    file.write_text("[network]\nchain_id = 0\nnodles = 1\n")
    wrong = run("check", str(file))
    assert wrong.returncode == 1
    assert "network.chain_id" in wrong.stderr
    assert "network.nodles: there is no such setting" in wrong.stderr
    assert run("check", str(file.with_name("none.toml"))).returncode == 1


def test_show_says_where_each_value_comes_from_and_hides_secrets(file: Path) -> None:
    file.write_text("[network]\nchain_id = 7\n")
    url = f"postgresql+pg8000://amanat:{WORD}@db/amanat"
    done = run("show", "--data", str(file.parent), "--json", AMANAT_DATABASE=url)
    rows = {one["variable"]: one for one in json.loads(done.stdout)}
    assert rows["AMANAT_CHAIN_ID"] == {"variable": "AMANAT_CHAIN_ID", "value": "7", "from": "file"}
    assert rows["AMANAT_DATABASE"]["value"] == "postgresql+pg8000://amanat:***@db/amanat"
    assert rows["AMANAT_DATABASE"]["from"] == "environment"
    assert rows["AMANAT_PORT"] == {"variable": "AMANAT_PORT", "value": "8000", "from": "default"}
    assert WORD not in done.stdout + done.stderr


def test_schema_is_that_of_the_file() -> None:
    told = json.loads(run("schema").stdout)
    assert set(told["properties"]) == set(Configuration.model_fields)
    assert told["additionalProperties"] is False
