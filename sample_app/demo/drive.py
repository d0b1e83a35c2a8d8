"""Drive the deployed sample app: send messages, wait, and read back what came of them.

Every figure is read back from the database, the queues and the functions' answers; nothing is taken from what a
handler says of itself.
"""

import json
import shlex
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from constructs_lib.local import LocalCloud, LocalCloudError
from constructs_lib.local.http_calls import Caller
from sample_app.demo.phases import Phases
from sample_app.demo.trips import Message, Rehearsal
from sample_app.demo.trips_outcome import FAILURES_OF_FLAKY, Earnings, Outcome

Outputs = dict[str, str]
Tell = Callable[[str], None]

TIME_SCALE: Final = 480
"""A failed message is back after 0.4 seconds in place of three minutes: that is most of what the demo waits for."""

_PROJECT: Final = Path(__file__).resolve().parents[2]
_REFUSE_FLAKY_TRIPS = """
CREATE SCHEMA rehearsal;
CREATE TABLE rehearsal.flaky (trip_id text PRIMARY KEY);
CREATE FUNCTION rehearsal.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM rehearsal.flaky WHERE trip_id = NEW.trip_id)
        -- A sequence goes on when the transaction is rolled back.
        AND nextval(format('rehearsal.%I', NEW.trip_id)) <= TG_ARGV[0]::int
    THEN
        RAISE EXCEPTION 'refused for the rehearsal';
    END IF;
    RETURN NEW;
END
$$;
"""


def outputs_of(deployed: dict[str, Outputs]) -> Outputs:
    """Outputs of all stacks, of which each has names of its own.

    Args:
        deployed: By stack.

    Returns:
        By name.
    """
    return {name: value for stack in deployed.values() for name, value in stack.items()}


def deploy(cloud: LocalCloud, app: list[str], phases: Phases) -> Outputs:
    """Deploy the sample app, or some stacks of it.

    Args:
        cloud: Where.
        app: The module, and its arguments.
        phases: Is told of it.

    Returns:
        The outputs of all stacks.
    """
    phases.tell("cdk deploy")
    outputs = outputs_of(cloud.deploy(app=shlex.join([sys.executable, "-m", *app]), cwd=_PROJECT))
    phases.end("cdk synth, bootstrap, deploy, migrate")
    return outputs


