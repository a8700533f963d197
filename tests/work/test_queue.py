"""Whose turn it is, how much one user may have waiting, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult, get_date_max

from registry.refusals import OperationRefused
from registry.work import beats, queue
from registry.work.worker import Worker
from tests.factories import make_user

pytestmark = pytest.mark.django_db

DONE: list[str] = []


@task()
def say(word: str) -> None:
    DONE.append(word)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()


def waiting(user: str, word: str = "") -> DBTaskResult:
    """A task that waits, of a user by any name."""
    return DBTaskResult.objects.create(
        args_kwargs={"args": [word or user], "kwargs": {}},
        task_path=say.module_path,
        queue_name=f"user-{user}",
        backend_name="default",
        run_after=get_date_max(),
    )


def begun(worker: str, times: int = 1) -> DBTaskResult:
    made = waiting("a")
    for _ in range(times):
        made.claim(worker)
    return made


def test_users_take_turns_however_many_tasks_one_has() -> None:
    for number in range(4):
        waiting("greedy", f"greedy-{number}")
    waiting("other", "other-0")
    waiting("third", "third-0")
    waiting("other", "other-1")
    worker = Worker(batch=True)
    while worker.step():
        pass
    assert DONE == ["greedy-0", "other-0", "third-0", "greedy-1", "other-1", "greedy-2", "greedy-3"]


def test_one_user_has_one_task_at_work_however_many_workers_are_idle() -> None:
    for _ in range(2):
        waiting("a")
    assert queue.claim("first")
    assert queue.claim("second") is None
    waiting("b")
    assert queue.claim("second").queue_name == "user-b"  # type: ignore[union-attr]


def test_a_user_has_five_tasks_waiting_and_no_more_and_others_have_theirs() -> None:
    user, other = make_user(), make_user()
    for _ in range(queue.MOST_OF_ONE):
        queue.put(say, "x", user=user)
    with pytest.raises(OperationRefused, match="您已有 5 项导入或导出在等待或正在处理,最多 5 项"):
        queue.put(say, "x", user=user)
    key = queue.put(say, "x", user=other)
    queue.withdraw(key)
    assert not DBTaskResult.objects.filter(pk=key).exists()


def test_what_a_worker_held_that_is_gone_is_put_back_and_done_by_the_next() -> None:
    held = begun("gone")
    worker = Worker(batch=True)
    assert worker.step()
    assert DONE == ["a"]
    held.refresh_from_db()
    assert held.worker_ids == ["gone", worker.worker_id]


def test_what_a_living_worker_holds_stays_with_it() -> None:
    with living():
        held = begun("living")
        assert queue.take_up_again("other") == 0
    assert queue.take_up_again("other") == 1
    assert queue.standing(held.pk) == queue.Standing(is_queued=True, has_worker=False)


def test_what_stands_as_ones_own_between_two_tasks_was_left_and_is_put_back() -> None:
    with living("me"):
        begun("me")
        assert queue.take_up_again("me") == 1


def test_a_task_that_ended_three_workers_is_given_up() -> None:
    held = begun("gone", times=queue.MOST_ATTEMPTS)
    assert queue.take_up_again("me") == 0
    held.refresh_from_db()
    assert held.status == "FAILED"
    assert queue.standing(held.pk).is_lost


@contextmanager
def living(name: str = "living") -> Iterator[None]:
    """A worker that gives a sign of life."""
    beats.beat(name)
    try:
        yield
    finally:
        beats.stop(name)


def breaks_with(error: Exception) -> Callable[..., None]:
    def do(word: str) -> None:
        raise error

    return do


def test_what_the_database_does_not_let_end_is_begun_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(say), "call", lambda self, *args: breaks_with(queue.TRANSIENT[0]("away"))(*args))
    made = waiting("a")
    for attempt in range(1, queue.MOST_ATTEMPTS):
        assert Worker(batch=True).step()
        made.refresh_from_db()
        assert (made.status, len(made.worker_ids)) == ("READY", attempt)
        assert made.run_after > timezone.now()
        DBTaskResult.objects.update(run_after=timezone.now())
    assert Worker(batch=True).step()
    made.refresh_from_db()
    assert made.status == "FAILED"


def test_what_is_said_of_a_task() -> None:
    mine = waiting("me")
    assert queue.standing(mine.pk) == queue.Standing(is_queued=True, ahead=0, has_worker=False)
    with living():
        for _ in range(3):
            waiting("greedy")
        begun("living")
        assert queue.standing(mine.pk) == queue.Standing(is_queued=True, ahead=2)
        assert queue.load() == queue.Load(workers=1, at_work=1, waiting=4, users=2)
        mine.claim("living")
        assert queue.standing(mine.pk) == queue.Standing(is_at_work=True)
    assert queue.standing(mine.pk) == queue.Standing(is_queued=True, ahead=1, has_worker=False)
    mine.set_successful(None)
    assert queue.standing(mine.pk).is_lost


def test_a_worker_with_nothing_to_do_keeps_house_once_an_hour() -> None:
    old = waiting("a")
    old.set_successful(None)
    DBTaskResult.objects.update(finished_at=timezone.now() - queue.KEPT_FOR)
    worker = Worker()
    worker._do_chores()
    assert not DBTaskResult.objects.exists()
    waiting("a").set_successful(None)
    DBTaskResult.objects.update(finished_at=timezone.now() - queue.KEPT_FOR)
    worker._do_chores()
    assert DBTaskResult.objects.exists()  # it is not due yet
