"""A network of institutions that the ledger runs on: founded, kept up, asked how it is.

The nodes are programs that others wrote (`network/` builds them); this room makes the genesis from
a programme's folder, starts and watches the nodes, and changes who may send and who may deploy.
"""
