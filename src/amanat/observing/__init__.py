"""What is seen of a running installation: log lines, traces, counters.

Low among the rooms, because the store, the ledger, the desk and the faces all tell what they do;
it knows none of them.  Nothing reaches a log, a trace or a metric but the fields that
`amanat.observing.fields` admits.
"""
