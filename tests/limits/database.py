"""The limits of ProxiedDatabase."""

from typing import Any, Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import ProxiedDatabase
from tests.gallery.database import (
    AURORA_POSTGRES,
    MYSQL,
    POSTGRES,
    database,
    imported_instance,
    imported_vpc,
    secret_arn,
)
from tests.limits.table import Arguments, Limits, args, by_name_instead


def theirs(**also: Any) -> Arguments:
    """An imported instance, in order, and what is said with it."""
    return lambda stack: {
        "engine": None,
        "database": imported_instance(stack),
        "vpc": imported_vpc(stack),
        "database_name": "trips",
        **also,
    }


def imported_without(**attributes: Any) -> Arguments:
    return lambda stack: {
        "engine": None,
        "database": imported_instance(stack, **attributes),
        "vpc": imported_vpc(stack),
        "database_name": "trips",
    }


def cluster_without_endpoint(stack: Stack) -> dict[str, Any]:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    cluster = rds.DatabaseCluster.from_database_cluster_attributes(
        stack, "Cluster", cluster_identifier="trips", engine=AURORA_POSTGRES, security_groups=[group]
    )
    return {"engine": None, "database": cluster, "vpc": imported_vpc(stack), "database_name": "trips"}


def secret(stack: Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Given", secret_arn("writer"))


def in_a_vpc_of(**attributes: Any) -> Arguments:
    return lambda stack: {"vpc": imported_vpc(stack, **attributes)}


ONE_ZONE: Final = {"availability_zones": ["us-east-1a"], "isolated_subnet_ids": ["subnet-0123456789abcdef0"]}
PUBLIC: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
AURORA: Final = {"engine": AURORA_POSTGRES}
ZONES: Final = ["us-east-1a", "us-east-1c"]

_ROWS: list[tuple[str, Arguments, str]] = [
    # the pool
    ("pool of 0 %", args(max_connections_percent=0), "max_connections_percent must be 1 to 100, got 0"),
    ("pool above 100 %", args(max_connections_percent=101), "max_connections_percent must be 1 to 100, got 101"),
    ("pool of half a per cent", args(max_connections_percent=1.5), "max_connections_percent must be a whole number"),
    ("idle connections below 0", args(max_idle_connections_percent=-1), "max_idle_connections_percent must be 0 to 90"),
    ("more idle connections than any", args(max_connections_percent=40, max_idle_connections_percent=41),
     "max_idle_connections_percent must be 0 to 40, got 41"),
    ("borrow timeout above 300 s", args(borrow_timeout=Duration.seconds(301)),
     "0 seconds to 5 minutes, got 301 seconds"),
    ("borrow timeout with a fraction", args(borrow_timeout=Duration.millis(1500)),
     "borrow_timeout must be a whole number of"),
    ("borrow timeout as a number", args(borrow_timeout=10), "borrow_timeout must be a Duration"),
    ("idle client timeout 0", args(idle_client_timeout=Duration.seconds(0)), "1 second to 8 hours, got 0 seconds"),
    ("idle client timeout above 8 h", args(idle_client_timeout=Duration.hours(9)), "1 second to 8 hours, got 9 hours"),
    ("a proxy without a connection", args(max_connections=10, max_connections_percent=9), "got 9 % of 10"),
    ("max_connections below 6", args(max_connections=5), "max_connections must be 6 to 262,143, got 5"),
    ("max_connections of MySQL", args(engine=MYSQL, max_connections=100_001), "6 to 100,000, got 100,001"),
    # the network
    ("half a zone", args(max_azs=2.5), "max_azs must be a whole number, got 2.5"),
    ("VPC of one zone", args(max_azs=1), "max_azs must be 2 to 6, got 1"),
    ("VPC of seven zones", args(max_azs=7), "max_azs must be 2 to 6, got 7"),
    ("NAT gateways below 0", args(nat_gateways=-1), "nat_gateways must be 0 to 2, got -1"),
    ("more NAT gateways than zones", args(nat_gateways=3), "nat_gateways must be 0 to 2, got 3"),
    ("zones and their number", args(max_azs=2, availability_zones=ZONES),
     "max_azs cannot be combined with availability_zones"),
    ("one zone by name", args(availability_zones=ZONES[:1]), "must be 2 to 6 different zones, got ['us"),
    ("a zone twice", args(availability_zones=["us-east-1a", "us-east-1a"]), "must be 2 to 6 different zones, got"),
    ("zones as text", args(availability_zones="us-east-1a"), "availability_zones must be a list of texts, got"),
    ("zones by number", args(availability_zones=[1, 2]), "availability_zones must be a list of texts"),
    ("more NAT gateways than named zones", args(availability_zones=ZONES, nat_gateways=3),
     "nat_gateways must be 0 to 2, got 3"),
    ("named zones of a VPC that is there", lambda stack: {"vpc": imported_vpc(stack), "availability_zones": ZONES},
     "availability_zones cannot be combined with vpc"),
    ("subnets by their name", lambda stack: {"vpc": imported_vpc(stack), "vpc_subnets": "Isolated"},
     "vpc_subnets must be an ec2.SubnetSelection, such as ec2.SubnetSelection(subnet_group_name='Database'), got 'Iso"),
    ("endpoints in a VPC of unknown range", lambda stack: {"vpc": imported_vpc(stack, vpc_cidr_block=None),
     "interface_endpoints": ["sqs"]}, "must be imported with its vpc_cidr_block for interface_endpoints"),
    ("an endpoint with its Region", args(interface_endpoints=["com.amazonaws.us-east-1.sqs"]), "the rest of the name"),
    ("endpoints as text", args(interface_endpoints="sqs"), "interface_endpoints must be a list of texts"),
    ("subnets in one zone", in_a_vpc_of(**ONE_ZONE), "vpc_subnets must be in 2 zones or more, got 1 (us-east-1a)"),
    ("another database for its VPC", lambda stack: {"vpc": database(stack)},
     "vpc must be a VPC, got Stack/Database (ProxiedDatabase): a ProxiedDatabase has it as .vpc."),
    ("subnets that are not there", lambda stack: {"vpc": imported_vpc(stack), "vpc_subnets": PUBLIC},
     "vpc_subnets selects nothing in vpc Stack/TheirVpc"),
    ("subnets of no VPC", args(vpc_subnets=PUBLIC), "vpc_subnets requires vpc"),
    ("zones of a VPC that is there", lambda stack: {"vpc": imported_vpc(stack), "max_azs": 2, "nat_gateways": 1},
     "max_azs and nat_gateways cannot be combined with vpc"),
    ("endpoint without a name", args(interface_endpoints=["com amazonaws sqs"]), "interface_endpoints must be AWS's"),
    ("endpoint twice", args(interface_endpoints=["sqs", "sqs"]), "must name a service once, got ['sqs'] again"),
    # users and passwords
    ("unknown authentication", args(authentication="IAM"), "got 'IAM'. Did you mean 'iam'?"),
    ("authentication that is not a word", args(authentication=True), "secret, end-to-end-iam, got True."),
    ("alternating users with IAM", args(alternating_users=True), "alternating_users requires authentication='secret'"),
    ("alternating users end to end", args(alternating_users=True, authentication="end-to-end-iam"),
     "alternating_users requires authentication='secret', got 'end-to-end-iam'"),
    ("alternating users without a master", theirs(authentication="secret", alternating_users=True),
     "alternating_users requires master_secret"),
    ("rotation without a password", args(authentication="end-to-end-iam", rotation_interval=Duration.days(1)),
     "rotation_interval cannot be combined with authentication='end-to-end-iam'"),
    ("rotation below 4 hours", args(rotation_interval=Duration.hours(3)), "4 hours to 999 days, got 3 hours."),
    ("rotation above 999 days", args(rotation_interval=Duration.days(1000)), "999 days, got 1,000 days."),
    ("rotation in odd minutes", args(rotation_interval=Duration.minutes(90)), "999 days, got 90 minutes."),
    ("rotation of an hour", args(rotation_interval=Duration.minutes(60)), "999 days, got 1 hour."),
    ("rotation of hours and minutes", args(rotation_interval=Duration.minutes(270)),
     "rotation_interval must be a whole number of hours, got 4.5"),
    ("secret of a new database", lambda stack: {"application_secret": secret(stack)},
     "application_secret cannot be combined with engine"),
    ("master's secret of a new database", lambda stack: {"master_secret": secret(stack)},
     "master_secret cannot be combined with engine"),
    ("secret without its user", lambda stack: theirs()(stack) | {"application_secret": secret(stack)},
     "application_user is required with application_secret"),
    ("rotation of your own secret", lambda stack: theirs()(stack) | {"application_secret": secret(stack),
     "application_user": "writer", "rotation_interval": Duration.days(1)}, "with application_secret: its rotation"),
    ("user with a dash", args(application_user="trip-writer"), "application_user must be a letter and then letters"),
    ("user above 63", args(application_user="u" * 64), "63 in all, got 'uuu"),
    ("user of MySQL above 32", args(engine=MYSQL, application_user="u" * 33), "32 in all, got 'uuu"),
    ("user of MySQL whose clone is above 32", args(engine=MYSQL, application_user="u" * 27, authentication="secret",
     alternating_users=True), "26 in all, got 'uuu"),
    ("user is the master", args(application_user="postgres"), "must not be the master user or one of RDS itself"),
    ("user of RDS", args(application_user="rdsadmin"), "must not be the master user or one of RDS itself"),
    ("master of MySQL above 16", args(engine=MYSQL, master_user="m" * 17), "master_user must be a letter"),
    ("database that begins with a digit", args(database_name="1trip"), "database_name must be a letter"),
    # the database
    ("neither engine nor database", args(engine=None), "engine or database must be given"),
    ("engine and database", lambda stack: theirs()(stack) | {"engine": POSTGRES},
     "engine cannot be combined with database"),
    ("another engine", args(engine=rds.DatabaseInstanceEngine.maria_db(version=rds.MariaDbEngineVersion.VER_10_11)),
     "type of engine must be one of postgres, mysql, aurora-postgresql, aurora-mysql, got 'mariadb'"),
    ("engine as a word", args(engine="postgres"),
     "(version=rds.PostgresEngineVersion.VER_17), got 'postgres' (str)."),
    ("version for an engine", args(engine=rds.PostgresEngineVersion.VER_17), "(PostgresEngineVersion)."),
    ("engine without a version", args(engine=rds.DatabaseInstanceEngine.POSTGRES), "engine must have a version"),
    ("port below 1150", args(port=1149), "port must be 1,150 to 65,535, got 1,149"),
    ("port above 65535", args(port=65_536), "port must be 1,150 to 65,535, got 65,536"),
    ("storage below 20 GiB", args(allocated_storage=19), "allocated_storage must be 20 to 65,536 GiB, got 19"),
    ("storage above 64 TiB", args(allocated_storage=65_537), "allocated_storage must be 20 to 65,536 GiB"),
    ("storage of a restore that cannot grow", args(snapshot_identifier="before", allocated_storage=100,
     max_allocated_storage=109), "at least 110 GiB"),
    ("storage that cannot grow", args(allocated_storage=100, max_allocated_storage=109), "at least 110 GiB"),
    ("no backups", args(backup_retention=Duration.days(0)), "backup_retention must be 1 day to 35 days, got 0 seconds"),
    ("backups of a day and a half", args(backup_retention=Duration.hours(36)),
     "backup_retention must be a whole number of days, got 1.5"),
    ("backups above 35 days", args(backup_retention=Duration.days(36)),
     "backup_retention must be 1 day to 35 days, got 36 days"),
    ("readers of an instance", args(readers=1), "readers must be 0 for an instance, got 1"),
    ("readers above 15", args(**AURORA, readers=16), "readers must be 0 to 15, got 16"),
    ("cluster that pauses", args(**AURORA, min_capacity=0), "min_capacity must be at least 0.5, got 0"),
    ("capacity above 256", args(**AURORA, max_capacity=257), "max_capacity must be 1 to 256 ACU, got 257"),
    ("capacity in small steps", args(**AURORA, max_capacity=4.2), "max_capacity must be in steps of 0.5 ACU"),
    ("least capacity above the most", args(**AURORA, min_capacity=8), "got 8 > 4"),
    ("capacity of an instance", args(min_capacity=1), "min_capacity cannot be combined with the engine of an"),
    ("upgrade of a cluster", args(**AURORA, allow_major_version_upgrade=True),
     "allow_major_version_upgrade cannot be combined with the engine of a cluster"),
    ("standby of a cluster", args(**AURORA, multi_az=True), "multi_az cannot be combined with the engine of a"),
    ("instance type by its name", args(instance_type="db.t4g.micro"),
     "instance_type must be an ec2.InstanceType, such as ec2.InstanceType('r8g.large'), got 'db.t4g.micro' (str)"),
    ("policy as a word", args(removal_policy="destroy"), "removal_policy must be a RemovalPolicy, such as"),
    ("support as a word", args(engine_lifecycle_support="disabled"),
     "engine_lifecycle_support must be an EngineLifecycleSupport, such as"),
    ("standby as a word", args(multi_az="no"), "multi_az must be True or False, got 'no' (str)"),
    ("upgrade as a word", args(allow_major_version_upgrade="no"), "allow_major_version_upgrade must be True or False"),
    ("protection as a word", args(deletion_protection="off"), "deletion_protection must be True or False, got 'off'"),
    ("two users as a word", args(alternating_users="no"), "alternating_users must be True or False, got 'no'"),
    ("snapshot that is a number", args(snapshot_identifier=7), "snapshot_identifier must be text, got 7 (int)"),
    *by_name_instead(master_secret="a secret", application_secret="a secret", encryption_key="a KMS key",
                  alarm_topic="a topic"),
    # a database that exists
    ("its settings", theirs(port=6543, multi_az=True), "port and multi_az cannot be combined with database"),
    ("its support and its zones", theirs(vpc=None, availability_zones=ZONES,
     engine_lifecycle_support=rds.EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT),
     "engine_lifecycle_support and availability_zones cannot be combined with database"),
    ("without its name", theirs(database_name=None), "database_name is required with database"),
    ("without its VPC", theirs(vpc=None), "vpc is required for the imported database Stack/Theirs"),
    ("without its engine", imported_without(engine=None), "database Stack/Theirs must be imported with engine="),
    ("without its security group", imported_without(security_groups=[]), "must be imported with its security group"),
    ("without its endpoint", cluster_without_endpoint, "must be imported with its endpoint and port"),
    ("without its resource id", theirs(authentication="end-to-end-iam"), "imported with its instance_resource_id"),
]  # fmt: skip

DATABASE_LIMITS: Final = Limits(
    ProxiedDatabase,
    otherwise={"engine": lambda stack: POSTGRES},
    rows=_ROWS,
)
