"""Where the program is, and how it is run from a shell."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

from marginalia.errors import ProgramMissing


def path() -> str:
    """The program: of MARGINALIA_PROGRAM, of this package, or on the PATH."""
    named = os.environ.get("MARGINALIA_PROGRAM")
    if named:
        if os.access(named, os.X_OK):
            return named
        raise ProgramMissing(f"MARGINALIA_PROGRAM names {named}, which is no program.")
    own = pathlib.Path(__file__).parent / "bin" / "marginalia"
    if own.exists():
        if not os.access(own, os.X_OK):
            own.chmod(0o755)
        return str(own)
    # Not the script that this very package installs.
    here = pathlib.Path(sys.executable).parent
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and pathlib.Path(folder) != here and (found := shutil.which("marginalia", path=folder)):
            return found
    raise ProgramMissing(
        "The program marginalia is not there: install a wheel that carries it, or name it in MARGINALIA_PROGRAM."
    )


def main() -> None:
    """The command `marginalia`: becomes the program."""
    try:
        program = path()
    except ProgramMissing as error:
        sys.exit(str(error))
    os.execv(program, [program, *sys.argv[1:]])
