from __future__ import annotations

from dedupctl.web.sessions import MOST_SESSIONS, SESSION_SECONDS, OneTimeToken, Sessions


def test_a_session_lasts_until_it_is_ended_or_a_day_is_over() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    one, other = sessions.begin(), sessions.begin()
    assert one != other
    assert sessions.knows(one)
    assert not sessions.knows("")
    assert not sessions.knows(one[:-1])
    sessions.end(one)
    assert not sessions.knows(one)
    now[0] = SESSION_SECONDS - 1
    assert sessions.knows(other)
    now[0] = SESSION_SECONDS
    assert not sessions.knows(other)


def test_sessions_do_not_pile_up() -> None:
    sessions = Sessions()
    begun = [sessions.begin() for _ in range(MOST_SESSIONS + 3)]
    assert [sessions.knows(one) for one in begun] == [False] * 3 + [True] * MOST_SESSIONS


def test_a_token_is_spent_by_whoever_brings_it_first() -> None:
    token = OneTimeToken()
    assert not token.spend("")
    assert not token.spend("ä")
    assert not token.spent
    assert token.spend(token.value)
    assert token.spent
    assert not token.spend(token.value)
