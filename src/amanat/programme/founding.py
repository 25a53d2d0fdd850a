"""Founds a programme: institutions, people, the contracts of its own, and its first day.

Founding is a sequence of steps, each one database transaction whose orders live in the order
table.  A step looks at what is there and does only what is missing, so that a founding that was
interrupted anywhere is taken up by calling `found` again with the same terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.actors import Role, add_institution, add_person
from amanat.access.desk import KeyRing
from amanat.access.key_register import enter_key
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Refusal
from amanat.core.money import Money
from amanat.core.quantities import text_from
from amanat.ledger.gateway import Gateway
from amanat.ledger.orders import AddressOf, Order, read_orders
from amanat.ledger.service import Ledger
from amanat.ledger.signers import KeyNotHeld
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.licensing.records import LICENSING, adopt_pack
from amanat.participants.signing import AUTHORITY, ToSign, gateway_to_sign
from amanat.participants.tables import participant_class
from amanat.programme import events
from amanat.programme.model import Phase
from amanat.programme.records import find_programme
from amanat.programme.tables import exchange_rate, gazette, kind_rule, programme
from amanat.programme.terms import LEDGER_CAPACITIES, PersonTerms, ProgrammeTerms, check_terms
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork

CONTRACTS = (
    "BusinessDay",
    "Eligibility",
    "Programme",
    "Cash",
    "Orders",
    "Settlement",
    "Payments",
    "Tender",
)
"""The contracts that the Directory names, in the order in which the founding signs them."""

FOUNDING_FIELDS = (
    "business_day",
    "eligibility",
    "programme",
    "cash",
    "orders",
    "settlement",
    "payments",
    "tender",
)
DAY_KEEPERS = 2


class Parts(Protocol):
    """What founding needs of the application."""

    @property
    def store(self) -> Store:
        """The database."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The network."""
        ...

    @property
    def keys(self) -> KeyRing:
        """The keys that this server holds."""
        ...

    def pump(self) -> None:
        """Let the ledger work until no order is open."""
        ...


class FoundedDifferently(Refusal):
    """A programme is founded once; its terms are not those given now."""

    template: ClassVar[str] = (
        "Programme {programme} is founded, or being founded, with other terms "
        "(digest {existing}, given {given})."
    )


class FoundingRefused(Refusal):
    """The ledger refused a step of the founding; a person must look."""

    template: ClassVar[str] = "Founding {programme}: {step} was refused: {reason}."


class FoundingAwaitsSignatures(Refusal):
    """The keys for a step are not on this server: sign these requests elsewhere and bring them.

    `requests` are typed data to sign; give the signatures to `found` by their digest and signer.
    """

    template: ClassVar[str] = (
        "Founding {programme}: {step} needs {needed} institutions, {held} of whose keys are here; "
        "digest {digest}."
    )


@dataclass(frozen=True, slots=True)
class _Signed:
    """Signatures over one digest, with the institutions that gave them."""

    signatures: list[bytes]
    institutions: list[str]


Brought = Mapping[str, Mapping[str, bytes]]
"""Signatures made elsewhere: digest in hexadecimal -> signing address -> 65 bytes."""


def found(parts: Parts, terms: ProgrammeTerms, brought: Brought | None = None) -> None:
    """Found a programme, or take up its founding where it stopped; returns when it has its day.

    Refuses: every mistake of the terms at once (`check_terms`), `FoundedDifferently`,
    `FoundingRefused`, `FoundingAwaitsSignatures`; raises `NodeUnavailable`.
    """
    check_terms(terms)
    while founding_step(parts, terms, brought or {}):
        parts.pump()


def founding_step(parts: Parts, terms: ProgrammeTerms, brought: Brought) -> bool:
    """Do what is next; whether anything was done or is under way."""
    with parts.store.reading() as connection:
        row = connection.execute(
            sql.select(programme).where(programme.c.code == terms.code)
        ).one_or_none()
        orders = _orders(connection, terms.code)
    if row is None:
        _begin(parts, terms)
        return True
    stated = _stated(terms)
    if row.terms != canonical_bytes(stated):
        raise FoundedDifferently(
            programme=terms.code, existing=_digest_of(row.terms), given=digest(stated).hex()
        )
    if row.founded_at is not None:
        return False
    for order in orders:
        if order.state == "refused":
            reason = (order.refusal or {}).get("message", "")
            raise FoundingRefused(programme=terms.code, step=order.kind, reason=reason)
    if any(order.state != "done" for order in orders):
        return True
    kinds = {order.kind for order in orders}
    if "found_programme" not in kinds:
        _name_contracts(parts, terms, brought)
    elif "open_first_day" not in kinds:
        _open_first_day(parts, terms, brought)
    else:
        # Both are done, so the handler of the second has noted `founded_at` with it.
        raise FoundingRefused(
            programme=terms.code, step="open_first_day", reason="the day was not indexed"
        )
    return True


