"""English alone: the data of Foundation's international part without hundreds of other languages.

    python3 Tools/packaging/languages.py OBJECT

The static Foundation carries 34 MB of ICU data for calendars, currencies, units, encodings and collation of every
language; the program speaks English and works out no date or number by a locale. This writes an object with
the items that are kept, in ICU's own form, and prints the data's symbol: with `--wrap` of that symbol the linker
takes the object's in its place, and leaves the archive's out.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

MEMBER = "icu_packaged_data.cpp.o"
# What is kept: the roots of all languages and English, and tables that are of no language. Left out besides the
# other languages: encodings, collation, transliteration, names of characters, currencies and units.
KEPT = re.compile(
    r"""^icudt\d+l/(
      (root|en|en_US|en_US_POSIX|pool|res_index)\.res
    | (currencyNumericCodes|dayPeriods|icustd|icuver|keyTypeData|langInfo|likelySubtags|metadata|metaZones
      |numberingSystems|plurals|supplementalData|timezoneTypes|windowsZones|zoneinfo64)\.res
    | (cnvalias|uemoji|ulayout)\.icu
    | [^/]+\.nrm
    | brkitr/((root|en|en_US|en_US_POSIX|res_index)\.res|(char|line|sent|title|word)\.brk)
    | zone/(root|en|en_US|en_US_POSIX|pool|res_index|tzdbNames)\.res
    )$""",
    re.VERBOSE,
)


def library() -> pathlib.Path:
    """The toolchain's static archive of ICU."""
    compiler = pathlib.Path(shutil.which("swiftc")).resolve()
    return compiler.parents[1] / "lib" / "swift_static" / "linux" / "lib_FoundationICU.a"


def data(archive: pathlib.Path, folder: pathlib.Path) -> tuple[str, bytes]:
    """The name of the data's symbol and the data itself."""
    subprocess.run(["ar", "x", archive, MEMBER], cwd=folder, check=True)
    told = subprocess.run(["nm", MEMBER], cwd=folder, check=True, capture_output=True, text=True).stdout
    (symbol,) = re.findall(r" R (icudt\d+_dat)$", told, re.MULTILINE)
    copy = ["objcopy", "-O", "binary", "--only-section=.rodata", MEMBER, "data"]
    subprocess.run(copy, cwd=folder, check=True)
    return symbol, (folder / "data").read_bytes()


def filtered(content: bytes) -> bytes:
    """The package of the items that are kept: a header, a table of names and places, the items."""
    size, magic = struct.unpack_from("<HH", content)
    if magic != 0x27DA or content[12:16] != b"CmnD":
        raise SystemExit("languages.py: this is no ICU data package in a form that is known")
    head, body = content[:size], content[size:]
    (count,) = struct.unpack_from("<I", body)
    places = [struct.unpack_from("<II", body, 4 + 8 * number) for number in range(count)]
    ends = [place for _, place in places[1:]] + [len(body)]
    kept = []
    for (name_at, begin), end in zip(places, ends):
        name = body[name_at : body.index(b"\0", name_at)]
        if KEPT.match(name.decode()):
            kept.append((name, body[begin:end]))
    names = b"".join(name + b"\0" for name, _ in kept)
    at = 4 + 8 * len(kept)
    table, items = [], b""
    begin = -(-(at + len(names)) // 16) * 16
    for name, item in kept:
        table.append(struct.pack("<II", at, begin + len(items)))
        at += len(name) + 1
        items += item + bytes(-len(item) % 16)
    listed = struct.pack("<I", len(kept)) + b"".join(table) + names
    return head + listed + bytes(begin - len(listed)) + items


def main(target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        symbol, content = data(library(), folder)
        (folder / "kept").write_bytes(filtered(content))
        (folder / "kept.s").write_text(
            f".section .rodata\n.balign 16\n.globl __wrap_{symbol}\n__wrap_{symbol}:\n"
            f'.incbin "{folder / "kept"}"\n'
            '.section .note.GNU-stack,"",@progbits\n'
        )
        subprocess.run(["gcc", "-c", folder / "kept.s", "-o", target], check=True)
    print(symbol)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
