"""For tests of apps: a template as a snapshot keeps it.

It is still valid, and the same wherever and whenever it was made. What changes with the bytes of a package,
and with nothing that a reviewer could judge, is replaced: asset hashes by distinct ones that depend on where
they are used, and the hash in the logical id of a `CurrentVersion`, which is also in those of the alarms on
it, by zeros.
"""

import hashlib
import json
import re
from typing import Any

_ASSET = re.compile(r"\b[0-9a-f]{64}\b")
_VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


def normal_form(template: dict[str, Any]) -> dict[str, Any]:
    """Replace what depends on the bytes of packages.

    Args:
        template: As synthesized, such as `Template.from_stack(stack).to_json()`.

    Returns:
        A copy with the same meaning.
    """
    resources = {
        logical_id: json.loads(
            _ASSET.sub(hashlib.sha256(logical_id.encode()).hexdigest(), json.dumps(resource))
        )
        for logical_id, resource in template.get("Resources", {}).items()
    }
    text = json.dumps(template | {"Resources": resources})
    normal: dict[str, Any] = json.loads(_VERSION.sub(r"\g<1>" + "0" * 32, text))
    return normal
