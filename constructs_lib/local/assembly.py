"""What a synthesized app will need of this machine."""

import json
from pathlib import Path
from typing import Final

_DATABASES: Final = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")


def has_postgres(assembly: Path) -> bool:
    """Look for a PostgreSQL database in the templates of a cloud assembly.

    Args:
        assembly: Its folder; assemblies of stages are below it.

    Returns:
        Whether any template declares one.
    """
    return any(
        resource.get("Type") in _DATABASES and "postgres" in str(resource.get("Properties", {}).get("Engine"))
        for template in assembly.rglob("*.template.json")
        if not any(part.startswith("asset.") for part in template.relative_to(assembly).parts)
        for resource in json.loads(template.read_text()).get("Resources", {}).values()
    )
