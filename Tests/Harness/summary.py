"""Adds up what the parts of the test run reported and prints `N passed, N failed` as the last line.

    summary.py FOLDER

FOLDER holds parts.tsv (name and exit status of each part) and one JUnit report for each part that counts its
tests. A part without a report counts as one test. A part that failed although its report shows no failure (a
crash, say) counts as one failure more. Exits 0 where nothing failed and something passed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def counts(report: pathlib.Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of one JUnit report."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(folder: pathlib.Path) -> int:
    all_passed = all_failed = 0
    print("\n== summary")
    for line in (folder / "parts.tsv").read_text().splitlines():
        name, status = line.split("\t")
        passed = failed = skipped = 0
        reports = sorted(folder.glob(f"{name}*.xml"))
        for report in reports:
            try:
                one = counts(report)
            except ElementTree.ParseError:
                continue
            passed, failed, skipped = passed + one[0], failed + one[1], skipped + one[2]
        if passed + failed == 0:
            passed, failed = (1, 0) if status == "0" else (0, 1)
        elif status != "0" and failed == 0:
            failed = 1
        print(f"{name:12} {passed:6} passed {failed:4} failed" + (f" {skipped:4} skipped" if skipped else ""))
        all_passed += passed
        all_failed += failed
    print(f"{all_passed} passed, {all_failed} failed")
    return 0 if all_failed == 0 and all_passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
