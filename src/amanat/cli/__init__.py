"""The command line: every act and view, pilots, the server, keys and tokens.

Exit codes: 0 done; 1 refused (a rule says no, in one line each); 2 wrong usage; 3 a part outside
does not answer, try again; 4 two records of one fact disagree; 130 interrupted.
"""

import importlib.util
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; the bare wheel, which is the verifier's base, says what it lacks."""
    if importlib.util.find_spec("typer") is None:
        sys.stderr.write("This command needs the platform: pip install 'amanat[platform]'\n")
        sys.exit(1)
    from amanat.cli.root import main as run

    run()
