"""The command line: every act and view, pilots, the server, keys and tokens.

Exit codes: 0 done; 1 refused (a rule says no, in one line each); 2 wrong usage; 3 a part outside
does not answer, try again; 4 two records of one fact disagree; 130 interrupted.
"""

from amanat.cli.root import main

__all__ = ["main"]