# -- the first transaction: institutions, people, deployments -----------------------------------


def _begin(parts: Parts, terms: ProgrammeTerms) -> None:
    with parts.store.work(_provenance(terms)) as uow:
        now = uow.store.clock().isoformat()
        _enter_programme(uow, terms, parts.ledger.chain_id, now)
        _enter_people(uow, terms, parts.keys)
        entry = _journal_founding(uow, terms)
        _order_deployments(uow, terms, entry)
        uow.commit()


def _enter_programme(uow: UnitOfWork, terms: ProgrammeTerms, chain_id: int, now: str) -> None:
    connection, code = uow.connection, terms.code
    connection.execute(
        programme.insert().values(
            code=code,
            name=terms.name,
            currency=terms.currency,
            zone=terms.zone,
            calendar=terms.calendar,
            ceiling_usd_cents=terms.ceiling_usd_cents,
            simulation=terms.simulation,
            redemption_frees_headroom=terms.redemption_frees_headroom,
            first_business_date=terms.first_business_date.isoformat(),
            usd_freed_cents=0,
            terms=canonical_bytes(_stated(terms)),
            chain_id=chain_id,
            founding_at=now,
        )
    )
    connection.execute(
        gazette.insert().values(
            programme=code,
            version=terms.read_calendar().version,
            code=terms.calendar,
            content=terms.gazette_text(),
            adopted_at=now,
        )
    )
    adopt_pack(connection, code, terms.licensing or LICENSING, now, terms.zone)
    for number, one in enumerate(terms.classes, 1):
        connection.execute(
            participant_class.insert().values(
                programme=code, code=one.code, number=number, authority=one.authority
            )
        )
    for number, kind in enumerate(terms.kinds, 1):
        connection.execute(
            kind_rule.insert().values(
                programme=code,
                code=kind.code,
                number=number,
                clearances=list(kind.clearances),
                confirmations=list(kind.confirmations),
            )
        )
    for rate in terms.exchange_rates:
        connection.execute(
            exchange_rate.insert().values(
                programme=code,
                currency=terms.currency,
                rate_date=rate.rate_date.isoformat(),
                rate=text_from(rate.rate),
                source=rate.source,
                assumed=rate.assumed,
                recorded_at=now,
            )
        )


def _enter_people(uow: UnitOfWork, terms: ProgrammeTerms, keys: KeyRing) -> None:
    for one in terms.institutions:
        add_institution(
            uow.connection,
            terms.code,
            one.code,
            number=one.number,
            name=one.name,
            capacities=_all_capacities(one.code, terms),
        )
    for person in terms.people:
        address = person.address.lower() if person.address else None
        add_person(
            uow.connection,
            terms.code,
            person.code,
            institution=person.institution,
            role=person.role,
            name=person.name,
            address=address,
        )
        if address is not None:
            enter_key(
                uow.connection,
                terms.code,
                address,
                institution=person.institution,
                holder=person.code,
                place=keys.place(address),
                now=uow.store.clock(),
            )
        uow.journal.append(
            events.PERSON_FOUNDED,
            {
                "institution": person.institution,
                "person": person.code,
                "role": person.role.value,
                "address": address,
                "name": person.name,
            },
            subject=f"participants:{person.institution}",
        )


def _all_capacities(code: str, terms: ProgrammeTerms) -> set[str]:
    """The words given, and the plain ones (`class_authority`, `clears` ...) that acts ask for."""
    given = next(one for one in terms.institutions if one.code == code).capacities
    found = set(given)
    for one in terms.classes:
        if one.authority == code:
            found |= {AUTHORITY, f"{AUTHORITY}.{one.code}"}
    for family in ("clears", "confirms", "consulted"):
        if any(capacity.startswith(f"{family}.") for capacity in given):
            found.add(family)
    return found


