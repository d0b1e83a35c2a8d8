"""The CloudFormation resource that a construct of CDK is made of."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from aws_cdk import CfnResource
from constructs import IConstruct, Node

Resource = TypeVar("Resource", bound=CfnResource)


_nodes: Final[WeakKeyDictionary[IConstruct, Node]] = WeakKeyDictionary()


def node_of(construct: IConstruct) -> Node:
    """The node of a construct, which never changes: it is asked for once."""
    if construct not in _nodes:
        _nodes[construct] = construct.node
    return _nodes[construct]


def path_of(construct: IConstruct) -> str:
    """The path of a construct, which never changes: it is asked for once."""
    if construct not in _paths:
        _paths[construct] = node_of(construct).path
    return _paths[construct]


_paths: Final[WeakKeyDictionary[IConstruct, str]] = WeakKeyDictionary()


def find_resource(construct: IConstruct, kind: type[Resource]) -> Resource | None:
    """The resource of a construct; None for an imported one, or one that is made of something else."""
    resource = node_of(construct).default_child
    return resource if isinstance(resource, kind) else None


def resource_of(construct: IConstruct, kind: type[Resource]) -> Resource:
    """The resource of a construct that is known to be of this app, and of this kind."""
    resource = node_of(construct).default_child
    assert isinstance(resource, kind)  # noqa: S101 - what the construct is made of
    return resource


def properties_of(resource: CfnResource) -> Mapping[str, Any]:
    """All properties that a resource has now, in one round trip to Node.

    Args:
        resource: The resource.

    Returns:
        The values, by the names that CloudFormation has for them, but with a small first letter.
    """
    properties: Mapping[str, Any] = resource._cfn_properties  # protected in CDK, and so a part of its API
    return properties
