from __future__ import annotations

from typing import Any

import pytest

from dedupctl.commands.status_words import status_lines

QUIET: dict[str, Any] = {
    "watch": None,
    "paused_since": None,
    "config": {"differs": False, "error": None},
    "last_outage": None,
    "roots": [],
    "home_bytes": 10,
    "home_free_bytes": 20,
    "quarantine": {"files": 0, "bytes": 0, "oldest_at": None},
    "errors": {},
    "index": {"fault": None, "waiting": 0},
}
ROOT = {"path": "/photos", "online": True, "reason": None, "last_scan": None, "disks": []}
WATCH = {"doing": "watching", "pid": 7, "settling": 0, "roots": {"/photos": "watched"}, "workers": []}
WATCHES = {"alive": 1, "wanted": 2, "used": 5, "limit": 8192, "unwatched_folders": []}
EVENTS = {"seen": 3, "last_at": None, "lost": 0, "last_lost_at": None, "waiting": 0}


def said(**change: object) -> str:
    return "\n".join(status_lines(QUIET | change))


def test_where_all_is_quiet_little_is_said() -> None:
    assert said().splitlines() == [
        "watch   not running (dedupctl watch)",
        "home    10 bytes, 20 bytes free",
        "index   whole",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"watch": WATCH | {"watches": WATCHES}}, "1 of 2 watchers alive, 5 of 8,192 watches"),
        (
            {"watch": WATCH | {"watches": WATCHES | {"unwatched_folders": [{"path": "/photos/x", "reason": "no"}]}}},
            "not watched: /photos/x: no",
        ),
        ({"watch": WATCH | {"events": EVENTS | {"lost": 2, "last_lost_at": 1}}}, "events were lost 2 times"),
        ({"watch": WATCH | {"hung": True, "beat_at": 1}}, "hung: no sign of life since"),
        (
            {"watch": WATCH | {"progress": {"read": 10, "to_read": 30, "seconds_left": 61.0}}},
            "10 of 30 files read, 00:01:01 left",
        ),
        (
            {"watch": WATCH | {"workers": [{"pid": 1, "rss_bytes": 5}, {"pid": 2, "rss_bytes": 6}]}},
            "2 processes at work",
        ),
        ({"paused_since": 1}, "paused since"),
        ({"config": {"differs": True, "error": None}}, "changed since the daemon read it"),
        ({"config": {"differs": True, "error": "watch.x: unknown key"}}, "watch.x: unknown key"),
        ({"last_outage": "2026-01-01 the disk is full"}, "outage  2026-01-01 the disk is full"),
        ({"roots": [ROOT]}, "/photos: online"),
        ({"roots": [ROOT], "watch": WATCH}, "/photos: watched"),
        (
            {"roots": [ROOT | {"disks": [{"path": "/photos/usb", "files": 2, "mounted": False}]}]},
            "/photos/usb: 2 files on a disk of its own, away",
        ),
        ({"quarantine": {"files": 1, "bytes": 5, "oldest_at": 1}}, "1 removed file in quarantine"),
        ({"errors": {"corrupt": 3}}, "errors  3 files: corrupt"),
        ({"index": {"fault": "no snapshot", "waiting": 4}}, "to be rebuilt: no snapshot"),
    ],
)
def test_what_is_not_as_it_should_be_is_told(change: dict[str, object], words: str) -> None:
    assert words not in said()
    assert words in said(**change)
