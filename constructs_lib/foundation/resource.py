"""The CloudFormation resource that a construct of CDK is made of."""

from typing import TypeVar

from aws_cdk import CfnResource
from constructs import IConstruct

Resource = TypeVar("Resource", bound=CfnResource)


def find_resource(construct: IConstruct, kind: type[Resource]) -> Resource | None:
    """The resource of a construct; None for an imported one, or one that is made of something else."""
    resource = construct.node.default_child
    return resource if isinstance(resource, kind) else None


def resource_of(construct: IConstruct, kind: type[Resource]) -> Resource:
    """The resource of a construct that is known to be of this app, and of this kind."""
    resource = construct.node.default_child
    assert isinstance(resource, kind)  # noqa: S101 - what the construct is made of
    return resource
