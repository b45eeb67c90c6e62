"""The manual page and the shells' completions, made from what the program says of itself."""

from __future__ import annotations

import json
import pathlib

import program

# Where each shell looks for completions, below the prefix.
COMPLETIONS = {
    "bash": "share/bash-completion/completions/marginalia",
    "zsh": "share/zsh/site-functions/_marginalia",
    "fish": "share/fish/vendor_completions.d/marginalia.fish",
}

EXIT_CODES = [
    ("0", "Done."),
    ("64", "Wrong usage."),
    ("65", "Bad input: a scenario, a rulebook, a command that is refused, a damaged journal."),
    ("69", "Something needed is not available: a port, a server, a store."),
    ("70", "A fault of the program."),
    ("77", "Not permitted: a wrong token, a file of secrets that others can read."),
    ("78", "A configuration file or environment variable that is missing or bad."),
]


def completion(built: pathlib.Path, shell: str) -> bytes:
    """A shell's completions."""
    return program.output(built.resolve(), "--generate-completion-script", shell).encode()


def escaped(text: str) -> str:
    """A text as roff takes it: no line begins a request."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def spelt(argument: dict) -> str:
    """An option as it is typed, with its value's name."""
    names = [
        ("-" if one["kind"] == "short" else "--") + one["name"] for one in argument.get("names") or []
    ]
    value = argument.get("valueName") or "value"
    if argument["kind"] == "positional":
        return f"\\fI{escaped(value)}\\fR"
    shown = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names)
    return shown if argument["kind"] == "flag" else f"{shown} \\fI{escaped(value)}\\fR"


def arguments(command: dict) -> list[str]:
    """The options of one command, a paragraph each."""
    lines = []
    for argument in command.get("arguments") or []:
        names = {one["name"] for one in argument.get("names") or []}
        if not argument.get("shouldDisplay", True) or names & {"help", "version"}:
            continue
        lines += [".TP", spelt(argument), escaped(argument.get("abstract") or "")]
    return lines


def command_lines(command: dict, above: str) -> list[str]:
    """One command's section, and those of the commands below it."""
    name = f"{above} {command['commandName']}".strip()
    lines = [f'.SS "{escaped(name)}"', escaped(command.get("abstract") or "")]
    if discussion := command.get("discussion"):
        lines += [".PP", ".nf", escaped(discussion), ".fi"]
    lines += arguments(command)
    for below in command.get("subcommands") or []:
        if below["commandName"] != "help":
            lines += command_lines(below, name)
    return lines


def page(built: pathlib.Path) -> str:
    """The manual page, in the man macros."""
    told = json.loads(program.output(built.resolve(), "--experimental-dump-help"))["command"]
    lines = [
        f'.TH MARGINALIA 1 "" "marginalia {program.version(built)}" "User Commands"',
        ".SH NAME",
        "marginalia \\- " + escaped(told["abstract"]),
        ".SH SYNOPSIS",
        "\\fBmarginalia\\fR \\fIcommand\\fR [\\fIoptions\\fR]",
        ".SH DESCRIPTION",
        escaped(told.get("discussion") or ""),
        ".SH COMMANDS",
    ]
    for command in told["subcommands"]:
        if command["commandName"] != "help":
            lines += command_lines(command, "")
    lines += [".SH ENVIRONMENT"]
    for name, meaning in [
        ("MARGINALIA_URL", "The running server that every command talks to, as --url."),
        ("MARGINALIA_ADMIN_TOKEN", "The operator's token, as --token and serve's --admin-token."),
        ("MARGINALIA_…", "Every other option of serve: its name in capitals, - as _."),
    ]:
        lines += [".TP", f"\\fB{escaped(name)}\\fR", escaped(meaning)]
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXIT_CODES:
        lines += [".TP", f"\\fB{code}\\fR", escaped(meaning)]
    return "\n".join(lines) + "\n"
