"""A port behind a security group, and how a client is let in."""

from typing import Final, cast

from aws_cdk import Names, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib import _defaults
from constructs_lib.foundation import location

_TCP: Final[dict[float, ec2.Port]] = {port: ec2.Port.tcp(port) for port in _defaults.PROXY_PORT.values()}


def tcp(port: float) -> ec2.Port:
    """A TCP port; those that proxies listen at are made once."""
    return _TCP.get(port) or ec2.Port.tcp(port)


class Door:
    """A port, or several, behind a security group, and the groups that are let in, each of them once."""

    def __init__(
        self,
        stack: Stack,
        security_group: ec2.ISecurityGroup,
        port: int,
        what: str,
        *,
        to_port: int | None = None,
    ) -> None:
        """Close the port to everybody.

        Args:
            stack: The stack of the port.
            security_group: What the port is behind.
            port: A TCP port.
            what: What is there, for the descriptions of the rules.
            to_port: The last port, where there are several.
        """
        self._home = stack
        self._security_group = security_group
        self._tcp = tcp(port) if to_port is None else ec2.Port.tcp_range(port, to_port)
        self._port = port
        self._to_port = port if to_port is None else to_port
        self._what = what
        self._let_in: set[ec2.ISecurityGroup] = set()

    def let_in(self, client: ec2.IConnectable, client_stack: Stack) -> None:
        """Open the way from a client to the port, on both sides.

        The rules are in the client's stack, which depends on the port's already; the reverse would be a cycle. If the
        client's group belongs to a third stack, such as the network's, the rules are in the port's stack. EC2 refuses
        the same rule a second time, so clients that share a group share its rules. A client that may go anywhere needs
        no rule to go out; CDK would warn that it ignores one.

        Args:
            client: Who is let in.
            client_stack: The client's stack.
        """
        ours = self._security_group
        for group in client.connections.security_groups:
            if group in self._let_in:
                continue
            self._let_in.add(group)
            open_outbound = group.allow_all_outbound
            if location.stack_of(group) in (client_stack, self._home):
                ours.add_ingress_rule(group, self._tcp, self._what, remote_rule=True)
                if not open_outbound:
                    group.add_egress_rule(ours, self._tcp, self._what)
                continue
            ours.add_ingress_rule(group, self._tcp, self._what)
            if not open_outbound:
                ec2.CfnSecurityGroupEgress(
                    cast("Construct", ours),
                    f"From{Names.node_unique_id(group.node)}",
                    group_id=group.security_group_id,
                    ip_protocol="tcp",
                    from_port=self._port,
                    to_port=self._to_port,
                    destination_security_group_id=ours.security_group_id,
                    description=self._what,
                )
