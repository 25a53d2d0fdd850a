"""The page of the register's columns, from the one place where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import amanat
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.register.book import codes_of
from amanat.licensing.register.columns import CHANGE_COLUMNS, dictionary

_HEAD = """
The public register of providers is served below `/p/PROGRAMME/`:

| address | what |
|---|---|
| `register` | page: by name, status and service, `?as_of=YYYY-MM-DD` |
| `register/PROVIDER` | page: one provider with its history |
| `register.json`, `register.csv`, `warnings.csv` | the files, `?as_of=YYYY-MM-DD` |
| `register.schema.json`, `register.columns.json` | JSON Schema (2020-12), and this dictionary |
| `register.atom`, `register/archive/NUMBER.atom` | feed (RFC 4287), archived by 500 (RFC 5005) |
| `warnings` | page: whom the public is warned of |
| `keys.json`, `status-lists/NUMBER` | keys (JWK set), status lists (`statuslist+jwt`) |
| `certificates/NUMBER.pdf` | the certificate, to its holder and the authority |

`/.well-known/jwt-vc-issuer/p/PROGRAMME` is the issuer's metadata. JSON is canonical (RFC 8785),
CSV is RFC 4180 with CRLF; both carry an `ETag`. Dates are business dates; the register *as of*
a day is what it said at the end of that day.

Every value is checked before it is published: codes come from closed lists, an LEI has correct
check digits (ISO 17442), no text has line breaks, characters that turn text round, a `|`, or a
beginning that a spreadsheet takes for a formula. In CSV each service category of a permission
has a row of its own; other lists are joined by ` | `.

Each entry of the feed carries its change whole, in base64 (RFC 4287, 4.1.3.3) as
`application/json`: `schema` (`amanat.register-change/1`), `number` (dense, from 1), `previous`
(SHA-256 of the change before, over its canonical bytes; 64 zeros for the first), `kind`
(`entered`, `changed`, `warned`, `warning_withdrawn`), `at` (UTC), `day` (business date), and
`entry` or `warning` as below. The register of any past day follows from the changes up to it:
the last one of each subject, with permissions that have expired by then shown so, and `later`
applied to the status.
""".strip()


def register_lines() -> Iterator[str]:
    """The page, line by line, below its title."""
    yield _HEAD
    yield ""
    folder = Path(amanat.__file__).parent / "jurisdictions"
    for path in sorted(folder.glob("*/licensing.toml")):
        pack = load_licensing(path.parent.name)
        yield f"## Columns: {pack.title}"
        yield ""
        yield "| file | column | holds | | meaning |"
        yield "|---|---|---|---|---|"
        for row in dictionary(codes_of(pack)):
            cells = (row["file"], f"`{row['column']}`", row["holds"], row["empty"], row["meaning"])
            yield "| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |"
        yield ""
    yield "## A change"
    yield ""
    yield "| member | meaning |"
    yield "|---|---|"
    for column in CHANGE_COLUMNS:
        yield f"| `{column.name}` | {column.meaning} |"
    yield ""
