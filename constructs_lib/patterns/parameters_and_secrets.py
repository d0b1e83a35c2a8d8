"""What functions read at run time in place of secrets in their environment: names, permissions and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from constructs_lib import _defaults, _validation
from constructs_lib._types import FunctionLike
from constructs_lib.errors import InvalidPropsError
from constructs_lib.foundation import location, permissions
from constructs_lib.foundation.invoked import Invoked, changeable, check_place, variables_of
from constructs_lib.practice.plugin import check_app_of

if TYPE_CHECKING:  # service modules cost time at import
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager
    from aws_cdk import aws_ssm as ssm

_KEY_ACTIONS: Final = ("kms:Decrypt",)


class ParametersAndSecrets(Construct):
    """Secrets in Secrets Manager and parameters in Parameter Store, which functions read at run time.

    `connect` sets the ARNs of the secrets and the names of the parameters, not their values, as environment variables
    of the function, and allows its role to read only these, and to decrypt with their customer managed keys. A handler
    reads them with `constructs_lib.runtime.cached_value.CachedValue`, which caches a value and reads it again when it
    is refused, or with the parameters utility of Powertools.

    In a VPC without access to the internet, a function needs interface endpoints of `secretsmanager` and `ssm`. Synth
    warns when one is missing in a VPC of this app.

    The guide is docs/configuration.md.

    Args:
        scope: The construct to put it in.
        construct_id: The construct's id, unique in its scope.
        secrets: Secrets by the environment variable that gets their ARN, such as `{"PAYMENT_KEY": secret}`. They must
            be in this Region. One of another account requires its complete ARN and its `encryption_key`.
        parameters: Parameters by the environment variable that gets their name. One of another account must be shared
            with AWS Resource Access Manager; the variable gets its ARN.
        parameter_key: The customer managed key of the parameters that are SecureStrings; default None: they have
            the key `aws/ssm`, which needs no permission.

    Raises:
        InvalidPropsError: An argument cannot work; nothing was created.

    Attributes:
        secrets: The secrets, by environment variable.
        parameters: The parameters, by environment variable.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-secrets-manager.html
    """

    secrets: Final[Mapping[str, "secretsmanager.ISecret"]]
    parameters: Final[Mapping[str, "ssm.IParameter"]]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        secrets: "Mapping[str, secretsmanager.ISecret | secretsmanager.Secret] | None" = None,
        parameters: "Mapping[str, ssm.IParameter | ssm.StringParameter | ssm.StringListParameter] | None" = None,
        parameter_key: "kms.IKey | kms.Key | None" = None,
    ) -> None:
        """Check what functions are to read; the arguments are described at the class."""
        _check_mapping("secrets", secrets, "secret_arn", "a secret of Secrets Manager")
        _check_mapping("parameters", parameters, "parameter_arn", "a parameter of Parameter Store")
        if not secrets and not parameters:
            raise InvalidPropsError("secrets or parameters must have something to read, got neither.")
        if both := sorted({*(secrets or ())} & {*(parameters or ())}):
            raise InvalidPropsError(
                f"secrets and parameters must have different variables, got {', '.join(both)} in both."
            )
        _validation.check_part("parameter_key", parameter_key, "key_arn", "a KMS key")
        if parameter_key is not None and not parameters:
            raise InvalidPropsError(
                "parameter_key requires parameters: it is the key of their SecureStrings. The key of a secret is that "
                "of the secret itself."
            )
        for secret in (secrets or {}).values():
            _check_secret(scope, secret)
        for parameter in (parameters or {}).values():
            location.check(
                scope,
                "parameters",
                parameter,
                same_account=False,
                way_out="A function reads parameters of its own Region: create a copy there.",
                source=_defaults.SSM_SHARING,
            )
        location.check(
            scope,
            "parameter_key",
            parameter_key,
            same_account=False,
            way_out="Parameter Store uses keys of its own Region only: pass one of that Region.",
            source=_defaults.SSM_SECURE_STRINGS,
        )

        super().__init__(scope, construct_id)
        check_app_of(self, scope)
        location.note(scope, self)
        self.secrets = dict(secrets or {})
        self.parameters = dict(parameters or {})
        self._parameter_key = parameter_key
        self._values: Final = tuple(self._read())
        self._connected: WeakSet[lambda_.Function] = WeakSet()

    def connect(self, function: FunctionLike) -> None:
        """Allow a function to read all of them, and set their ARNs and names as environment variables.

        For functions that need different ones, create a construct for each.

        Args:
            function: A function of this app, of the same Region and account, or its alias.

        Raises:
            InvalidPropsError: The function is imported, a version, or of another Region or account; it is connected
                already; or a variable is taken.
        """
        invoked = Invoked.of(function)
        behind = changeable(function)
        check_place(self, invoked)
        if behind in self._connected:
            raise InvalidPropsError(
                f"function {invoked.path} is connected to {self.node.path} already (an alias stands for its "
                "function): leave the second call out."
            )
        taken = variables_of(behind)
        for variable in (*self.secrets, *self.parameters):
            if variable in taken:
                raise InvalidPropsError(
                    f"function {invoked.path} has the environment variable {variable} already: use another name in "
                    "secrets or parameters, or remove that one."
                )
        self._connected.add(behind)
        role = permissions.role_of(behind)
        # The function's stack refers to them by its environment already: its policy is there, too.
        for each in self._values:
            behind.add_environment(each.variable, each.text)
            permissions.allow_role(
                behind,
                role,
                each.actions,
                each.arn,
                resource=each.resource,
                key=each.key,
                key_actions=_KEY_ACTIONS,
            )

    def _read(self) -> "Iterator[_Value]":
        """Ask Node for what every function gets, once."""
        for variable, secret in self.secrets.items():
            complete_arn = secret.secret_full_arn
            yield _Value(
                variable,
                complete_arn or secret.secret_name,
                complete_arn or f"{secret.secret_arn}-{_SUFFIX}",
                ("secretsmanager:GetSecretValue",),
                secret,
                secret.encryption_key,
            )
        for variable, parameter in self.parameters.items():
            arn = parameter.parameter_arn
            # A name is one of the function's own account (SSM_SHARING). An ARN that is known is what the parameter was
            # imported by: CDK cuts its name off.
            by_arn = not _validation.is_unresolved(arn) or location.is_of_another_account(self, parameter)
            yield _Value(
                variable,
                arn if by_arn else parameter.parameter_name,
                arn,
                ("ssm:GetParameter", "ssm:GetParameters"),
                parameter,
                self._parameter_key,
            )


@dataclass(frozen=True)
class _Value:
    """What a function gets to read one secret or parameter.

    Attributes:
        variable: The environment variable.
        text: The value of the variable: an ARN or a name.
        arn: What the permission is for.
        actions: What is allowed.
        resource: The secret or the parameter.
        key: What it is encrypted with.
    """

    variable: str
    text: str
    arn: str
    actions: tuple[str, ...]
    resource: object
    key: "kms.IKey | None"


_SUFFIX: Final = "??????"
"""The end of a secret's ARN, which Secrets Manager makes up: six characters."""


