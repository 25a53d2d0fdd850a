"""The EVMs that the contracts are compiled for: what their code may be made of."""

CANCUN, LONDON = "cancun", "london"
EVMS = (CANCUN, LONDON)