def rehearse(cloud: LocalCloud, outputs: Outputs, rehearsal: Rehearsal, phases: Phases) -> Outcome:
    """Send the trips, cut connections while they are handled, and read back what came of them.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        rehearsal: What is sent.
        phases: Is told of it.

    Returns:
        What came of them.
    """
    with administrator(cloud) as admin:
        refuse_flaky_trips(admin, rehearsal)
        phases.tell(f"sending {len(rehearsal.messages)} messages")
        send(cloud.client("sqs"), outputs["QueueUrl"], rehearsal.messages)
        phases.end("send")
        cut = wait(cloud, phases.tell, len(rehearsal.stored) // 3, admin)
        phases.end("process, cut connections, retry, dead-letter")
        phases.tell("reading back")
        outcome = read_back(cloud, outputs, rehearsal, cut, admin)
        phases.end("read back, ask for the earnings")
    return outcome


def administrator(cloud: LocalCloud) -> psycopg.Connection:
    """A connection to the database as its superuser, over a socket that only this machine's user can reach.

    Args:
        cloud: With the sample app deployed.

    Returns:
        The connection; each statement is a transaction.

    Raises:
        LocalCloudError: There is not one database.
    """
    databases = cloud.databases()
    if len(databases) != 1:
        raise LocalCloudError(f"the sample app must have one database, has {len(databases)}.")
    [database] = databases
    return psycopg.connect(
        host=database["socket_folder"],
        port=database["port"],
        user=database["superuser"],
        dbname=database["name"],
        autocommit=True,
    )


def refuse_flaky_trips(admin: psycopg.Connection, rehearsal: Rehearsal) -> None:
    """Let the database refuse some trips twice.

    Args:
        admin: The superuser.
        rehearsal: Says which.
    """
    admin.execute(_REFUSE_FLAKY_TRIPS)
    for trip_id in sorted(rehearsal.flaky):
        admin.execute("INSERT INTO rehearsal.flaky VALUES (%s)", (trip_id,))
        admin.execute(sql.SQL("CREATE SEQUENCE {}").format(sql.Identifier("rehearsal", trip_id)))
    admin.execute(
        sql.SQL(
            "CREATE TRIGGER rehearsal BEFORE INSERT ON trip FOR EACH ROW EXECUTE FUNCTION rehearsal.refuse({})"
        ).format(sql.Literal(str(FAILURES_OF_FLAKY)))
    )


def send(sqs: Any, url: str, messages: tuple[Message, ...]) -> None:
    """Send messages to a queue.

    Args:
        sqs: A client.
        url: Of the queue.
        messages: What to send, in this order.

    Raises:
        LocalCloudError: One was refused.
    """
    for start in range(0, len(messages), 10):
        entries = [
            {
                "Id": str(index),
                "MessageBody": message.body,
                "MessageAttributes": {"trip_id": {"DataType": "String", "StringValue": message.trip_id}},
            }
            for index, message in enumerate(messages[start : start + 10])
        ]
        refused = sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        if refused:
            raise LocalCloudError(f"SQS refused {len(refused)} messages: {refused[0]}")


def wait(cloud: LocalCloud, tell: Tell, cut_after: int | None, admin: psycopg.Connection) -> int:
    """Wait until all messages are handled or dead; a function that crashes is reported at once.

    Args:
        cloud: With the sample app deployed.
        tell: Is told how far it is.
        cut_after: End the connections of the application once, when so many trips are stored.
        admin: The superuser.

    Returns:
        How many connections were cut.

    Raises:
        LocalCloudError: The function fails, and not because of a message.
    """
    cut = 0

    def look(going_on: dict[str, int]) -> None:
        nonlocal cut
        messages = sum(number for what, number in going_on.items() if what.startswith("a message"))
        tell(f"handling: {messages} messages in the queue")
        crashed = cloud.failed_invocations()
        if len(crashed) >= 3:
            last = crashed[-1]
            raise LocalCloudError(
                f"the function {last['function']} fails:\n{last['log'].strip() or last['error']}"
            )
        if cut_after is not None and not cut and _one(admin, "SELECT count(*) FROM trip") >= cut_after:
            cut = _one(
                admin,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'trips'",
            )

    cloud.wait_until_idle(meanwhile=look)
    return cut


def read_back(
    cloud: LocalCloud, outputs: Outputs, rehearsal: Rehearsal, cut: int, admin: psycopg.Connection
) -> Outcome:
    """Read what came of it.

    Args:
        cloud: With the sample app deployed.
        outputs: Of the sample app.
        rehearsal: What was sent.
        cut: How many connections were cut.
        admin: The superuser.

    Returns:
        Everything that is judged.
    """
    sqs = cloud.client("sqs")
    receives: list[tuple[str, int]] = []
    while messages := sqs.receive_message(
        QueueUrl=outputs["DeadLetterQueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    ).get("Messages", []):
        for message in messages:
            trip_id = message["MessageAttributes"]["trip_id"]["StringValue"]
            # The count goes with the message into the dead-letter queue; this receive is ours.
            receives.append((trip_id, int(message["Attributes"]["ApproximateReceiveCount"]) - 1))
    fares = {
        (driver, currency): (trips, amount)
        for driver, currency, trips, amount in admin.execute(
            "SELECT driver_id, currency, count(*), sum(fare) FROM trip GROUP BY driver_id, currency"
        )
    }
    drivers = sorted({trip.driver_id for trip in rehearsal.stored.values()})
    return Outcome(
        stored=_stored(admin),
        receives=receives,
        left=depth(sqs, outputs["QueueUrl"]),
        attempts=_attempts(admin, rehearsal),
        cut=cut,
        fares=fares,
        earnings=_ask_for_earnings(cloud, outputs["ApiUrl"], drivers),
    )


def invoke(cloud: LocalCloud, function: str, event: dict[str, Any]) -> Any:
    """Call a function and wait for its answer.

    Args:
        cloud: Where it is deployed.
        function: Its name.
        event: What it is given.

    Returns:
        Its answer.

    Raises:
        LocalCloudError: It failed.
    """
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise LocalCloudError(f"the function {function} fails: {payload}")
    return payload


def depth(sqs: Any, url: str) -> int:
    """Count the messages in a queue.

    Args:
        sqs: A client.
        url: Of the queue.

    Returns:
        All of them, also those that are in work.
    """
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def _ask_for_earnings(cloud: LocalCloud, api: str, drivers: list[str]) -> Earnings:
    url = cloud.api_url(api)
    caller = Caller(cloud, "accountant")
    caller.allow_only("execute-api:Invoke", on="arn:aws:execute-api:*:*:*/prod/GET/drivers/*/earnings")
    earnings = {}
    for driver in drivers:
        answer = caller.call(f"{url}drivers/{driver}/earnings")
        if answer.status != 200:
            raise LocalCloudError(
                f"the earnings of {driver} are answered with {answer.status}: {answer.body!r}"
            )
        for row in answer.json["earnings"]:
            earnings[driver, row["currency"]] = row["trips"], Decimal(row["amount"])
    return earnings


def _stored(admin: psycopg.Connection) -> dict[str, dict[str, str]]:
    names = ("trip_id", "driver_id", "rider_id", "currency", "distance_km", "duration_s", "completed_at")
    admin.execute("SET timezone TO 'UTC'")
    return {
        row[0]: {
            name: value.isoformat() if name == "completed_at" else str(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in admin.execute(
            sql.SQL("SELECT {} FROM trip").format(sql.SQL(", ").join(map(sql.Identifier, names)))
        )
    }


def _attempts(admin: psycopg.Connection, rehearsal: Rehearsal) -> dict[str, int]:
    return {
        trip_id: _one(
            admin,
            sql.SQL("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}").format(
                sql.Identifier("rehearsal", trip_id)
            ),
        )
        for trip_id in rehearsal.flaky
    }


def _one(admin: psycopg.Connection, query: psycopg.abc.Query) -> int:
    row = admin.execute(query).fetchone()
    return int(row[0]) if row else 0
