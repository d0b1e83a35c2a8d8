"""A difference between templates can be read without the templates."""

from tests.template_files import difference, text_of

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 5, "Tags": [{"Key": "a"}, {"Key": "b"}]}}


def test_nothing_differs() -> None:
    assert difference(text_of(QUEUE), text_of(QUEUE)) == ""


def test_each_change_lies_under_its_keys() -> None:
    changed = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"DelaySeconds": 6, "Tags": [{"Key": "a"}, {"Key": "c"}]},
    }
    old, new = ({"Resources": {"Queue": queue}} for queue in (QUEUE, changed))
    assert difference(text_of(old), text_of(new)).splitlines() == [
        "@@ Resources / Queue / Properties",
        '-        "DelaySeconds": 5,',
        '+        "DelaySeconds": 6,',
        "@@ Resources / Queue / Properties / Tags",
        '-            "Key": "b"',
        '+            "Key": "c"',
    ]


def test_what_is_added_lies_under_the_keys_around_it() -> None:
    more = QUEUE | {"DeletionPolicy": "Retain"}
    assert difference(text_of(QUEUE), text_of(more)).splitlines()[-1] == '+  "DeletionPolicy": "Retain"'
    assert difference(text_of({}), text_of(QUEUE)).startswith("@@ \n")
