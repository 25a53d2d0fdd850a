"""What acts on keys of people, tokens, invitations and other ways of signing in will do.

Only of the proposer's own institution: of others' people nothing is said, not even that they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.access.key_register import find_key
from amanat.access.tables import access_token, person, tender_share_free if False else person as _p
