"""The page `policies.md`: who may do what, as the policies answer when they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amanat.access.actors import Actor, Role
from amanat.access.acts import ACTS, ActKind
from amanat.access.cedar import Question, permitted, policies, sentences

_PROGRAMME = "programme"
_OWN = "own"
_SUBMITS, _APPROVES = "submits", "approves"


def capacities() -> list[str]:
    """Every capacity in which some act may be submitted."""
    return sorted({one for kind in ACTS.values() for one in kind.capacities})


def answers(action: str, kinds: Sequence[ActKind]) -> dict[tuple[str, Role, str], bool]:
    """For each act, role and capacity, whether such a person may, asked of the policies.

    `approve` is asked as a person of an institution whose approval the act awaits.
    """
    cells = [(kind, role, one) for kind in kinds for role in Role for one in capacities()]
    asked = [_question(action, kind, role, capacity) for kind, role, capacity in cells]
    return {
        (kind.name, role, capacity): may
        for (kind, role, capacity), may in zip(cells, permitted(asked), strict=True)
    }


def _question(action: str, kind: ActKind, role: Role, capacity: str) -> Question:
    person = Actor(_PROGRAMME, "person", _OWN, frozenset({capacity}), role, None, "asked")
    return Question(
        actor=person,
        action=action,
        act=kind.name,
        programme=_PROGRAMME,
        capacities=kind.capacities,
        roles=kind.roles,
        institutions=(_OWN,) if action == "approve" else (),
        personal=kind.personal,
    )


def rows(kinds: Sequence[ActKind]) -> Iterator[tuple[str, ...]]:
    """One row an act: its name, the capacities, and what each role may."""
    may_submit = answers("submit", kinds)
    may_approve = answers("approve", [one for one in kinds if one.approvals is not None])
    for kind in kinds:
        by_role = {
            role: [one for one in capacities() if may_submit[kind.name, role, one]] for role in Role
        }
        most = max(by_role.values(), key=len)
        cells = []
        for role in Role:
            said = []
            if by_role[role]:
                limited = "" if by_role[role] == most else f" ({_named(by_role[role])})"
                said.append(_SUBMITS + limited)
            if any(may_approve.get((kind.name, role, one)) for one in capacities()):
                said.append(_APPROVES)
            cells.append(", ".join(said) or "–")
        everyone = most == capacities()
        yield (f"`{kind.name}`", "any" if everyone else _named(most), *cells)


def _named(words: Sequence[str]) -> str:
    return ", ".join(f"`{one}`" for one in words)


def policies_lines(grouped: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    """The lines of the page; `grouped` are the rooms with the names of their acts."""
    yield from (
        "# Policies",
        "",
        "Who may submit and who may approve each act, as the policies answer for every role and"
        " every capacity. An institution's capacities come from the founding of the programme; the"
        " role is the person's. Whoever submits never approves the same proposal, and an approver"
        " approves the part of their own institution alone: these two rules the desk keeps besides"
        " the table. Acts without `approves` are carried out at once.",
        "",
        "The policies say:",
        "",
    )
    yield from (f"- {one}." for one in sentences())
    yield ""
    head = ("act", "in the capacity of", *(role.value for role in Role))
    for room, names in grouped:
        yield from (f"## {room}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head))
        yield from ("| " + " | ".join(row) + " |" for row in rows([ACTS[one] for one in names]))
        yield ""
    yield from ("## The policies themselves", "", "```cedar", policies().rstrip(), "```", "")
