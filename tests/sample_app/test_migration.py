"""A migration runs at deployment; one that fails fails the deployment, and the next one goes on from there."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from constructs_lib.local import LocalCloud, LocalCloudError
from sample_app.demo import drive

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.cloud


def deploy(cloud: LocalCloud, migrate: Path) -> None:
    app = shlex.join(
        ["env", f"MIGRATE_ENTRY={migrate}", sys.executable, "-m", "tests.sample_app.database_alone"]
    )
    cloud.deploy(app=app, cwd=PROJECT)


def applied(cloud: LocalCloud) -> list[str]:
    with drive.administrator(cloud) as admin:
        return [row[0] for row in admin.execute("SELECT name FROM schema_migration ORDER BY name")]


def test_a_failed_migration_fails_the_deployment_and_the_next_one_continues(tmp_path: Path) -> None:
    migrate = tmp_path / "migrate"
    shutil.copytree(PROJECT / "sample_app" / "functions" / "migrate", migrate)
    there = sorted(path.name for path in (migrate / "migrations").iterdir())
    added = migrate / "migrations" / "0099_added.sql"

    with LocalCloud(state=PROJECT / ".cache" / "local") as cloud:
        deploy(cloud, migrate)
        assert applied(cloud) == there

        added.write_text("CREATE TABLE added (id int); SELECT 1 / 0;")
        with pytest.raises(LocalCloudError, match="division by zero"):
            deploy(cloud, migrate)
        assert applied(cloud) == there

        added.write_text("CREATE TABLE added (id int);")
        deploy(cloud, migrate)
        assert applied(cloud) == [*there, added.name]
