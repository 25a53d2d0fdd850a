"""Reads what a pilot says about supervision: `supervision.toml` and the files of its customers.

The format is described in `pilots/README.md`.  A pilot without the first supervises nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar

from amanat.access.fields import require_plain
from amanat.core.errors import Place, Refused
from amanat.jurisdictions.returns import load_returns
from amanat.replay import reading
from amanat.replay.reading import (
    FILE_BYTES_MAX,
    FieldMissing,
    FieldUnknown,
    FileNotReadable,
    FileTooLarge,
    Folder,
    Located,
    Row,
    ValueWrong,
)
from amanat.replay.supervision_model import (
    BANK,
    Breaks,
    Customer,
    Does,
    Event,
    Exchange,
    Holder,
    Label,
    Supervision,
    Transfer,
)
from amanat.supervision.returns.specification import FORMATS, RULES

SUPERVISION_FILE = "supervision.toml"
PERSONS_FILE = "persons.csv"
CUSTOMERS_FILE = "customers.csv"
TRANSFERS_FILE = "transfers.csv"
LABELLED_FILE = "labelled.csv"
FILES = (SUPERVISION_FILE, PERSONS_FILE, CUSTOMERS_FILE, TRANSFERS_FILE, LABELLED_FILE)

_DAY = date(1970, 1, 1)
_CNIC = re.compile(r"[1-8][0-9]{4}-[0-9]{7}-[0-9]")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")

Thing = TypeVar("Thing", Exchange, Holder, Customer, Transfer)


def read_supervision(folder: Folder, currency: str, refused: Refused) -> Supervision | None:
    """The supervision of a pilot; None where it has none."""
    if SUPERVISION_FILE not in folder.texts:
        return None
    tables = folder.toml(SUPERVISION_FILE)
    heads = tables.pop("supervision", [])
    if not heads:
        place = Place(file=SUPERVISION_FILE, line=1)
        refused.add(FieldMissing(place=place, name="the table [supervision]"))
    head = heads[0] if heads else Row({}, Located(SUPERVISION_FILE, 1), Refused())
    events = tuple(_event(row, place) for place, row in enumerate(tables.pop("event", []), 1))
    transfers = (_transfer(row, currency) for row in folder.csv(TRANSFERS_FILE))
    found = Supervision(
        supervisor=head.take("supervisor", reading.code, ""),
        fiu=head.take("fiu", reading.code, ""),
        exchanges=_by_code(map(_exchange, tables.pop("exchange", [])), "code", refused),
        persons=_by_code(map(_person, folder.csv(PERSONS_FILE)), "person", refused),
        customers=_by_code(map(_customer, folder.csv(CUSTOMERS_FILE)), "account", refused),
        transfers=_by_code(transfers, "transfer", refused),
        labels=tuple(map(_label, folder.csv(LABELLED_FILE, required=False)))
        if LABELLED_FILE in folder.texts
        else (),
        lists=_lists(folder, events, refused),
        events=events,
        where=head.where,
    )
    head.finish()
    for name, rows in tables.items():
        place = rows[0].where.of() if rows else Place(file=SUPERVISION_FILE)
        refused.add(FieldUnknown(place=place, name=f"[{name}]", known="those of the reference"))
    return found


def _by_code(things: Iterable[Thing], name: str, refused: Refused) -> dict[str, Thing]:
    found: dict[str, Thing] = {}
    for one in things:
        first = found.setdefault(one.code, one)
        if first is not one and one.code:
            reason = f"it is given on line {first.where.line} already"
            refused.add(ValueWrong(name=name, value=one.code, reason=reason).at(one.where.of(name)))
    found.pop("", None)
    return found


# -- customers and what they move ------------------------------------------------------------------


def _exchange(row: Row) -> Exchange:
    found = Exchange(
        code=row.take("code", reading.code, ""),
        format=row.take_or("format", one_of(*FORMATS), FORMATS[0]),
        address=row.take("address", reading.text, ""),
        district=row.take("district", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _person(row: Row) -> Holder:
    found = Holder(
        code=row.take("person", reading.code, ""),
        name=row.take("name", reading.text, ""),
        father_name=row.take("father_name", reading.text, ""),
        born=row.take("born", reading.day, _DAY),
        gender=row.take("gender", one_of("M", "F"), ""),
        cnic=row.take("cnic", _cnic, ""),
        district=row.take("district", reading.text, ""),
        address=row.take("address", reading.text, ""),
        telephone=row.take("telephone", reading.text, ""),
        where=row.where,
    )
    row.finish()
    return found


def _cnic(value: Any) -> str:
    if not isinstance(value, str) or not _CNIC.fullmatch(value):
        raise ValueError("a number of an identity card is written 35202-0000001-1")
    if value.replace("-", "") in load_returns("pk").placeholders:
        raise ValueError("this number stands for none")
    return value


def _customer(row: Row) -> Customer:
    found = Customer(
        code=row.take("account", _account, ""),
        exchange=row.take("exchange", reading.code, ""),
        person=row.take("person", reading.code, ""),
        opened=row.take("opened", reading.day, _DAY),
        iban=row.take("iban", _iban, ""),
        where=row.where,
    )
    row.finish()
    return found


def _account(value: Any) -> str:
    if value == BANK:
        raise ValueError(f"{BANK} stands for an account outside")
    return reading.code(value)


def _iban(value: Any) -> str:
    if not isinstance(value, str) or not _IBAN.fullmatch(value):
        raise ValueError("an account at a bank is written as IBAN, without blanks")
    if int("".join(str(int(one, 36)) for one in value[4:] + value[:4])) % 97 != 1:
        raise ValueError("its check digits are wrong (ISO 13616)")
    return value


def _transfer(row: Row, currency: str) -> Transfer:
    day = row.take("day", reading.day, _DAY)
    clock = row.take("time", _time, time())
    found = Transfer(
        code=row.take("transfer", reading.code, ""),
        at=datetime.combine(day, clock, load_returns("pk").zone),
        sender=row.take("sender", reading.code, ""),
        receiver=row.take("receiver", reading.code, ""),
        amount=reading.take_amount(row, "amount", currency, minor=True),
        cash=row.take("cash", reading.flag, False),
        travel_rule=row.take_or("travel_rule", reading.code, ""),
        where=row.where,
    )
    row.finish()
    return found


def _time(value: Any) -> time:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("a time is written HH:MM:SS")
    return time.fromisoformat(value)


def _label(row: Row) -> Label:
    found = Label(
        code=row.take("transfer", reading.code, ""),
        typology=row.take("typology", reading.code, ""),
        pattern=row.take("pattern", reading.code, ""),
        where=row.where,
    )
    row.finish()
    return found


def _lists(folder: Folder, events: Iterable[Event], refused: Refused) -> dict[str, bytes]:
    """The files of lists that events name, read once and within bounds."""
    found: dict[str, bytes] = {}
    for event in events:
        name = event.said.get("file", "")
        if event.does is not Does.TAKE_IN or not name or name in found:
            continue
        path = folder.path / name
        place = event.where.of("file")
        if not path.is_file() or path.is_symlink():
            refused.add(FileNotReadable(place=place, reason=f"there is no file {name}"))
        elif path.stat().st_size > FILE_BYTES_MAX:
            size = path.stat().st_size
            refused.add(FileTooLarge(place=place, size=size, size_max=FILE_BYTES_MAX))
        else:
            found[name] = path.read_bytes()
    return found


# -- what is done ----------------------------------------------------------------------------------


def one_of(*known: str) -> Callable[[Any], str]:
    """A reader of one of these words."""

    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"expected {' or '.join(known)}")
        return str(value)

    return read


def _file(value: Any) -> str:
    if not isinstance(value, str) or not _FILE.fullmatch(value):
        raise ValueError("a file of the folder, in small letters, digits, . _ and -")
    return value


def _prose(value: Any) -> str:
    """A longer text: reasons of reports are as long as the FIU takes them."""
    if not isinstance(value, str) or not value.strip() or len(value) > 4_000:
        raise ValueError("expected a text of at most 4000 characters")
    require_plain(value, "text")
    return value.strip()


def _rules(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not set(value) <= set(RULES):
        raise ValueError("expected a list of rules of the specification of returns")
    return tuple(value)


def _codes_of_fiu(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise ValueError("expected a list of indicators")
    return tuple(value)


def _most(value: Any) -> int:
    found = reading.natural(value)
    if not 1 <= found <= 20:
        raise ValueError("expected 1 to 20")
    return found


Read = Callable[[Any], Any]
_PERIOD: dict[str, Read] = {"first_day": reading.day, "last_day": reading.day}
_EXCHANGE: dict[str, Read] = {"exchange": reading.code}
_ACCOUNT: dict[str, Read] = _EXCHANGE | {"account": reading.code}
_DECIDED: dict[str, Read] = {
    "person": reading.code,
    "reason": reading.text,
    "until": reading.day,
}
READS: Mapping[Does, Mapping[str, Read]] = {
    Does.TAKE_IN: {"list": reading.code, "file": _file, "dated_on": reading.day},
    Does.SEND: _EXCHANGE | _PERIOD,
    Does.SCREEN: {},
    Does.CONFIRM_HIT: _DECIDED,
    Does.DISMISS_HIT: _DECIDED,
    Does.FREEZE: _DECIDED | {"basis": reading.code, "authority": reading.text},
    Does.ACKNOWLEDGE: _EXCHANGE | {"person": reading.code},
    Does.TELL: {
        "person": reading.code,
        "to": one_of("fiu", "authority"),
        "reference": reading.text,
    },
    Does.MONITOR: _PERIOD,
    Does.GROUP: {},
    Does.REFER: {"grounds": _prose},
    Does.RECEIVE: {},
    Does.ASK: _EXCHANGE | {"question": _prose},
    Does.ANSWER: _EXCHANGE | {"answer": _prose},
    Does.DISSEMINATE: {"recipient": reading.code, "text": _prose},
    Does.SUSPECT: _ACCOUNT | _PERIOD | {"title": reading.text, "grounds": _prose},
    Does.REPORT: _ACCOUNT
    | {"report": reading.text, "indicators": _codes_of_fiu, "reason": _prose, "action": _prose},
    Does.CURRENCY: _EXCHANGE | _PERIOD | {"report": reading.text, "most": _most},
    Does.BATCH: _EXCHANGE,
    Does.FIU_ANSWERS: _EXCHANGE | {"outcome": one_of("accepted", "rejected")},
}
"""What each kind of event says; all of it is needed."""

MAY: Mapping[Does, Mapping[str, Read]] = {
    Does.SEND: {
        "without": reading.codes,
        "breaks": one_of(*(one.value for one in Breaks)),
        "expects": _rules,
        "corrects": reading.text,
    },
    Does.FIU_ANSWERS: {"reasons": _prose},
}
"""What it may say beside that."""


def _event(row: Row, place: int) -> Event:
    does = row.take("what", Does, None)
    on = row.take("on", reading.day, _DAY)
    said: dict[str, Any] = {}
    if does is not None:
        for name, read in READS[does].items():
            found = row.take(name, read, None)
            if found is not None:
                said[name] = found
        for name, read in MAY.get(does, {}).items():
            found = row.take_or(name, read, None)
            if found is not None:
                said[name] = found
        row.finish()
    return Event(str(place), on, does or Does.SCREEN, said, row.where)
