"""The variables that the functions read while they are imported, for tests and benchmarks of them."""

from typing import Final

SETTINGS: Final = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "DATABASE_HOST": "proxy.example",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "rides",
    "DATABASE_USER": "trips",
    "QUEUE_URL": "https://sqs.example/trips",
    "RECEIPTS_BUCKET": "receipts-bucket",
    "ARCHIVE_BUCKET": "archive-bucket",
    "INBOX_TABLE": "inbox",
    "DISPUTES_TABLE": "disputes",
    "TAKEN_TABLE": "taken",
    "ZONES_TABLE": "zones",
    "NOTICES_TABLE": "notices",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:trips",
}
