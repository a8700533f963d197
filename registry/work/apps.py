"""The work of ``manage.py work``: a queue in which users take turns, and the workers' signs of life."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """后台处理"""

    name = "registry.work"
    verbose_name = "后台处理"
    chores = ("registry.work.queue.CHORES",)
    cleaners = ("registry.work.queue.CLEANERS",)
