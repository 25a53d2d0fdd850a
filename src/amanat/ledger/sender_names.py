"""The names of those who send chain transactions, and for what each sends.

`settlement`, `payments` and `tenders` send what is ordered for these purposes; a purpose may have
more than one, `settlement_2` to `settlement_99`.  `operator` sends everything else, and what has no
sender of its own.
"""

import re

OPERATOR, SETTLEMENT, PAYMENTS, TENDERS = "operator", "settlement", "payments", "tenders"
PURPOSES = (SETTLEMENT, PAYMENTS, TENDERS)
OF_PURPOSE = re.compile(rf"(?:{'|'.join(PURPOSES)})(?:_(?:[2-9]|[1-9][0-9]))?")
"""The names of senders besides the operator."""
SENDER = re.compile(rf"{OPERATOR}|{OF_PURPOSE.pattern}")
"""The names that senders may have."""
