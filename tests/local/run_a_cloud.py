"""A program that uses a local cloud and ends as it is told: exit, raise, wait to be killed, be killed in a deploy."""

import io
import shlex
import sys
import time
import zipfile
from pathlib import Path

from constructs_lib.local import LocalCloud

# A function may start processes of its own, in sessions of their own.
CODE = """
import subprocess, sys

def handler(event, context):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    return "done"
"""


APP_THAT_HANGS = shlex.join([sys.executable, "-c", "import time; time.sleep(599)"])


def wait() -> None:
    """Sleep in small steps, since a signal that comes just before a sleep is handled only after it."""
    for _ in range(6000):
        time.sleep(0.1)


def main(state: Path, ending: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", CODE)
    with LocalCloud(state=state) as cloud:
        functions = cloud.client("lambda")
        functions.create_function(
            FunctionName="worker",
            Runtime="python3.13",
            Handler="index.handler",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": package.getvalue()},
        )
        answer = functions.invoke(FunctionName="worker")
        assert answer["Payload"].read() == b'"done"'
        cloud.client("s3").create_bucket(Bucket="anything")
        sys.stdout.write(f"{cloud.run_folder}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        if ending == "raise":
            raise RuntimeError("on purpose")
        if ending == "deploy":
            cloud.deploy(app=APP_THAT_HANGS, cwd=Path(__file__).parent)
        if ending == "wait":
            wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
