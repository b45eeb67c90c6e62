"""`marginalia mcp`: with the protocol's own client, unmodified, and message by message."""

import json
import os
import subprocess
import sys

import pytest

import server as program
from server import ROOT, run

CLIENT = ROOT / ".venv" / "mcp"

# Runs in a process of its own: the client's packages are in a folder of their own.
SESSION = """
import asyncio, json, os, sys
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main():
    parameters = StdioServerParameters(
        command=sys.argv[1], args=["mcp", *sys.argv[2:]],
        env={name: value for name, value in os.environ.items() if name.startswith("MARGINALIA_")})
    async with Client(stdio_client(parameters), mode=os.environ["MODE"]) as client:
        found = {
            "tools": [tool.name for tool in (await client.list_tools()).tools],
            "revision": client.session.protocol_version,
            "server": client.session.server_info and client.session.server_info.name,
            "told": client.session.instructions,
        }
        async def call(tool, **arguments):
            result = await client.call_tool(tool, arguments)
            return {"error": bool(result.is_error), "text": result.content[0].text}
        found["calls"] = [await call(tool, **arguments) for tool, arguments in json.load(sys.stdin)]
        print(json.dumps(found))

asyncio.run(main())
"""

DESK = [
    {"type": "open_account", "account": "desk", "venue": "okx", "settings": {"mode": "multi"}},
    {"type": "deposit", "account": "desk", "asset": "USDT", "amount": "10000"},
    {
        "type": "import_position",
        "account": "desk",
        "instrument": "BTC-USDT-SWAP",
        "quantity": "100",
        "entry_price": "59000",
    },
]


def session(calls: list, *arguments: str, mode: str = "auto", **environment: str) -> dict:
    """What the SDK's client sees of the tools and of calls."""
    ended = subprocess.run(
        [sys.executable, "-c", SESSION, str(program.PROGRAM), *arguments],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=120,
        env=program.environment(PYTHONPATH=str(CLIENT), MODE=mode) | environment,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout)


def test_a_scenario_is_built_and_a_figure_explained_at_a_running_server(start):
    one = start("--ledger-time", "2026-01-01T00:00:00Z")
    found = session(
        [
            ["apply_commands", {"commands": DESK, "atomic": True}],
            ["set_prices", {"venue": "okx", "marks": {"BTC-USDT-SWAP": "60000"}, "index": {"USDT": "1"}}],
            ["read_statement", {"account": "desk", "ccy": "USDT"}],
            ["explain_figures", {"account": "desk", "field": "totalEq"}],
            ["stress_account", {"account": "desk", "shocks": [{"target": "BTC", "change": "-10%"}]}],
            ["nudge_account", {"account": "desk", "maintenance_share": "0.9"}],
            ["move_clock", {"advance_ms": 60000}],
            ["issue_key", {"account": "desk", "permissions": ["read"]}],
            ["list_requests", {}],
            ["list_events", {"account": "desk", "limit": 2}],
            ["keep_checkpoint", {"name": "here"}],
            ["restore_checkpoint", {"name": "here"}],
            ["set_faults", {"faults": []}],
        ],
        MARGINALIA_URL=one.url,
        MARGINALIA_ADMIN_TOKEN=one.token,
    )
    calls = found["calls"]
    assert [call["error"] for call in calls] == [False] * len(calls), calls
    assert json.loads(calls[2]["text"])["data"][0]["details"][0]["eq"] == "11000"
    figure = json.loads(calls[3]["text"])["figures"][0]
    assert figure["value"] == "11000" and figure["formula"] and figure["inputs"]
    assert json.loads(calls[6]["text"])["now"] == 1767225660000
    assert one.account("desk")["positions"][0]["quantity"] == "100", "the server has what the tools did"


def test_a_ledger_of_its_own_in_memory():
    found = session(
        [
            ["apply_commands", {"commands": DESK}],
            ["read_account", {"account": "desk"}],
            ["list_accounts", {}],
            ["list_orders", {"account": "desk", "state": "open"}],
            ["list_trades", {"account": "desk"}],
            ["read_clock", {}],
            ["list_rulebooks", {}],
        ],
        "--store",
        "memory:",
    )
    assert not any(call["error"] for call in found["calls"]), found["calls"]
    assert json.loads(found["calls"][1]["text"])["holdings"][0]["cash"] == "10000"
    assert len(found["tools"]) == len(set(found["tools"])) == 19


def test_what_is_wrong_is_told_to_the_model():
    found = session(
        [
            ["apply_commands", {"commands": [{"type": "deposit", "account": "desk"}]}],
            ["read_account", {"account": "nobody"}],
            ["read_account", {"acount": "desk"}],
            ["read_account", {}],
            ["move_clock", {"advance_ms": 1}],
        ],
        "--store",
        "memory:",
    )
    texts = [call["text"] for call in found["calls"]]
    assert '"rejected"' in texts[0]
    assert [call["error"] for call in found["calls"][1:]] == [True] * 4
    assert json.loads(texts[1])["code"] == "unknown_account"
    assert "Did you mean account?" in texts[2] and "account is missing" in texts[3]
    assert json.loads(texts[4])["code"] == "clock_is_system"


