"""Institutions: one code and one number each."""

import pytest

from amanat.core.errors import AmanatError, NotFound
from amanat.jurisdictions.institutions import (
    institution,
    institutions_from,
    institutions_of_file,
    load_institutions,
)

GOOD = """
[[institution]]
code = "ministry"
number = 1
name = "Ministry"
capacities = ["issuer"]
[[institution]]
code = "bank"
number = 2
name = "Central bank"
capacities = []
"""


def test_pakistan_has_its_institutions():
    known = load_institutions("pk")
    assert [one.code for one in known] == [
        "ministry",
        "central_bank",
        "depository",
        "secp",
        "pvara",
        "fmu",
        "interior",
        "nacta",
        "fbr",
    ]
    assert "issuer" in institution(known, "ministry").capacities
    with pytest.raises(NotFound):
        institution(known, "nobody")


def test_own_institutions_are_read_from_a_file(tmp_path):
    path = tmp_path / "institutions.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert [one.number for one in institutions_of_file(path)] == [1, 2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("number = 2", "number = 1"),
        ("number = 2", "number = 0"),
        ("number = 2", "number = 256"),
        ('code = "bank"', 'code = "ministry"'),
        ("capacities = []", "capacities = [1]"),
        ("capacities = []", ""),
        ("name", "title"),
    ],
)
def test_one_fault_is_refused(old, new):
    institutions_from(GOOD, "good.toml")
    with pytest.raises(AmanatError) as caught:
        institutions_from(GOOD.replace(old, new), "bad.toml")
    assert "bad.toml" in str(caught.value)
