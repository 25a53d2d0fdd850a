"""`amanat network`: found a network of institutions, keep it up, ask how it is, let senders in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from amanat.cli.acts import Json
from amanat.cli.terminal import err, errors_in_lines, out, print_answer, print_json
from amanat.core.errors import NotFound

if TYPE_CHECKING:
    from amanat.ledger.rpc import RpcClient
    from amanat.ledger.signers import Signer
    from amanat.network.home import Founded
    from amanat.network.home import Home as NetworkHome
    from amanat.network.status import NetworkStatus

# What a command works with is imported when it is carried out, so that help is there at once.

network = typer.Typer(help="A network of institutions that the ledger runs on.")

HomeFolder = Annotated[Path, typer.Option("--home", help="Folder of the network.")]
Institution = Annotated[str | None, typer.Argument(help="One validator alone; else all.")]
GateFolder = Annotated[Path, typer.Option("--gate", help="Folder of the gate's node.")]
Former = Annotated[
    int, typer.Option("--former-minutes", min=0, help="How long its former token is admitted.")
]
By = Annotated[
    str | None,
    typer.Option("--by", help="The administrator whose key signs; else the first one."),
]
_HOME = Path("var/network")


def _columns() -> tuple[SpinnerColumn, TextColumn, TimeElapsedColumn]:
    return SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()


def _open(home: Path) -> NetworkHome:
    from amanat.network.home import Home

    return Home(home)


@network.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A programme's folder with network.toml.")],
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Found a network from a programme's folder: keys, genesis, validators.  It is not up yet."""
    from amanat.network.founding import found
    from amanat.network.home import find_parts
    from amanat.network.plan import load_plan

    with errors_in_lines(as_json=as_json):
        plan, parts = load_plan(folder), find_parts()
        with Progress(*_columns(), console=err, transient=True) as progress:
            task = progress.add_task("founding", total=None)
            made = found(
                _open(home), plan, parts, lambda words: progress.update(task, description=words)
            )
        print_answer(
            {
                "home": str(home),
                "chain_id": made.chain_id,
                "blockchain": made.blockchain_id,
                "validators": [
                    {
                        "institution": one.institution,
                        "node": one.node_id,
                        "administers": one.institution in made.administrators,
                    }
                    for one in made.nodes
                ],
            },
            as_json=as_json,
            title="Founded",
        )


@network.command()
def up(
    institution: Institution = None,
    home: HomeFolder = _HOME,
    seconds: Annotated[int, typer.Option(min=1, help="How long to wait for it.")] = 180,
    as_json: Json = False,
) -> None:
    """Start the network, or the node of one validator again, and wait until it is healthy."""
    from amanat.network.status import wait_ready
    from amanat.network.supervisor import HELD, bring_up, release

    with errors_in_lines(as_json=as_json):
        here = _open(home)
        if institution:
            _require_node(here.founded(), institution)
        release(here, institution)
        bring_up(here)
        names = [one.institution for one in here.founded().nodes]
        held = frozenset(one for one in names if (here.node_folder(one) / HELD).exists())
        with Progress(*_columns(), console=err, transient=True) as progress:
            task = progress.add_task("starting", total=None)

            def tell(ready: int, count: int) -> None:
                progress.update(task, description=f"{ready} of {count} nodes are ready")

            found = wait_ready(here, tell, without=held, timeout_s=seconds)
        _show(found, as_json)


@network.command()
def down(institution: Institution = None, home: HomeFolder = _HOME, as_json: Json = False) -> None:
    """Stop the network, or the node of one validator until it is brought up again."""
    from amanat.network.supervisor import hold, take_down

    with errors_in_lines(as_json=as_json):
        here = _open(home)
        if institution:
            _require_node(here.founded(), institution)
            hold(here, institution)
        else:
            take_down(here)
        print_answer({"down": institution or "all"}, as_json=as_json)


@network.command()
def status(home: HomeFolder = _HOME, as_json: Json = False) -> None:
    """Heights, peers, versions, health of every node, who lags, and whether they agree."""
    from amanat.network.status import status_of

    with errors_in_lines(as_json=as_json):
        _show(status_of(_open(home)), as_json)


