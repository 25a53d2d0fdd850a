"""Changes of control: who is to take a provider over, described before it is asked for."""

from __future__ import annotations

from typing import ClassVar

from amanat.access.acts import ActContext, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid
from amanat.core.ids import new_id
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.commands import DescribeControl
from amanat.licensing.enforcement.tables import control_change
from amanat.licensing.model import APPLICANT
from amanat.licensing.ordering import written
from amanat.licensing.stepping import load_step, record_step


class ControlUnchanged(Invalid):
    """Control changes when votes do."""

    template: ClassVar[str] = "The votes stay at {percent} per cent."


@act(capacities=[APPLICANT], confidential=True)
def describe_control(command: DescribeControl, context: ActContext) -> Result:
    """Describe a change of control; the last description counts.

    Refuses as the path does, then `ControlUnchanged`.
    """
    stepped = load_step(context, command.file, "DescribeControl")
    if command.percent_before == command.percent_after:
        raise ControlUnchanged(percent=command.percent_after)
    record_step(context, stepped)
    stated = command.model_dump(mode="json", exclude={"file"})
    entry = context.uow.journal.append(
        events.CONTROL_DESCRIBED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "digest": digest(stated).hex(),
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        control_change.insert().values(
            id=new_id(),
            programme=context.programme,
            file=stepped.row.id,
            **stated,
            **written(context, entry),
        )
    )
    return {"file": stepped.row.number, "entry": entry}
