"""How a worker carries out a large closing, or takes it back."""

from __future__ import annotations

from django_tasks import TaskContext, task

from registry.audit import Actor
from registry.closings import operations
from registry.closings.models import Closing
from registry.refusals import OperationRefused
from registry.work import queue
from registry.work.persistence import persistently
from registry.work.progress import Abandoned

_BROKEN = "处理时出错,什么都没有改变。请重试;再次出错请把本页地址告诉管理员。"


@task(takes_context=True)
def closing_task(context: TaskContext, pk: int) -> None:
    """Carry out what is asked of a closing, for the worker."""
    carry(pk, is_last=queue.is_last(context))


def carry(pk: int, *, is_last: bool = True) -> None:
    """Carry out a closing or a reopening that waits; whatever prevents it is said at the closing."""
    attempt = operations.claim(pk)
    if not attempt:
        return
    closing = Closing.objects.select_related("campaign__lead_unit", "user", "undo_user").get(pk=pk)
    if closing.is_undo:
        act, user, name = operations.carry_back, closing.undo_user, closing.undo_actor
    else:
        act, user, name = operations.carry_out, closing.user, closing.actor
    actor = Actor(user, name, closing.address, closing.request_number)
    try:
        with operations.beating(pk, attempt) as progress:
            persistently(
                lambda: act(actor=actor, closing=closing, attempt=attempt, progress=progress), is_long=True
            )
    except Abandoned:
        return
    except OperationRefused as refusal:
        operations.fail(pk, attempt, " ".join(refusal.messages))
    except Exception as error:
        queue.end_badly(error, f"closing {pk}", is_last=is_last)
        operations.fail(pk, attempt, _BROKEN)
