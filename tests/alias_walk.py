"""Finds what reaches a function past its alias, in any template.

References are followed by evaluating them: every function gets a name of its own, Ref, Fn::GetAtt, Fn::Join, Fn::Sub,
Fn::Select and Fn::Split give what CloudFormation would give, and whatever holds the name of a function that has an
alias, without a qualifier behind it, is a finding. What is known to be right is excepted, not the other way round: a
kind of resource that nobody has thought of is seen too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final

_ACCOUNT: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "stack-id",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

_MADE_OF_THE_FUNCTION: Final = {
    ("AWS::Lambda::Alias", "FunctionName"),
    ("AWS::Lambda::Version", "FunctionName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
}
"""What belongs to the function itself, and calls nothing."""


@dataclass(frozen=True)
class Finding:
    """A place from which a function is reached past its alias."""

    kind: str
    place: str
    function: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place} reaches {self.function} past its alias"


class Walk:
    """One template, evaluated.

    Attributes:
        aliased: Logical ids of the functions that have an alias.
        looked_at: How often one of them was met, rightly or not.
    """

    def __init__(self, template: Mapping[str, Any]) -> None:
        self._resources: Mapping[str, Any] = template["Resources"]
        self._parameters: Mapping[str, Any] = template.get("Parameters", {})
        self.looked_at = 0
        by_name = {
            self._ref(logical_id): logical_id
            for logical_id, resource in self._resources.items()
            if resource["Type"] == "AWS::Lambda::Function"
        }
        called = (
            self.text(resource["Properties"]["FunctionName"])
            for resource in self._resources.values()
            if resource["Type"] == "AWS::Lambda::Alias"
        )
        self.aliased = {
            logical_id
            for name in called
            for known, logical_id in by_name.items()
            if re.search(rf"\b{re.escape(known)}$", name)
        }
        self._names = {name: logical_id for name, logical_id in by_name.items() if logical_id in self.aliased}

    def findings(self) -> list[Finding]:
        """Everything that reaches a function past its alias."""
        return [
            Finding(resource["Type"], f"{logical_id}{place}", function)
            for logical_id, resource in self._resources.items()
            for place, function in self._unqualified(resource["Type"], resource.get("Properties", {}))
        ]

    def _unqualified(self, kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if "PolicyDocument" in properties:
            properties = {"Statement": _that_invoke(properties["PolicyDocument"].get("Statement", []))}
        qualifier = properties.get("Qualifier")
        for name, value in properties.items():
            if (kind, name) in _MADE_OF_THE_FUNCTION:
                continue
            for place, text in self._texts(value, f".{name}"):
                qualified = name in ("FunctionName", "TargetFunctionArn") and qualifier
                yield from (
                    (place, function)
                    for function in self._past_alias(f"{text}:{self.text(qualifier)}" if qualified else text)
                )

    def _past_alias(self, text: str) -> Iterator[str]:
        for name, logical_id in self._names.items():
            for met in re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])(:[\w$-]+)?", text):
                self.looked_at += 1
                if met[1] in (None, ":$LATEST"):
                    yield logical_id

    def _texts(self, value: Any, place: str) -> Iterator[tuple[str, str]]:
        """Every text below a value. A metric's FunctionName is none where its Resource says the alias."""
        if isinstance(value, str | int | float | bool) or self._is_intrinsic(value):
            yield place, self.text(value)
        elif isinstance(value, list):
            of_an_alias = any(_is_dimension(each, "Resource") for each in value)
            for number, each in enumerate(value):
                if not (of_an_alias and _is_dimension(each, "FunctionName")):
                    yield from self._texts(each, f"{place}[{number}]")
        elif isinstance(value, dict):
            for key, each in value.items():
                yield from self._texts(each, f"{place}.{key}")

    @staticmethod
    def _is_intrinsic(value: Any) -> bool:
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"Ref", *_FUNCTIONS}

    def text(self, value: Any) -> str:
        """What CloudFormation would make of a value."""
        evaluated = self._evaluated(value)
        return evaluated if isinstance(evaluated, str) else str(evaluated)

    def _evaluated(self, value: Any) -> Any:
        if not self._is_intrinsic(value):
            return [self._evaluated(each) for each in value] if isinstance(value, list) else value
        ((function, argument),) = value.items()
        if function == "Ref":
            return self._ref(argument)
        if function == "Fn::GetAtt":
            logical_id, attribute = (
                argument if isinstance(argument, list) else argument.split(".", maxsplit=1)
            )
            return self._attribute(logical_id, attribute)
        if function == "Fn::Join":
            delimiter, parts = argument
            return str(delimiter).join(self.text(part) for part in self._evaluated(parts))
        if function == "Fn::Split":
            delimiter, whole = argument
            return self.text(whole).split(delimiter)
        if function == "Fn::Select":
            number, values = argument
            chosen = self._evaluated(values)
            return chosen[int(number)] if int(number) < len(chosen) else ""
        if function == "Fn::Sub":
            return self._substituted(argument)
        return f"<{function}>"

    def _substituted(self, argument: Any) -> str:
        whole, variables = argument if isinstance(argument, list) else (argument, {})

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return self.text(variables[name])
            return self.text({"Fn::GetAtt": name} if "." in name else {"Ref": name})

        return re.sub(r"\$\{([^}]+)\}", value, whole)

    def _ref(self, logical_id: str) -> str:
        if logical_id in _ACCOUNT:
            return _ACCOUNT[logical_id]
        if logical_id in self._parameters:
            return f"<{logical_id}>"
        resource = self._resources[logical_id]
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Function":
            return f"name-of-{logical_id}"  # whatever its name: a text that happens to be it is no reference
        if resource["Type"] in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            function = self.text(properties["FunctionName"]).rpartition(":")[2]
            qualifier = self.text(properties["Name"]) if "Name" in properties else "7"
            return f"{_arn(function)}:{qualifier}"
        return f"<{logical_id}>"

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self._resources[logical_id]["Type"]
        if kind == "AWS::Lambda::Function" and attribute == "Arn":
            return _arn(self._ref(logical_id))
        if kind == "AWS::Lambda::Alias" and attribute == "AliasArn":
            return self._ref(logical_id)
        if kind == "AWS::Lambda::Version":
            return self._ref(logical_id) if attribute == "FunctionArn" else "7"
        return f"<{logical_id}.{attribute}>"


_FUNCTIONS: Final = {
    "Fn::GetAtt",
    "Fn::Join",
    "Fn::Split",
    "Fn::Select",
    "Fn::Sub",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::Base64",
    "Fn::Cidr",
}


def _that_invoke(statements: Any) -> list[Any]:
    """Whoever may update an alias names the function too, and calls nothing."""
    invoking = []
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", "*")
        for action in actions if isinstance(actions, list) else [actions]:
            if fnmatch("lambda:InvokeFunction", action) or action.startswith("lambda:Invoke"):
                invoking.append(statement)
                break
    return invoking


def _is_dimension(value: Any, name: str) -> bool:
    return isinstance(value, dict) and value.get("Name") == name and "Value" in value


def _arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
