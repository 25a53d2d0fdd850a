"""The file that names PKCS#11 devices: every fault at once, and PINs from safe places alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from amanat.core.errors import Refusals
from amanat.ledger.devices import DeviceTermsInvalid, PinNotGiven, device_of, read_devices
from amanat.settings import SettingInvalid, Settings

SOUND = '[[device]]\nlabel = "d"\nmodule = "/lib/m.so"\nkeeps = ["a", "b/c"]\n'


def written(folder: Path, content: str) -> Path:
    path = folder / "devices.toml"
    path.write_text(content)
    return path


def test_no_file_means_no_device(tmp_path: Path) -> None:
    assert read_devices(tmp_path / "devices.toml") == ()
    settings = Settings.from_environment({"AMANAT_DATA": str(tmp_path)})
    assert settings.devices_path == tmp_path / "devices.toml"
    with pytest.raises(SettingInvalid, match="AMANAT_DEVICES"):
        Settings.from_environment({"AMANAT_DEVICES": str(tmp_path / "none.toml")})


def test_a_single_key_outranks_its_institution(tmp_path: Path) -> None:
    other = SOUND.replace('"d"', '"e"').replace('"a", "b/c"', '"b", "a/x"')
    path = written(tmp_path, (SOUND + other).replace("keeps", 'pin_variable = "P"\nkeeps'))
    devices = read_devices(path)

    def place(institution: str, name: str) -> str | None:
        found = device_of(devices, institution, name)
        return found.label if found else None

    keys = (("a", "y"), ("a", "x"), ("b", "c"), ("b", "d"), ("c", "c"))
    assert [place(*key) for key in keys] == ["d", "e", "d", "e", None]


def test_a_pin_comes_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND + 'pin_file = "pin"\n')
    (device,) = read_devices(path)
    with pytest.raises(PinNotGiven, match="No such file"):
        device.pin()
    pin = tmp_path / "pin"
    pin.write_text("1234\n")
    pin.chmod(0o644)
    with pytest.raises(PinNotGiven, match="read by others"):
        device.pin()
    pin.chmod(0o600)
    assert device.pin() == "1234"


def test_a_pin_comes_from_a_variable_or_a_person(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND + 'pin_variable = "THE_PIN"\n')
    assert read_devices(path, {"THE_PIN": "99"})[0].pin() == "99"
    with pytest.raises(PinNotGiven, match="THE_PIN is not set"):
        read_devices(path, {})[0].pin()
    # Tests have no terminal, so there is nobody to be asked.
    asked = read_devices(written(tmp_path, SOUND + "pin_prompt = true\n"))[0]
    with pytest.raises(PinNotGiven, match="nobody is here"):
        asked.pin()


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    faulty = (
        '[[device]]\nlabel = "x"\nmodule = 7\npin = "1234"\nkeeps = []\n'
        + (SOUND + 'pin_file = "p"\n') * 2
    )
    with pytest.raises(Refusals) as found:
        read_devices(written(tmp_path, faulty))
    told = [str(one) for one in found.value.refusals]
    assert told == [
        "devices.toml: device x: module is missing or not a str",
        "devices.toml: device x: keeps is missing or not a list",
        "devices.toml: device x: pin is unknown",
        "devices.toml: device x: names one of pin_file, pin_variable, pin_prompt",
        "devices.toml: device d: there are two of this label",
    ]
    for broken in ("[[device]", "[device]\nlabel = 'x'\n", "other = 1\n"):
        with pytest.raises(DeviceTermsInvalid):
            read_devices(written(tmp_path, broken))
