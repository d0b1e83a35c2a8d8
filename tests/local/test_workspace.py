"""The workspace of the guide is deployed and invoked, and a change reaches the functions that depend on it."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.local import LocalCloud
from tests.local.conftest import PROJECT
from tests.workspace import write_workspace

pytestmark = pytest.mark.cloud


def test_a_workspace_is_deployed_and_a_change_reaches_its_dependents(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    write_workspace(tmp_path)
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    app = shlex.join([sys.executable, "app.py"])
    names = cloud.deploy(app=app, cwd=tmp_path)["Shop"]
    client = cloud.client("lambda")

    def answer(name: str, event: dict[str, Any]) -> Any:
        called = client.invoke(FunctionName=names[f"{name}Name"], Payload=json.dumps(event))
        payload = json.load(called["Payload"])
        assert "FunctionError" not in called, payload
        return payload

    def versions() -> dict[str, str]:
        return {
            name: client.get_function_configuration(FunctionName=names[f"{name}Name"])["CodeSha256"]
            for name in ("Quote", "Bill", "Ping")
        }

    assert answer("Quote", {"kilometers": 10}) == {"price": "14.50 EUR"}
    assert answer("Bill", {"cents": 100}) == {"due": "1.00 EUR"}
    assert answer("Ping", {}) == {"pong": True}

    before = versions()
    pricing = tmp_path / "packages" / "pricing" / "src" / "pricing" / "__init__.py"
    pricing.write_text(pricing.read_text().replace("250", "350"))
    cloud.deploy(app=app, cwd=tmp_path)
    assert answer("Quote", {"kilometers": 10}) == {"price": "15.50 EUR"}
    after = versions()
    assert {name for name in before if before[name] != after[name]} == {"Quote"}
