"""What the package hands up."""

from django.apps import AppConfig


class ExampleNounConfig(AppConfig):
    name = "tests.example_noun"
    verbose_name = "车辆"
    nouns = ("tests.example_noun.nouns.VEHICLE",)
    edits = ("tests.example_noun.operations.edit_vehicle",)
    metrics = ("tests.example_noun.metrics.METRICS",)
    closing_rules = ("tests.example_noun.rules.closing_refusals",)
    record_words = ("tests.example_noun.nouns.WORDS",)
    navigation = (("vehicles", "车辆", ("vehicle",), "see"),)
