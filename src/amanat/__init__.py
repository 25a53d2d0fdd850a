"""Amanat (امانت, a thing held in trust): issue, auction, settle, service, prove."""

__version__ = "0.1.0"