@pytest.mark.parametrize(
    "mode, revision", [("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")]
)
def test_the_protocols_own_client_speaks_its_newest_revision_and_the_one_before(mode, revision):
    calls = [["apply_commands", {"commands": DESK}], ["read_account", {"account": "desk"}]]
    found = session(calls, "--store", "memory:", mode=mode)
    assert found["revision"] == revision and len(found["tools"]) == 19
    # A client that pins a revision has asked nobody who is there.
    if mode != "2026-07-28":
        assert found["server"] == "marginalia" and "apply_commands" in found["told"]
    assert [call["error"] for call in found["calls"]] == [False, False]


# Message by message


def exchange(*lines: str) -> list[dict]:
    """What is answered to lines of standard input."""
    ended = run_with("\n".join(lines) + "\n")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def run_with(text: str):
    return subprocess.run(
        [program.PROGRAM, "mcp", "--store", "memory:"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env=program.environment(),
    )


REVISION = "io.modelcontextprotocol/protocolVersion"
META = {REVISION: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def message(method: str, number=1, **parameters) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})


@pytest.mark.parametrize(
    "asked, given",
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", "2024-11-05"),
        ("2031-01-01", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_the_revision_is_negotiated(asked, given):
    (answer,) = exchange(message("initialize", protocolVersion=asked, capabilities={}, clientInfo={}))
    result = answer["result"]
    assert result["protocolVersion"] == given and result["capabilities"] == {"tools": {}}
    assert result["serverInfo"] == {"name": "marginalia", "version": run("--version").stdout.strip()}


def test_a_request_of_no_session_says_what_it_is_of():
    wrong = message("tools/list", 3, _meta=META | {REVISION: "2031-01-01"})
    found, listed, refused = exchange(
        message("server/discover", 1, _meta=META), message("tools/list", 2, _meta=META), wrong
    )
    for answer in (found, listed):
        result = answer["result"]
        assert result["resultType"] == "complete" and result["ttlMs"] > 0 and result["cacheScope"] == "public"
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "marginalia"
    assert found["result"]["supportedVersions"] == ["2026-07-28"]
    assert found["result"]["capabilities"] == {"tools": {}} and found["result"]["instructions"]
    assert refused["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


def test_notifications_and_answers_are_not_answered():
    notification = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    stray = json.dumps({"jsonrpc": "2.0", "id": 9, "result": {}})
    assert exchange(notification, stray, "", message("ping", "p")) == [
        {"jsonrpc": "2.0", "id": "p", "result": {}}
    ]


@pytest.mark.parametrize(
    "line, code, number",
    [
        ("{", -32700, None),
        ("7", -32600, None),
        ("[]", -32600, None),
        ('{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, None),
        ('{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, None),
        ('{"jsonrpc":"2.0","id":1}', -32600, 1),
        (message("tools/fetch", 2), -32601, 2),
        (message("server/discover", 3), -32601, 3),
        (message("ping", 5, _meta=META), -32601, 5),
        (message("server/discover", 6, _meta=META | {REVISION: 5}), -32602, 6),
        (message("server/discover", 7, _meta={REVISION: "2026-07-28"}), -32602, 7),
        (message("tools/list", 8, _meta=META | {REVISION: "2031-01-01"}), -32022, 8),
        (message("tools/call", 4, name="read_acount"), -32602, 4),
    ],
)
def test_a_message_that_is_wrong_is_an_error_of_json_rpc(line, code, number):
    answer, after = exchange(line, message("ping", 99))
    assert answer["error"]["code"] == code and answer["id"] == number
    assert after["id"] == 99, "and the next one is answered"


def test_a_batch_is_answered_as_one():
    batch = f"[{message('ping', 1)},{message('ping', 2)}]"
    (answer,) = exchange(batch)
    assert [row["id"] for row in answer] == [1, 2]


def test_every_tool_names_its_arguments_and_every_command_is_described():
    (answer,) = exchange(message("tools/list"))
    tools = {tool["name"]: tool for tool in answer["result"]["tools"]}
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert schema["type"] == "object" and set(schema["required"]) <= set(schema["properties"])
        assert all(entry["description"] for entry in schema["properties"].values())
    commands = json.loads((ROOT / "Sources/Server/Resources/openapi.json").read_text())
    about = tools["apply_commands"]["description"]
    for row in commands["components"]["schemas"]["Command"]["oneOf"]:
        schema = commands["components"]["schemas"][row["$ref"].split("/")[-1]]
        name, required = schema["properties"]["type"]["const"], schema["required"]
        fields = [field for field in schema["properties"] if field not in ("type", "id", "at")]
        told = ", ".join(field if field in required else f"{field}?" for field in fields)
        assert f"{name}: {told}" in about.splitlines()


def test_a_rejected_command_is_an_error_of_the_tool():
    command = {"type": "deposit", "account": "nobody", "asset": "USDT", "amount": "1"}
    (answer,) = exchange(message("tools/call", name="apply_commands", arguments={"commands": [command]}))
    assert answer["result"]["isError"] and "unknown_account" in answer["result"]["content"][0]["text"]


def test_help_has_an_example_for_an_assistant():
    text = run("mcp", "--help").stdout
    assert "Example: marginalia mcp" in text and "mcpServers" in text
