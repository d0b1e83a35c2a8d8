"""The reference pages are what the sources give, and leave out no public name."""

import re

import pytest

import constructs_lib
from docs import write_reference

PAGES = write_reference.pages()


def test_the_pages_are_what_the_sources_give() -> None:
    written = {file.name: file.read_text() for file in write_reference.FOLDER.glob("*.md")}
    assert written == PAGES, "Run python3 dev.py docs"


def test_every_public_name_has_a_page() -> None:
    listed = {(module, name) for module, name in write_reference.public_names()}
    assert {name for module, name in listed if module == write_reference.PACKAGE} == set(
        constructs_lib.__all__
    )
    package = write_reference.library()
    for module in (package["runtime"], package["testing"], package["local"], package["local.http_calls"]):
        for each in [module, *module.modules.values()] if module is package["runtime"] else [module]:
            for name, member in each.members.items():
                here = member.is_alias is (module is package["local"])
                if here and not name.startswith("_") and (member.is_class or member.is_function):
                    internal = {each.path, f"{each.path}.{name}"} & set(write_reference.INTERNAL)
                    assert internal or (each.path, name) in listed, f"{each.path}.{name}"


@pytest.mark.parametrize("file", sorted(PAGES))
def test_every_link_leads_somewhere(file: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGES[file]):
        assert (write_reference.FOLDER / target).exists(), target


def test_a_page_has_each_argument_with_its_type_and_default() -> None:
    page = PAGES["QueueConsumer.md"]
    assert (
        "- **`function`** (`lambda_.IFunction | lambda_.FunctionBase`, required):\n  Processes the batches"
        in page
    )
    assert "- **`batch_size`** (`float`, default `10`):\n  Maximum number of messages" in page
    assert "- **`queue`** (`sqs.IQueue`):\n  The queue: the `sqs.Queue` that was created" in page
    assert "### `grant_send_messages`" in page