def _check_mapping(name: str, values: object, attribute: str, word: str) -> None:
    if values is None:
        return
    if not isinstance(values, Mapping):
        raise InvalidPropsError(
            f"{name} must be a mapping from environment variables, each to {word}, got {_validation.shown(values)}."
        )
    for variable, value in values.items():
        _validation.check_pattern(
            f"each variable of {name}",
            variable,
            _defaults.VARIABLE_NAME_PATTERN,
            "two or more letters, digits and underscores that start with a letter",
            source=_defaults.LAMBDA_ENVIRONMENT,
        )
        if variable in _defaults.RESERVED_VARIABLES:
            raise InvalidPropsError(
                f"{name} must have variables that are free, got {variable}, which Lambda sets itself. "
                f"See {_defaults.LAMBDA_ENVIRONMENT}"
            )
        _validation.check_part(f"{name}[{variable!r}]", value, attribute, word, required=True)


def _check_secret(scope: Construct, secret: "secretsmanager.ISecret") -> None:
    location.check(
        scope,
        "secrets",
        secret,
        same_account=False,
        way_out="Replicate the secret into this Region (replica_regions), and pass the replica by its ARN.",
        source=_defaults.REPLICATED_SECRETS,
    )
    if not location.is_of_another_account(scope, secret):
        return
    if secret.secret_full_arn is None:
        raise InvalidPropsError(
            f"secrets must have the complete ARN of {secret.node.path}, which is of another account, got "
            f"{secret.secret_arn}: its name is not known here. Import it with "
            f"Secret.from_secret_attributes(..., secret_complete_arn=..., encryption_key=...). "
            f"See {_defaults.SECRETS_OF_OTHER_ACCOUNTS}"
        )
    if secret.encryption_key is None:
        raise InvalidPropsError(
            f"secrets must have the encryption key of {secret.node.path}, which is of another account: the key "
            "aws/secretsmanager cannot be used from here. Encrypt it with a customer managed key, and import it with "
            f"Secret.from_secret_attributes(..., secret_complete_arn=..., encryption_key=...). "
            f"See {_defaults.SECRETS_OF_OTHER_ACCOUNTS}"
        )
