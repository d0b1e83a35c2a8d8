"""A program whose cloud runs a database: it says where, and ends as it is told; or begins with one and never ends."""

import json
import sys
import time
from pathlib import Path

from constructs_lib.local import LocalCloud

DATABASE = {
    "Type": "AWS::RDS::DBInstance",
    "DeletionPolicy": "Delete",
    "Properties": {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "MasterUsername": "master",
        "MasterUserPassword": "known",
    },
}


def wait() -> None:
    """Sleep in small steps, since a signal that comes just before a sleep is handled only after it."""
    for _ in range(6000):
        time.sleep(0.1)


def main(state: Path, ending: str) -> None:
    with LocalCloud(state=state) as cloud:
        cloudformation = cloud.client("cloudformation")
        sys.stdout.write(f"{cloud.run_folder}\n")
        sys.stdout.flush()
        template = {"Resources": {"Db": DATABASE}}
        cloudformation.create_stack(StackName="database", TemplateBody=json.dumps(template))
        if ending == "at once":
            time.sleep(600)
        while not cloud.databases():
            time.sleep(0.05)
        sys.stdout.write(f"{Path(cloud.databases()[0]['socket_folder']).parent}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        if ending == "raise":
            raise RuntimeError("on purpose")
        if ending == "wait":
            wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
