"""What a PDF would do when it is opened: read in a process of its own, with bounds of its own.

A reader of PDF that is given anything at all may turn in circles or ask for memory without end;
here that ends the reader's process (`documents.pdf_acts`), and the document is refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import IO

from amanat.access.attempts import ComeBackLater
from amanat.core.messages import Message
from amanat.licensing.documents.inspection import DocumentActs, DocumentDamaged, DocumentLocked
from amanat.licensing.documents.pdf_acts import SECONDS_MAX

WAIT_SECONDS_MAX = 5
_AT_ONCE = threading.BoundedSemaphore(2)

_SAID = {
    "script": Message("a script."),
    "launch": Message("it opens another file or program."),
    "send": Message("it sends or fetches what is filled in."),
    "file": Message("a file is attached."),
    "play": Message("it plays something."),
}


def read_pdf(file: IO[bytes], name: str) -> None:
    """Refuse a PDF that acts or carries files, needs a password, or cannot be read in bounds.

    Refuses, in order: `ComeBackLater` (others are being read), `DocumentDamaged`,
    `DocumentLocked`, `DocumentActs`.
    """
    file.seek(0)
    # Whoever waited longer would keep a thread from those who give no documents.
    if not _AT_ONCE.acquire(timeout=WAIT_SECONDS_MAX):
        raise ComeBackLater(seconds=SECONDS_MAX)
    try:
        reader = subprocess.run(
            [sys.executable, "-P", "-m", "amanat.licensing.documents.pdf_acts"],
            input=file.read(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"},
            cwd="/",
            timeout=2 * SECONDS_MAX,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        reason = Message("it cannot be examined. Print it into a new PDF.")
        raise DocumentDamaged(name=name, reason=reason) from None
    finally:
        _AT_ONCE.release()
    found = json.loads(reader.stdout)
    if found["locked"]:
        raise DocumentLocked(name=name)
    for what in _SAID:
        if what in found["acts"]:
            raise DocumentActs(name=name, what=_SAID[what])
