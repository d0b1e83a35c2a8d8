"""Subnets of a VPC, as a user selects them."""

from aws_cdk import aws_ec2 as ec2

from constructs_lib import _validation
from constructs_lib.errors import InvalidPropsError


def selected(vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection | None) -> ec2.SelectedSubnets:
    """The subnets that a selection stands for.

    Args:
        vpc: The VPC.
        vpc_subnets: Which of its subnets.

    Returns:
        The subnets.

    Raises:
        InvalidPropsError: The VPC has no subnet of that kind, or one of the two is something else.
    """
    if not hasattr(vpc, "select_subnets"):
        has_one = hasattr(vpc, "vpc")
        way_out = (
            f"a {type(vpc).__name__} has it as .vpc" if has_one else "ec2.Vpc.from_lookup finds one by its id"
        )
        raise InvalidPropsError(f"vpc must be a VPC, got {_validation.shown(vpc)}: {way_out}.")
    _validation.check_part(
        "vpc_subnets",
        vpc_subnets,
        "subnet_group_name",
        "an ec2.SubnetSelection, such as ec2.SubnetSelection(subnet_group_name='Database')",
    )
    chosen = vpc_subnets or ec2.SubnetSelection()
    try:
        return vpc.select_subnets(
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
            subnet_filters=chosen.subnet_filters,
            subnet_group_name=chosen.subnet_group_name,
            subnets=chosen.subnets,
            subnet_type=chosen.subnet_type,
        )
    except RuntimeError as error:  # what CDK throws becomes this in Python
        raise InvalidPropsError(f"vpc_subnets selects nothing in vpc {vpc.node.path}: {error}") from None


def all_subnet_ids(vpc: ec2.IVpc) -> frozenset[str]:
    """Every subnet of a VPC that the app knows.

    Args:
        vpc: The VPC.

    Returns:
        Their ids, which are equal tokens for equal subnets; empty where the list itself is a token.
    """
    subnets = (*vpc.isolated_subnets, *vpc.private_subnets, *vpc.public_subnets)
    return frozenset(subnet.subnet_id for subnet in subnets)