def _journal_founding(uow: UnitOfWork, terms: ProgrammeTerms) -> str:
    return uow.journal.append(
        events.PROGRAMME_FOUNDING_BEGUN,
        {
            "programme": terms.code,
            "name": terms.name,
            "currency": terms.currency,
            "zone": terms.zone,
            "calendar": terms.calendar,
            "calendar_version": terms.read_calendar().version,
            "ceiling": f"{text_from(Money(terms.ceiling_usd_cents, 'USD').amount)} USD",
            "simulation": terms.simulation,
            "redemption_frees_headroom": terms.redemption_frees_headroom,
            "institutions": [
                {
                    "code": one.code,
                    "number": one.number,
                    "name": one.name,
                    "capacities": sorted(_all_capacities(one.code, terms)),
                }
                for one in terms.institutions
            ],
            "classes": [{"code": one.code, "authority": one.authority} for one in terms.classes],
            "kinds": [one.model_dump(mode="json") for one in terms.kinds],
            "quorum": terms.quorum,
            "sender_list": terms.sender_list,
            "terms_digest": digest(_stated(terms)).hex(),
        },
        subject=f"programme:{terms.code}",
    )


def _order_deployments(uow: UnitOfWork, terms: ProgrammeTerms, entry: str) -> None:
    directory = _create(uow, terms, "Directory", _directory_arguments(terms), entry)
    blueprint = _create(uow, terms, "Security.blueprint", [], entry)
    arguments = _contract_arguments(terms)
    for contract in CONTRACTS:
        waits = [directory, blueprint] if contract == "Programme" else [directory]
        _create(uow, terms, contract, arguments[contract], entry, waits)


def _create(
    uow: UnitOfWork,
    terms: ProgrammeTerms,
    contract: str,
    arguments: Sequence[Any],
    entry: str,
    depends_on: Sequence[str] = (),
) -> str:
    order: str = uow.orders.create(
        "create_contract",
        terms.code,
        contract,
        arguments,
        subject=("programme", terms.code),
        depends_on=depends_on,
        cause=entry,
    )
    return order


def _directory_arguments(terms: ProgrammeTerms) -> list[Any]:
    numbered = {one.number: one for one in terms.institutions if one.number}
    masks = [
        sum(
            1 << LEDGER_CAPACITIES[capacity]
            for capacity in set(numbered[number].capacities) & set(LEDGER_CAPACITIES)
        )
        if number in numbered
        else 0
        for number in range(1, max(numbered) + 1)
    ]
    keys = [
        (person.address.lower(), one.number)
        for one in numbered.values()
        for person in terms.keys_of(one.code)
        if person.address is not None
    ]
    return [
        terms.simulation,
        terms.delay_seconds,
        terms.quorum,
        masks,
        [address for address, _ in keys],
        [number for _, number in keys],
    ]


def _contract_arguments(terms: ProgrammeTerms) -> dict[str, list[Any]]:
    directory = AddressOf("Directory")
    authorities = [
        next(one.number for one in terms.institutions if one.code == given.authority)
        for given in terms.classes
    ]
    rules = []
    for number, kind in enumerate(terms.kinds, 1):
        givers = [
            one.code for word in kind.clearances for one in terms.with_capacity(f"clears.{word}")
        ]
        rules.append(
            {
                "kind": number,
                "clearances": terms.mask_of(givers),
                "confirmations": terms.mask_of(kind.confirmations),
            }
        )
    return {
        "BusinessDay": [directory, terms.zone_seconds()],
        "Eligibility": [directory, authorities, terms.sender_list or ZERO_ADDRESS],
        "Programme": [
            directory,
            AddressOf("Security.blueprint"),
            terms.ceiling_usd_cents,
            terms.redemption_frees_headroom,
            terms.mask_of(terms.ceiling_signers),
            terms.mask_of(terms.attestors),
            rules,
        ],
        "Cash": [directory, terms.cash_name, terms.cash_symbol],
        "Orders": [directory, terms.orders_quorum],
        "Settlement": [directory],
        "Payments": [directory],
        "Tender": [directory, terms.closing_confirmations],
    }


def successor_arguments(
    connection: Connection, ledger: Gateway, code: str, contract: str
) -> list[Any]:
    """What a contract is created with that shall replace the one in use.

    What the former one can tell is asked of it, for it may have changed since the founding; sums,
    rules and authorities are left empty, since the successor takes them from the former one.
    Refuses `NotFound`.
    """
    terms = ProgrammeTerms.model_validate_json(find_programme(connection, code).terms)
    directory = AddressOf("Directory")
    if contract == "Programme":
        masks = [int(ledger.call(contract, name)) for name in ("ceiling_signers", "attestors")]
        return [
            directory,
            ledger.call(contract, "blueprint"),
            0,
            bool(ledger.call(contract, "redemption_frees_headroom")),
            *masks,
            [],
        ]
    if contract == "Eligibility":
        return [directory, [], ledger.call(contract, "sender_list")]
    if contract == "Orders":
        return [directory, int(ledger.call(contract, "quorum"))]
    return _contract_arguments(terms)[contract]


