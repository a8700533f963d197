"""A noun in a package of its own, as docs/adding-a-noun.md walks through it: 车辆, the vehicles of units.

It is no part of the registry. ``tests.py`` tests it under ``settings.py``; ``tests/test_example_noun.py``
starts that.
"""
