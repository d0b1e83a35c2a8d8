"""The templates of an app, and what their values refer to, in whichever stack it is defined.

Each value becomes the text that CloudFormation would make of it. What is known only at deployment, such as a generated
name, is one private character of Unicode in that text: two texts are equal where they mean the same thing, and can
be split, searched and matched like any others. `arn:aws-cn:` and the like are read as `arn:aws:`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

_ARNS: Final = {
    "AWS::DynamoDB::GlobalTable": ("TableName", "dynamodb", "table/"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "table/"),
    "AWS::Events::EventBus": ("Name", "events", "event-bus/"),
    "AWS::Events::Rule": ("Name", "events", "rule/"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "iam", "policy/"),
    "AWS::IAM::Role": ("RoleName", "iam", "role/"),
    "AWS::Kinesis::Stream": ("Name", "kinesis", "stream/"),
    "AWS::Lambda::Function": ("FunctionName", "lambda", "function:"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs", "log-group:"),
    "AWS::S3::Bucket": ("BucketName", "s3", ""),
    "AWS::SNS::Topic": ("TopicName", "sns", ""),
    "AWS::SQS::Queue": ("QueueName", "sqs", ""),
}
"""For each type, the property with the name, and the service and the kind of resource in the ARN."""

_REF_IS_ARN: Final = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic")
_REF_IS_DOMAIN: Final = ("AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName")
_STREAM_CONSUMER: Final = "AWS::Kinesis::StreamConsumer"
_NAME_ATTRIBUTES: Final = ("Name", "QueueName", "TopicName")
_QUALIFIERS: Final = ("AWS::Lambda::Alias", "AWS::Lambda::Version")
_ARN_ATTRIBUTES: Final = ("AliasArn", "Arn", "FunctionArn", "TopicArn")
_PARTITION: Final = re.compile(r"^arn:aws-[a-z-]+:")
_PRIVATE: Final = 0xF0000
"""The first character of Unicode's planes for private use."""
_PRIVATE_CHARACTERS: Final = re.compile("[\U000f0000-\U0010ffff]")

LATEST: Final = "$LATEST"
_COLONS_WITH_QUALIFIER: Final = 7
"""arn:partition:lambda:region:account:function:name:qualifier"""


@dataclass(eq=False)
class Resource:
    """A resource of a template."""

    template: "Template"
    logical_id: str
    type: str
    raw: Mapping[str, Any]

    @property
    def raw_properties(self) -> dict[str, Any]:
        """The properties as the template has them."""
        found = self.raw.get("Properties")
        return found if isinstance(found, dict) else {}

    @cached_property
    def properties(self) -> dict[str, Any]:
        """The properties with every reference resolved."""
        resolved = self.template.resolve(self.raw_properties)
        return resolved if isinstance(resolved, dict) else {}

    def get(self, *names: str) -> Any:
        """Return the property that these names lead to; None if it does not exist."""
        at: Any = self.properties
        for name in names:
            at = at.get(name) if isinstance(at, dict) else None
        return at

    def text(self, *names: str) -> str:
        """Return a property as text; empty if it does not exist or is something else."""
        value = self.get(*names)
        return value if isinstance(value, str) else ""

    def dicts(self, *names: str) -> list[dict[str, Any]]:
        """Return a property as a list of objects, without anything else in it."""
        return dicts(self.get(*names))

    def texts(self, *names: str) -> list[str]:
        """Return a property as a list of texts, without anything else in it."""
        value = self.get(*names)
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

    @cached_property
    def name(self) -> str:
        """The physical name, for the types in `_ARNS`."""
        return self.text(_ARNS[self.type][0]) or self.template.unknown(self.logical_id, "name")

    @cached_property
    def arn(self) -> str:
        """The ARN, for the types in `_ARNS`, aliases and versions; empty for any other."""
        if self.type in _QUALIFIERS:
            function, _ = self.template.function(self.text("FunctionName"))
            return f"{function}:{self.text('Name') or self.template.unknown(self.logical_id, 'version')}"
        if self.type not in _ARNS:
            return ""
        _, service, kind = _ARNS[self.type]
        region = "" if service in ("iam", "s3") else self.template.region
        account = "" if service == "s3" else self.template.account
        return f"arn:aws:{service}:{region}:{account}:{kind}{self.name}"

    @cached_property
    def path(self) -> str:
        """The path of its construct, without the `Resource` that an L2 has inside; else its stack and logical id."""
        metadata = self.raw.get("Metadata")
        known = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
        path = known or self.template.paths.get(self.logical_id) or f"{self.template.name}/{self.logical_id}"
        return str(path).strip("/").removesuffix("/Resource")

    def may_coexist_with(self, other: "Resource") -> bool:
        """False for two under different conditions of one template, which may exclude each other."""
        conditions = {self.raw.get("Condition"), other.raw.get("Condition")}
        return self.template is not other.template or None in conditions or len(conditions) == 1


