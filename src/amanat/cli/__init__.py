"""The command line: every act and view, pilots, the server, keys and tokens.

Exit codes: 0 done; 1 refused (a rule says no, in one line each); 2 wrong usage; 3 a part outside
does not answer, try again; 4 two records of one fact disagree; 130 interrupted.
"""

import importlib.util
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; the bare wheel checks licences, and says what it lacks for the rest."""
    if importlib.util.find_spec("typer") is None:
        if sys.argv[1:3] == ["licence", "verify"]:
            from amanat.licensing.credentials.verifying import main as verify

            sys.exit(verify(sys.argv[3:]))
        sys.stderr.write("This command needs the platform: pip install 'amanat[platform]'\n")
        sys.exit(1)
    from amanat.cli.root import main as run

    run()
