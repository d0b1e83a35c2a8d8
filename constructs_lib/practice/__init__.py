"""Checks across resources, which read the synthesized templates of an app. The rules are listed in docs/practice.md."""