class Template:
    """A template of a stack, or of a nested stack."""

    def __init__(
        self,
        assembly: "Assembly",
        document: Any,
        *,
        name: str,
        file: Path | None = None,
        account: str | None = None,
        region: str | None = None,
        nested_in: Resource | None = None,
    ) -> None:
        self.assembly = assembly
        self.document: dict[str, Any] = document if isinstance(document, dict) else {}
        self.name = name
        self.file = file
        self.nested_in = nested_in
        self.account = account or assembly.unknown(None, "AWS::AccountId")
        self.region = region or assembly.unknown(None, "AWS::Region")
        self.root: Template = self if nested_in is None else nested_in.template.root
        self.nested: dict[str, Template] = {}
        self.metadata: Path | Mapping[str, Any] = {}
        self.resources = {
            logical_id: Resource(self, logical_id, str(raw["Type"]), raw)
            for logical_id, raw in self.section("Resources").items()
            if isinstance(raw, dict) and "Type" in raw
        }

    def section(self, name: str) -> dict[str, Any]:
        """One of the template's sections; empty where there is none."""
        found = self.document.get(name)
        return found if isinstance(found, dict) else {}

    def unknown(self, subject: str, what: str) -> str:
        """The character for something that is known only at deployment."""
        return self.assembly.unknown(self, f"{subject}.{what}")

    # --- construct paths -------------------------------------------------------------------------------

    @cached_property
    def paths(self) -> dict[str, str]:
        """The construct path of each logical id, where CDK wrote them."""
        below = tuple(f"{template._prefix}/" for template in self.nested.values())
        return {
            logical_id: path
            for path, logical_id in self.root._all_paths
            if path.startswith(f"{self._prefix}/") and not path.startswith(below)
        }

    @cached_property
    def _all_paths(self) -> list[tuple[str, str]]:
        """The construct paths and logical ids of a stack and of those that are nested in it."""
        metadata = _json(self.metadata) if isinstance(self.metadata, Path) else self.metadata
        return [
            (path, str(entry.get("data")))
            for path, entries in metadata.items()
            for entry in dicts(entries)
            if entry.get("type") == "aws:cdk:logicalId"
        ]

    @cached_property
    def _prefix(self) -> str:
        """The construct path of a nested stack: its resource is at `<path>.NestedStack/<id>.NestedStackResource`."""
        if self.nested_in is None:
            return ""
        above = f"{self.nested_in.template._prefix}/"
        for path, logical_id in self.root._all_paths:
            stack, _, resource = path.rpartition("/")
            if (
                logical_id == self.nested_in.logical_id
                and path.startswith(above)
                and resource.endswith(".NestedStackResource")
            ):
                return stack.removesuffix(".NestedStack")
        return f"/{self.name}"

    # --- values ----------------------------------------------------------------------------------------

    def resolve(self, value: Any) -> Any:
        """A value with every reference in it resolved; None for `AWS::NoValue`."""
        if isinstance(value, str):
            return _PARTITION.sub("arn:aws:", value) if value.startswith("arn:aws-") else value
        if isinstance(value, list):
            return [resolved for each in value if (resolved := self.resolve(each)) is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                resolved = self._intrinsic(name, argument)
                return self._opaque(value) if resolved is _UNKNOWN else resolved
        return {name: self.resolve(each) for name, each in value.items()}

    def text(self, value: Any) -> str:
        """Resolve a value that is a part of a text."""
        resolved = self.resolve(value)
        if isinstance(resolved, str):
            return resolved
        if isinstance(resolved, bool):
            return str(resolved).lower()
        return str(resolved) if isinstance(resolved, int | float) else self._opaque(value)

    def function(self, named: str) -> tuple[str, str]:
        """The ARN of a function, and the qualifier, of a function that is named in one of Lambda's ways."""
        if not named.startswith("arn:"):
            if len(named) == 1 and ord(named) >= _PRIVATE and not self._is_name_of_function(named):
                return named, LATEST  # the value of a parameter, or the like
            prefix = f"arn:aws:lambda:{self.region}:"
            named = prefix + (named if ":function:" in named else f"{self.account}:function:{named}")
        if named.count(":") < _COLONS_WITH_QUALIFIER:
            return named, LATEST
        function, _, qualifier = named.rpartition(":")
        return function, qualifier

    def _is_name_of_function(self, character: str) -> bool:
        template, subject = self.assembly.meaning(character)
        logical_id, _, what = subject.rpartition(".")
        resource = template.resources.get(logical_id) if template else None
        return what == "name" and resource is not None and resource.type == "AWS::Lambda::Function"

    def _opaque(self, value: Any) -> str:
        match value:
            case {"Ref": str() as what}:
                pass
            case {"Fn::GetAtt": [str() as logical_id, str() as attribute]}:
                what = f"{logical_id}.{attribute}"
            case _:
                what = json.dumps(value, sort_keys=True, default=str)
        return self.assembly.unknown(self, what)

    def _intrinsic(self, name: str, argument: Any) -> Any:
        match name, argument:
            case "Ref", str():
                return self._ref(argument)
            case "Fn::GetAtt", [str() as logical_id, attribute]:
                return self._attribute(logical_id, self.text(attribute))
            case "Fn::GetAtt", str():
                return self._attribute(*argument.partition(".")[::2])
            case "Fn::Join", [str() as delimiter, parts]:
                resolved = self.resolve(parts)
                if isinstance(resolved, list):
                    return self.resolve(delimiter.join(map(self.text, resolved)))
            case "Fn::Sub", str() | [str(), dict()]:
                text, variables = argument if isinstance(argument, list) else (argument, {})
                return self.resolve(_VARIABLE.sub(lambda match: self._variable(match[1], variables), text))
            case "Fn::Select", [index, values]:
                chosen, resolved = self.text(index), self.resolve(values)
                if isinstance(resolved, list) and chosen.isdigit() and int(chosen) < len(resolved):
                    return resolved[int(chosen)]
            case "Fn::Split", [str() as delimiter, whole] if delimiter:
                return self.text(whole).split(delimiter)
            case "Fn::If", [_, first, second]:
                return self._either(self.resolve(first), self.resolve(second))
            case "Fn::FindInMap", [str() as table, first, second, *_]:
                found = self.section("Mappings").get(table)
                for key in (self.text(first), self.text(second)):
                    found = found.get(key) if isinstance(found, dict) else None
                if found is not None:
                    return self.resolve(found)
            case "Fn::ImportValue", _:
                return self.assembly.exported(self, self.text(argument))
            case "Fn::GetStackOutput", {"StackName": stack, "OutputName": output}:
                region = self.text(argument["Region"]) if "Region" in argument else self.region
                return self.assembly.output(self.text(stack), region, self.text(output))
        return _UNKNOWN

    def _ref(self, logical_id: str) -> Any:
        match logical_id:
            case "AWS::NoValue":
                return None
            case "AWS::Partition":
                return "aws"
            case "AWS::URLSuffix":
                return "amazonaws.com"
            case "AWS::Region":
                return self.region
            case "AWS::AccountId":
                return self.account
            case "AWS::StackName" if self.nested_in is None:
                return self.name
        resource = self.resources.get(logical_id)
        if resource is not None:
            return self._reference(resource)
        if self.nested_in is not None:
            parameters = self.nested_in.raw_properties.get("Parameters")
            if isinstance(parameters, dict) and logical_id in parameters:
                return self.nested_in.template.resolve(parameters[logical_id])
        return _UNKNOWN

    def _reference(self, resource: Resource) -> Any:
        if resource.type in (*_REF_IS_ARN, *_QUALIFIERS):
            return resource.arn
        if resource.type == _STREAM_CONSUMER:
            return self._stream_consumer(resource)
        if resource.type in _REF_IS_DOMAIN:
            return resource.text("DomainName") or _UNKNOWN
        if resource.type in _ARNS and resource.type != "AWS::SQS::Queue":
            return resource.name
        return _UNKNOWN

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        resource = self.resources.get(logical_id)
        if resource is None:
            return _UNKNOWN
        if attribute.startswith("Outputs.") and logical_id in self.nested:
            nested = self.nested[logical_id]
            return nested._output(attribute.removeprefix("Outputs."))
        if resource.type == "Custom::CrossRegionExportReader":
            return self.assembly.written(self.region, attribute)
        if attribute == "Version" and resource.type == "AWS::Lambda::Version":
            return resource.arn.rpartition(":")[2]
        if attribute == "StreamArn" and resource.arn:
            return f"{resource.arn}/stream/{self.unknown(logical_id, 'stream')}"
        if attribute == "ConsumerARN" and resource.type == _STREAM_CONSUMER:
            return self._stream_consumer(resource)
        if attribute in _ARN_ATTRIBUTES and resource.arn:
            return resource.arn
        if attribute in _NAME_ATTRIBUTES and resource.type in _ARNS:
            return resource.name
        return _UNKNOWN

    def _stream_consumer(self, resource: Resource) -> str:
        """The ARN of a stream consumer, which begins with that of its stream."""
        return f"{resource.text('StreamARN')}/consumer/{self.unknown(resource.logical_id, 'consumer')}"

    def _output(self, name: str) -> Any:
        output = self.section("Outputs").get(name)
        return self.resolve(output["Value"]) if isinstance(output, dict) and "Value" in output else _UNKNOWN

    def _variable(self, name: str, variables: Mapping[str, Any]) -> str:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in variables:
            return self.text(variables[name])
        return self.text({"Fn::GetAtt": name} if "." in name else {"Ref": name})

    @staticmethod
    def _either(first: Any, second: Any) -> Any:
        """What an `Fn::If` may be: one of two is not known, one or nothing is taken for the one."""
        if first is None or second is None or first == second:
            return second if first is None else first
        if isinstance(first, list) and isinstance(second, list):
            return first + second
        return _UNKNOWN


class Assembly:
    """All templates of an app."""

    def __init__(self) -> None:
        self.templates: list[Template] = []
        self._unknowns: dict[tuple[Template | None, str], str] = {}
        self._meanings: list[tuple[Template | None, str]] = []

    @classmethod
    def read(cls, folder: Path) -> "Assembly":
        """A cloud assembly, such as `cdk.out`, with those of its stages."""
        assembly = cls()
        assembly._read(folder)
        return assembly

    @classmethod
    def of(cls, documents: Mapping[str, Any]) -> "Assembly":
        """Templates by the names of their stacks, all of one account and Region."""
        assembly = cls()
        for name, document in documents.items():
            assembly._add(Template(assembly, document, name=name), {})
        return assembly

    # --- what is in them -------------------------------------------------------------------------------

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for template in self.templates:
            for resource in template.resources.values():
                found[resource.type].append(resource)
        return found

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Every resource of some types."""
        for name in types:
            yield from self._by_type.get(name, ())

    @cached_property
    def _by_arn(self) -> dict[str, Resource]:
        return {resource.arn: resource for resource in self.of_type(*_ARNS, *_QUALIFIERS)}

    def find(self, arn: str) -> Resource | None:
        """The resource with an ARN, of the types whose ARN can be told from a template."""
        return self._by_arn.get(arn)

    def unknown(self, template: Template | None, what: str) -> str:
        """The character that stands for a value which is known only at deployment."""
        key = (template, what)
        if key not in self._unknowns:
            self._unknowns[key] = chr(_PRIVATE + len(self._meanings))
            self._meanings.append(key)
        return self._unknowns[key]

    def meaning(self, character: str) -> tuple[Template | None, str]:
        """What a character stands for: the template, and what it is there."""
        return self._meanings[ord(character) - _PRIVATE]

    def unknowns(self, text: str) -> list[str]:
        """The characters of a text that stand for what is known only at deployment."""
        return _PRIVATE_CHARACTERS.findall(text)

    def shown(self, text: str) -> str:
        """A text for messages: the path of the resource whose ARN it is, or the text with placeholders."""
        resource = self.find(text)
        if resource is not None:
            return resource.path
        return _PRIVATE_CHARACTERS.sub(lambda match: f"${{{self.meaning(match[0])[1]}}}", text)

    # --- from one stack to another ---------------------------------------------------------------------

    @cached_property
    def _exports(self) -> dict[tuple[str, str, str], tuple[Template, Any]]:
        found = {}
        for template in self.templates:
            for output in template.section("Outputs").values():
                if isinstance(output, dict) and isinstance(output.get("Export"), dict) and "Value" in output:
                    name = template.text(output["Export"].get("Name"))
                    found[template.account, template.region, name] = template, output["Value"]
        return found

    def exported(self, template: Template, name: str) -> Any:
        """What `Fn::ImportValue` is in a template."""
        found = self._exports.get((template.account, template.region, name))
        return _UNKNOWN if found is None else found[0].resolve(found[1])

    def output(self, stack: str, region: str, name: str) -> Any:
        """What `Fn::GetStackOutput` is."""
        for template in self.templates:
            if (template.name, template.region) == (stack, region) and template.nested_in is None:
                return template._output(name)
        return _UNKNOWN

    @cached_property
    def _written(self) -> dict[tuple[str, str], tuple[Template, Any]]:
        found = {}
        for writer in self.of_type("Custom::CrossRegionExportWriter"):
            match writer.raw_properties.get("WriterProps"):
                case {"region": region, "exports": dict() as exports}:
                    for name, value in exports.items():
                        found[writer.template.text(region), name] = writer.template, value
        return found

    def written(self, region: str, name: str) -> Any:
        """What CDK's custom resource wrote for a stack of another Region."""
        found = self._written.get((region, name))
        return _UNKNOWN if found is None else found[0].resolve(found[1])

    # --- reading ---------------------------------------------------------------------------------------

    def _read(self, folder: Path) -> None:
        manifest = _json(folder / "manifest.json")
        artifacts = manifest.get("artifacts", {})
        assets: dict[str, Path] = {}
        for artifact in artifacts.values():
            if artifact.get("type") == "cdk:asset-manifest":
                listed = _json(folder / artifact["properties"]["file"])
                assets |= {
                    asset: folder / details["source"]["path"]
                    for asset, details in listed.get("files", {}).items()
                    if str(details.get("source", {}).get("path", "")).endswith(".json")
                }
        for artifact_id, artifact in artifacts.items():
            properties = artifact.get("properties", {})
            if artifact.get("type") == "cdk:cloud-assembly":
                self._read(folder / properties["directoryName"])
            elif artifact.get("type") == "aws:cloudformation:stack":
                file = folder / properties["templateFile"]
                _, _, environment = str(artifact.get("environment", "")).partition("://")
                account, _, region = environment.partition("/")
                template = Template(
                    self,
                    _json(file),
                    name=properties.get("stackName", artifact_id),
                    file=file,
                    account=None if account.startswith("unknown-") else account,
                    region=None if region.startswith("unknown-") else region,
                )
                listed_metadata = artifact.get("additionalMetadataFile")
                template.metadata = (
                    folder / listed_metadata if listed_metadata else artifact.get("metadata", {})
                )
                self._add(template, assets)

    def _add(self, template: Template, assets: Mapping[str, Path]) -> None:
        self.templates.append(template)
        for logical_id, resource in template.resources.items():
            if resource.type != "AWS::CloudFormation::Stack":
                continue
            asset = _ASSET.search(json.dumps(resource.raw_properties.get("TemplateURL")))
            file = assets.get(asset[1]) if asset else None
            if file is not None:
                nested = Template(
                    self,
                    _json(file),
                    name=f"{template.name}/{logical_id}",
                    file=file,
                    account=template.account,
                    region=template.region,
                    nested_in=resource,
                )
                template.nested[logical_id] = nested
                self._add(nested, assets)


_UNKNOWN: Final = object()
_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")
_ASSET: Final = re.compile(r"([0-9a-f]{64})\.json")


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _json(file: Path) -> Any:
    return json.loads(file.read_bytes())
