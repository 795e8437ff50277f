from __future__ import annotations

from uuid import uuid4

from chat.services.live.caller_marks import CallerMarks

A, B = uuid4(), uuid4()
LIFETIME = 20.0


def test_a_reply_is_marked_at_once_and_again_and_again() -> None:
    marks = CallerMarks()
    marks.add([A])
    assert marks.due(0, LIFETIME) == [str(A)]
    assert marks.due(1, LIFETIME) == []
    marks.add([B])
    assert marks.due(2, LIFETIME) == [str(B)]
    assert set(marks.due(LIFETIME / 4, LIFETIME)) == {str(A), str(B)}


def test_a_reply_without_callers_is_marked_no_longer() -> None:
    marks = CallerMarks()
    marks.add([A])
    marks.add([A])
    marks.remove([A])
    assert A in marks
    marks.remove([A])
    assert A not in marks
    assert marks.due(0, LIFETIME) == []


def test_all_are_marked_again_after_a_mark_that_did_not_arrive() -> None:
    marks = CallerMarks()
    marks.add([A])
    marks.due(0, LIFETIME)
    marks.mark_again()
    assert marks.due(1, LIFETIME) == [str(A)]
