"""What the guides tell people to type exists: acts, views, fields, commands, links, programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

import amanat.app  # noqa: F401  declares every act and view
from amanat.access.acts import ACTS, VIEWS
from amanat.jurisdictions.goaml import load_goaml
from amanat.supervision.goaml.commands import DraftReport

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "pilots").rglob("*.md")]
)
_COMMAND = re.compile(r"^[ ]*(?:[A-Z_]+=\S+ )*amanat ([^\n]+)$", re.MULTILINE)
_INLINE = re.compile(r"`amanat ([^`]+)`", re.DOTALL)
_CODE = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def typed(guide: Path) -> list[list[str]]:
    """Every `amanat ...` of a guide, in blocks and in lines, as words."""
    text = guide.read_text(encoding="utf-8")
    found = [one for block in _CODE.findall(text) for one in _COMMAND.findall(block)]
    found += [" ".join(one.split()) for one in _INLINE.findall(text)]
    return [shlex.split(one.split(" > ")[0]) for one in found]


def faults(words: list[str]) -> list[str]:
    """What of an act or a view that somebody types does not exist, or is wanting."""
    if words[0] not in ("act", "view") or len(words) < 2 or words[1] in ("NAME",):
        return []
    known = ACTS if words[0] == "act" else VIEWS
    if words[1] not in known:
        return [f"no {words[0]} {words[1]}"]
    kind = known[words[1]]
    model: type[BaseModel] = getattr(kind, "command", None) or getattr(kind, "query")  # noqa: B009
    given = {word.partition("=")[0] for word in words[2:] if "=" in word and word[0] != "-"}
    found = [f"{words[1]}: no field {name}" for name in given - set(model.model_fields)]
    whole = words[0] == "act" and given and "--file" not in words
    needed = {name for name, one in model.model_fields.items() if one.is_required()}
    return found + [f"{words[1]}: lacks {name}" for name in (needed - given if whole else ())]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda one: one.stem)
def test_acts_and_views_exist(guide: Path) -> None:
    assert [fault for words in typed(guide) for fault in faults(words)] == []


def test_the_report_of_the_guide_is_one() -> None:
    """Fields as `amanat act DraftReport --file` takes them; its codes and district are listed."""
    text = (ROOT / "docs" / "how-to" / "compliance-officer.md").read_text(encoding="utf-8")
    (stated,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    report = DraftReport.model_validate_json(stated)
    pack = load_goaml("pk")
    assert pack.province_of(report.location.district) == report.location.province
    assert None not in [pack.indicator(one) for one in report.indicators]
    assert report.report_code in {one.code for one in pack.reports}


def test_what_does_not_exist_is_found() -> None:
    assert faults(["act", "MakeMoney", "amount=1"]) == ["no act MakeMoney"]
    assert faults(["act", "CloseTender", "auction=1"]) == [
        "CloseTender: no field auction",
        "CloseTender: lacks tender",
    ]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda one: one.stem)
def test_commands_exist(guide: Path) -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    for words in typed(guide):
        name = "amanat" if words[0].startswith("--") else f"amanat {words[0]}"
        section = reference.partition(f"\n## {name}\n")[2]
        assert section, words
        for option in (word for word in words if word.startswith("--")):
            assert f"`{option}`" in reference, (words, option)


@pytest.mark.parametrize("page", PAGES, ids=lambda one: str(one.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def program(guide: str) -> str:
    """The Python of a guide."""
    text = (ROOT / "docs" / "how-to" / guide).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def run(folder: Path, text: str) -> str:
    """Run a program in a folder; what it printed."""
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_developers_act_is_declared(tmp_path: Path) -> None:
    shown = "from amanat.access.acts import ACTS\nprint(ACTS['PostNotice'].summary)"
    printed = run(tmp_path, f"import amanat.app\n{program('developer.md')}\n{shown}")
    assert printed == "Post a notice on an asset; a second person approves it.\n"
