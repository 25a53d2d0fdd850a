"""Keeping: backups and their restoration, the database made anew from the chain."""