# -- the second and third: naming the contracts, opening the first day ---------------------------


def _name_contracts(parts: Parts, terms: ProgrammeTerms, brought: Brought) -> None:
    gateway = parts.ledger.gateway(terms.code)
    contracts = {
        field: gateway.address(contract)
        for field, contract in zip(FOUNDING_FIELDS, CONTRACTS, strict=True)
    }
    signed = gateway_to_sign(gateway, "Directory", "Founding", **contracts)
    numbered = sorted((one for one in terms.institutions if one.number), key=lambda one: one.number)
    given = _sign(
        parts, terms, "found_programme", signed, [one.code for one in numbered], terms.quorum,
        brought,
    )  # fmt: skip
    with parts.store.work(_provenance(terms)) as uow:
        entry = uow.journal.append(
            events.FOUNDING_SIGNED,
            {"contracts": contracts, "signers": given.institutions},
            subject=f"programme:{terms.code}",
        )
        uow.orders.request(
            "found_programme",
            terms.code,
            "Directory",
            "found",
            [contracts, given.signatures],
            subject=("programme", terms.code),
            cause=entry,
        )
        uow.commit()


def _open_first_day(parts: Parts, terms: ProgrammeTerms, brought: Brought) -> None:
    advance = {
        "day": business_day_from_date(terms.first_business_date),
        "phase": Phase.OPEN.number,
    }
    gateway = parts.ledger.gateway(terms.code)
    signed = gateway_to_sign(gateway, "BusinessDay", "DayAdvance", **advance)
    keepers = [one.code for one in terms.with_capacity("day_keeper")]
    given = _sign(parts, terms, "open_first_day", signed, keepers, DAY_KEEPERS, brought)
    with parts.store.work(_provenance(terms)) as uow:
        entry = uow.journal.append(
            events.FIRST_DAY_SIGNED,
            {
                "business_date": terms.first_business_date.isoformat(),
                "signers": given.institutions,
            },
            subject=f"programme:{terms.code}",
        )
        uow.orders.request(
            "open_first_day",
            terms.code,
            "BusinessDay",
            "advance",
            [{"epoch": signed.epoch} | advance, given.signatures],
            subject=("programme", terms.code),
            cause=entry,
        )
        uow.commit()


def _sign(
    parts: Parts,
    terms: ProgrammeTerms,
    step: str,
    signed: ToSign,
    institutions: Sequence[str],
    needed: int,
    brought: Brought,
) -> _Signed:
    """One signature each of as many of `institutions` as are needed: brought, or made here."""
    carried = {
        address.lower(): signature
        for address, signature in brought.get(signed.digest.hex(), {}).items()
    }
    found = _Signed([], [])
    for code in institutions:
        people = sorted(terms.keys_of(code), key=lambda one: one.role is not Role.APPROVER)
        signature = _first_signature(parts, terms.code, people, signed.digest, carried)
        if signature is not None:
            found.signatures.append(signature)
            found.institutions.append(code)
        if len(found.signatures) == needed:
            return found
    raise FoundingAwaitsSignatures(
        programme=terms.code,
        step=step,
        needed=needed,
        held=len(found.signatures),
        digest=signed.digest.hex(),
        requests=signed.shows,
    )


def _first_signature(
    parts: Parts,
    code: str,
    people: Sequence[PersonTerms],
    signed_digest: bytes,
    carried: Mapping[str, bytes],
) -> bytes | None:
    for person in people:
        assert person.address is not None  # `keys_of` lists only those with a key
        address = person.address.lower()
        if address in carried:
            return carried[address]
        try:
            return parts.keys.sign(code, address, signed_digest)
        except KeyNotHeld:
            continue
    return None


# -- what these have in common ------------------------------------------------------------------


def _orders(connection: Connection, code: str) -> list[Order]:
    found = read_orders(connection, subject=("programme", code), programme=code)
    return [
        one for one in found if one.kind in ("create_contract", "found_programme", "open_first_day")
    ]


def _stated(terms: ProgrammeTerms) -> dict[str, Any]:
    stated = terms.model_dump(mode="json")
    if terms.licensing is None:  # terms of programmes that were founded before there was a choice
        del stated["licensing"]
    return stated


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _provenance(terms: ProgrammeTerms) -> Provenance:
    return Provenance(
        programme=terms.code,
        institution="founding",
        capacity="founder",
        role="operator",
        means="founding",
        business_date=terms.first_business_date,
    )
