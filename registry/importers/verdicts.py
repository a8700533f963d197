"""What a line of a workbook would do. Apart from the rest, since a model holds it."""

from django.db.models import TextChoices


class Verdict(TextChoices):
    """What a line of the workbook would do."""

    NEW = "new", "新增"
    CHANGED = "changed", "修改"
    UNCHANGED = "unchanged", "无变化"
    WRONG = "wrong", "有误"
