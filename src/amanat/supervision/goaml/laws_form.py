"""The rules of a report's form: elements in their order, none empty, and nothing beside them.

What goAML would read otherwise than the gate does is turned away here: a value in two parts around
a comment, text between elements, letters or spaces outside ASCII in a code, number or date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from amanat.core.messages import Message
from amanat.supervision.goaml.gate import Problem, Report
from amanat.supervision.goaml.latin import LATIN_NAME, LATIN_TEXT
from amanat.supervision.goaml.order import ADDRESS, ORDER, REPEATED, REQUIRED
from amanat.supervision.goaml.xml_in import Element

_NAMES = ("first_name", "middle_name", "prefix", "last_name", "account_name", "mothers_name")
_TEXTS = (
    "reason", "action", "transaction_description", "transaction_location", "address", "town",
    "city", "state", "rentity_branch", "branch", "institution_name", "name", "occupation",
)  # fmt: skip
_KEEPS_ORIGINAL = frozenset({"comments", "full_name_frn", "alias"})
_SPACES = " \t\r\n"
_UNORDERED = "goods_services"
"""What stands in it is left to the operator's schema."""


def elements(report: Report) -> Iterator[Element]:
    """Every element, without comments and instructions."""
    return (one for one in report.root.iter() if isinstance(one.tag, str))


def _allowed(at: Element) -> tuple[str, ...] | None:
    if at.tag == "address" and len(at):
        return ADDRESS
    if at.tag == "account" and not len(at):
        return None
    return ORDER.get(str(at.tag))


def elements_in_order(report: Report) -> Iterator[Problem]:
    """Elements are known ones, in the published order, and once where they are not repeated."""
    for at in elements(report):
        allowed = _allowed(at)
        if allowed is None:
            continue
        place = -1
        seen: Counter[str] = Counter()
        for child in at.iterchildren("*"):
            name = str(child.tag)
            if name not in allowed:
                said = Message("{name} may not stand in {parent}", name=name, parent=str(at.tag))
                yield report.problem("unknown_element", child, said)
                continue
            seen[name] += 1
            if seen[name] == 2 and name not in REPEATED:
                said = Message("{name} stands more than once", name=name)
                yield report.problem("repeated_element", child, said)
            index = allowed.index(name)
            if index < place:
                said = Message(
                    "{name} stands after {other}; it goes before it",
                    name=name,
                    other=allowed[place],
                )
                yield report.problem("element_order", child, said)
            place = max(place, index)


def nothing_between(report: Report) -> Iterator[Problem]:
    """A value stands whole in its element, and no text beside the elements."""
    for at in report.root.iter():
        if not isinstance(at.tag, str):
            said = Message("a comment or an instruction is not taken: leave it out")
            yield report.problem("comment", at.getparent(), said)
            continue
        children = list(at.iterchildren("*"))
        if not children:
            continue
        if _allowed(at) is None and at.tag != _UNORDERED and not _inside_unordered(at):
            for child in children:
                said = Message(
                    "{name} may not stand in {parent}", name=str(child.tag), parent=str(at.tag)
                )
                yield report.problem("unknown_element", child, said)
        beside = [at.text, *(child.tail for child in at)]
        if any((text or "").strip(_SPACES) for text in beside):
            said = Message("there is text between the elements of {name}", name=str(at.tag))
            yield report.problem("text_between", at, said)


def _inside_unordered(at: Element) -> bool:
    return any(one.tag == _UNORDERED for one in at.iterancestors())


def nothing_empty(report: Report) -> Iterator[Problem]:
    """An element that has nothing to say is left out: goAML rejects empty ones."""
    for at in elements(report):
        if not len(at) and not (at.text or "").strip() and at.tag not in ("reason", "action"):
            said = Message("{name} is empty; leave it out or fill it", name=str(at.tag))
            yield report.problem("empty_element", at, said)


def no_attributes(report: Report) -> Iterator[Problem]:
    """Elements have no attributes but the document's own, which names a schema."""
    for at in elements(report):
        if at is not report.root and at.attrib:
            said = Message("{name} has an attribute; the form has none", name=str(at.tag))
            yield report.problem("attribute", at, said)


def required_elements(report: Report) -> Iterator[Problem]:
    """What every report, transaction and side must have."""
    for at in elements(report):
        for name in REQUIRED.get(str(at.tag), ()):
            if at.find(name) is None:
                said = Message("{name} is missing", name=name)
                yield report.problem("missing_element", at, said)


def latin_letters(report: Report) -> Iterator[Problem]:
    """Names and texts are in Latin letters; what was written in others stands in comments.

    Codes, numbers and dates have ASCII alone: no digits of other scripts, no spaces that look like
    one.
    """
    for at in elements(report):
        text = (at.text or "").strip(_SPACES)
        if not text or len(at) or at.tag in _KEEPS_ORIGINAL:
            continue
        if at.tag in _NAMES:
            if not LATIN_NAME.fullmatch(text):
                said = Message("a name is written in Latin letters: transliterate it")
                yield report.problem("name_not_latin", at, said)
        elif at.tag in _TEXTS:
            if not LATIN_TEXT.fullmatch(text) or not text.isascii():
                said = Message("a text is written in Latin letters: transliterate it")
                yield report.problem("text_not_latin", at, said)
        elif not text.isascii():
            said = Message("{name} has ASCII letters and digits alone", name=str(at.tag))
            yield report.problem("not_ascii", at, said)