@network.command()
def environment(home: HomeFolder = _HOME, as_json: Json = False) -> None:
    """The settings with which an installation uses this network, to be read by a shell."""
    with errors_in_lines(as_json=as_json):
        settings = environment_of(_open(home))
        if as_json:
            print_json(settings)
            return
        for name, value in settings.items():
            out.print(f"export {name}={value}", highlight=False, soft_wrap=True)


@network.command()
def allow(
    address: Annotated[str, typer.Argument(help="Who may send transactions from now on.")],
    deploys: Annotated[bool, typer.Option("--deploys", help="And create contracts.")] = False,
    keeps: Annotated[
        bool, typer.Option("--keeps", help="A contract that keeps the list itself: Eligibility.")
    ] = False,
    by: By = None,
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Let an address send transactions, with coin for their fees."""
    from amanat.ledger.wire import address_of
    from amanat.network.lists import WEI_PER_COIN, appoint, let_in

    with errors_in_lines(as_json=as_json):
        one = address_of(address)
        with administered(home, by) as (founded, rpc, signer):
            if keeps:
                hashes = appoint(rpc, signer, one)
            else:
                wei = founded.coin_for_senders * WEI_PER_COIN
                hashes = let_in(rpc, signer, one, deploys=deploys, wei=wei)
            _show_lists(rpc, address, hashes, as_json)


@network.command()
def succeed(
    former: Annotated[str, typer.Argument(help="An administrator's address: lost or stolen.")],
    fresh: Annotated[str, typer.Argument(help="The address of the key in its place.")],
    by: By = None,
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Let another key administer the chain's lists; another administrator does it (--by)."""
    from amanat.ledger.wire import address_of
    from amanat.network import lists

    with errors_in_lines(as_json=as_json):
        keys = address_of(former), address_of(fresh)
        with administered(home, by) as (_, rpc, signer):
            _show_lists(rpc, fresh, lists.succeed(rpc, signer, *keys), as_json)


@network.command()
def fund(
    address: Annotated[str, typer.Argument(help="Who receives coin for fees, and nothing else.")],
    by: By = None,
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Give coin for fees, as to a participant's account that was let in by its admission."""
    from amanat.ledger.wire import address_of
    from amanat.network.lists import WEI_PER_COIN, give_coin

    with errors_in_lines(as_json=as_json):
        one = address_of(address)
        with administered(home, by) as (founded, rpc, signer):
            wei = founded.coin_for_senders * WEI_PER_COIN
            _show_lists(rpc, address, give_coin(rpc, signer, one, wei), as_json)


@network.command()
def revoke(
    address: Annotated[str, typer.Argument(help="Who may no longer send or deploy.")],
    by: By = None,
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Take from an address that it may send transactions and create contracts."""
    from amanat.ledger.wire import address_of
    from amanat.network.lists import shut_out

    with errors_in_lines(as_json=as_json):
        one = address_of(address)
        with administered(home, by) as (_, rpc, signer):
            _show_lists(rpc, address, shut_out(rpc, signer, one), as_json)


@network.command()
def token(
    institution: Annotated[str, typer.Argument(help="Whose token it is.")],
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take its token away, at once and at every node.")
    ] = False,
    former_minutes: Former = 0,
    home: HomeFolder = _HOME,
    as_json: Json = False,
) -> None:
    """Make the token anew with which an institution asks the nodes, or take it away.

    The token is never shown: it stands in a file, which the answer names.
    """
    from amanat.network.tokens import digest_of

    with errors_in_lines(as_json=as_json):
        here = _open(home)
        if revoke:
            here.take_token(institution)
            print_answer({"institution": institution, "admitted": "no"}, as_json=as_json)
            return
        file = here.give_token(institution, former_s=60.0 * former_minutes)
        digest = digest_of(file.read_text(encoding="ascii").strip())
        answer = {"institution": institution, "admitted": "yes", "file": str(file)}
        print_answer({**answer, "sha256": digest}, as_json=as_json)


@network.command()
def admit(
    institution: Annotated[str, typer.Argument(help="Whose token it is.")],
    sha256: Annotated[str, typer.Argument(help="SHA-256 of the token, without its line's end.")],
    folder: GateFolder,
    former_minutes: Former = 0,
    as_json: Json = False,
) -> None:
    """Have one gate admit a token that the institution keeps to itself, by its hash."""
    from amanat.network.tokens import admit as admit_token
    from amanat.network.tokens import end_former

    with errors_in_lines(as_json=as_json):
        _require_gate(folder)
        admit_token(folder, institution, sha256)
        until = time.time() + 60.0 * former_minutes
        end_former(folder, institution, sha256, until=until)
        print_answer({"institution": institution, "admitted": "yes"}, as_json=as_json)


@network.command()
def expel(
    institution: Annotated[str, typer.Argument(help="Whom the gate no longer admits.")],
    folder: GateFolder,
    as_json: Json = False,
) -> None:
    """Have one gate admit no token of an institution any more, at once."""
    from amanat.network.tokens import expel as expel_institution

    with errors_in_lines(as_json=as_json):
        _require_gate(folder)
        expel_institution(folder, institution)
        print_answer({"institution": institution, "admitted": "no"}, as_json=as_json)


@network.command()
def gate(
    folder: Annotated[Path, typer.Argument(help="Folder of one node, with its gate.json.")],
) -> None:
    """Keep the gate before one node; `amanat network up` does so for all on one machine."""
    from amanat.network.gate import stand

    with errors_in_lines(as_json=False):
        stand(folder)


def environment_of(home: NetworkHome) -> dict[str, str]:
    """The settings of `amanat.settings` for an installation on this network."""
    founded = home.founded()
    return {
        "AMANAT_NODES": ",".join(founded.rpc_urls()),
        "AMANAT_NODES_TOKEN_FILE": str(home.token().file),
        "AMANAT_CHAIN_ID": str(founded.chain_id),
        "AMANAT_FINALITY": "finalized",
    }


def _require_gate(folder: Path) -> None:
    """Whoever mistypes the folder must not be told that somebody was expelled."""
    from amanat.network.gate_settings import GATE_FILE

    if not (folder / GATE_FILE).is_file():
        raise NotFound(thing="gate", value=str(folder))


def _require_node(founded: Founded, institution: str) -> None:
    if institution not in {one.institution for one in founded.nodes}:
        raise NotFound(thing="validator", value=institution)


@contextmanager
def administered(home: Path, by: str | None = None) -> Iterator[tuple[Founded, RpcClient, Signer]]:
    """A network, a client for its nodes, and the key of an administrator: else the first one's.

    Raises as `Home.founded` and `Home.administrator`.
    """
    here = _open(home)
    founded = here.founded()
    signer = here.administrator(by or next(iter(founded.administrators)))
    rpc = here.client()
    try:
        yield founded, rpc, signer
    finally:
        rpc.close()


def _show_lists(rpc: RpcClient, address: str, hashes: list[str], as_json: bool) -> None:
    from amanat.network.lists import DEPLOYERS, SENDERS, role_of

    answer = {
        "address": address,
        "sends": role_of(rpc, SENDERS, address).name.lower(),
        "deploys": role_of(rpc, DEPLOYERS, address).name.lower(),
        "transactions": hashes,
    }
    print_answer(answer, as_json=as_json)


def _show(found: NetworkStatus, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    told = f"the nodes {'agree' if found.agree else 'DIFFER'} at height {found.common_height}"
    if found.common_height is None:
        told = "no node answers"
    table = Table(title=f"Chain {found.chain_id}: {told}", title_justify="left")
    for name in ("validator", "process", "health", "peers", "height", "behind", "version"):
        right = name in ("process", "peers", "height", "behind")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for one in found.nodes:
        health = {True: "healthy", False: "NOT HEALTHY", None: "SILENT"}[one.healthy]
        table.add_row(
            one.institution, _cell(one.pid), health, _cell(one.peers), _cell(one.height),
            _cell(one.behind), (one.version or "").removeprefix("avalanchego/"),
        )  # fmt: skip
    out.print(table)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
