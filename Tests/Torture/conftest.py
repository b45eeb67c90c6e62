"""The torture reuses the naive ledger: its folder and this one are searched for modules."""

import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "Naive")]
