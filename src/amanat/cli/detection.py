"""The learned score on the command line: training, its card, keeping a model, scoring alerts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode
from amanat.cli.terminal import errors_in_lines, print_answer
from amanat.core.errors import Invalid

if TYPE_CHECKING:
    from amanat.supervision.detection.training import Training

# What a command works with is imported when it is carried out, so that help is there at once.

detection = typer.Typer(help="The learned score that orders the queue of alerts.")

Memory = Annotated[str, typer.Option(help="What the features may take; the rest is spilled.")]
Before = Annotated[str, typer.Option(metavar="DAY", help="First day (YYYY-MM-DD) that does not.")]


class NotADay(Invalid):
    """Days are written YYYY-MM-DD."""

    template = "{given} is no day: write YYYY-MM-DD."


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise NotADay(given=given) from None


@detection.command()
def adapt(
    file: Annotated[Path, typer.Argument(help="Parquet of the AMLSim family, with isSAR.")],
    folder: Annotated[Path, typer.Argument(help="Where transactions and labels go.")],
    as_json: Json = False,
) -> None:
    """Write a labelled file as stored transactions and labels, to train and to try out."""
    from amanat.supervision.detection.labelled import adapt as write

    with errors_in_lines(as_json=as_json):
        made = write(file, folder)
        print_answer(
            {
                "transactions": str(made.transactions[0]),
                "labels": str(made.labels),
                "first_day": made.first_day.isoformat(),
                "last_day": made.last_day.isoformat(),
            },
            as_json=as_json,
        )


@detection.command()
def train(
    transactions: Annotated[list[Path], typer.Argument(help="Files of stored transactions.")],
    labels: Annotated[Path, typer.Option(help="Confirmed movements (Parquet or JSON).")],
    train_before: Before,
    threshold_before: Before,
    out: Annotated[Path, typer.Option(help="Folder for the model, named by its digest.")],
    card: Annotated[Path | None, typer.Option(help="Write the model card here.")] = None,
    source: Annotated[str, typer.Option(help="What the rows and labels are, for the card.")] = "",
    note: Annotated[
        list[str] | None, typer.Option(help="A line for the card; may be repeated.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Tell on the card what the score rests on.")
    ] = False,
    memory: Memory = "2GB",
    as_json: Json = False,
) -> None:
    """Train a score on confirmed movements; the same input gives the same model."""
    from amanat.supervision.detection.card import card as written
    from amanat.supervision.detection.comparing import compared, trained
    from amanat.supervision.detection.model import Split

    with errors_in_lines(as_json=as_json), tempfile.TemporaryDirectory() as temporary:
        split = Split(_day(train_before), _day(threshold_before))
        folder = Path(temporary)
        training = trained(transactions, labels, split, folder / "score", memory)
        path = training.model.write(out)
        if card is not None:
            beside = compared(transactions, labels, split, folder, memory) if compare else {}
            text = written(
                training, source or "Confirmed movements of this installation.", beside, note or []
            )
            card.write_text(text, encoding="utf-8")
        print_answer(_answer(training, path), as_json=as_json)


def _answer(training: Training, path: Path) -> Mapping[str, Any]:
    stated = training.figures.stated()
    del stated["typologies"]
    return {"model": training.model.digest, "file": str(path), **stated}


@detection.command()
def keep(
    file: Annotated[Path, typer.Argument(help="A trained model.")],
    programme: ProgrammeCode = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Keep a trained model in the installation; an act puts it live, with a second person."""
    from amanat.cli.licences import _installation, _work
    from amanat.supervision.detection.records import keep_model
    from amanat.supervision.detection.scoring import read_model

    with errors_in_lines(as_json=as_json):
        model = read_model(file)
        application, code = _installation(data, programme)
        with _work(application, code) as uow:
            new = keep_model(uow, code, model)
            uow.commit()
        print_answer({"programme": code, "model": model.digest, "new": new}, as_json=as_json)


@detection.command()
def score(
    until: Annotated[str | None, typer.Option(help="Last day to look at; else today's.")] = None,
    programme: ProgrammeCode = None,
    data: Data = None,
    memory: Memory = "2GB",
    as_json: Json = False,
) -> None:
    """Score every open alert by the live model."""
    from amanat.cli.licences import _installation
    from amanat.supervision.detection.ordering import score_alerts

    with errors_in_lines(as_json=as_json):
        application, code = _installation(data, programme)
        with application.store.reading() as connection:
            today = application.business_date(connection, code)
        last = today if until is None else _day(until)
        done = score_alerts(
            application.store, application.settings.data_dir, code, last, today, memory
        )
        print_answer(
            {
                "programme": code,
                "model": done.model,
                "until": done.until.isoformat(),
                "alerts": done.alerts,
                "scored": done.scored,
            },
            as_json=as_json,
        )
