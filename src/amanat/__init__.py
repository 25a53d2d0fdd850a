"""Amanat (امانت, a thing held in trust): issue, auction, settle, service and prove state securities."""

__version__ = "0.1.0"
