"""`status` in words: one line per fact, from the same document that scripts get."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from dedupctl.report.wording import counted, moment, shown, size


def status_lines(document: dict[str, Any]) -> list[str]:
    """Lines for a terminal, without markup. What is in order and would inform nobody is left out."""
    return [
        *_watch(document),
        *_roots(document),
        *_stores(document),
    ]


def _watch(document: dict[str, Any]) -> Iterator[str]:
    watch = document["watch"]
    if watch is None:
        yield "watch   not running (dedupctl watch)"
    else:
        yield f"watch   {watch['doing']}, process {watch['pid']}, {watch['settling']} files still being written"
        if watch.get("hung"):
            yield f"        hung: no sign of life since {moment(watch['beat_at'])}"
        yield from _details(watch)
    if document["paused_since"]:
        yield f"        paused since {moment(document['paused_since'])} (dedupctl resume)"
    if document["config"]["error"]:
        yield f"config  {document['config']['error']}"
    elif document["config"]["differs"]:
        yield "config  changed since the daemon read it (systemctl reload, or SIGHUP)"
    if document["last_outage"]:
        yield f"outage  {document['last_outage']}"


def _details(watch: dict[str, Any]) -> Iterator[str]:
    progress = watch.get("progress")
    if progress and progress["to_read"] > progress["read"]:
        left = progress["seconds_left"]
        eta = f", {time.strftime('%H:%M:%S', time.gmtime(left))} left" if left is not None else ""
        yield f"        {progress['read']:,} of {progress['to_read']:,} files read{eta}"
    watches, events = watch.get("watches"), watch.get("events")
    if watches:
        limit = f" of {watches['limit']:,}" if watches["limit"] else ""
        yield f"        {watches['alive']} of {watches['wanted']} watchers alive, {watches['used']:,}{limit} watches"
        for folder in watches["unwatched_folders"]:
            yield f"        not watched: {shown(folder['path'])}: {folder['reason']}"
    if events:
        last = f", the last {moment(events['last_at'])}" if events["last_at"] else ""
        yield f"        {counted(events['seen'], 'event')} heard{last}; {events['waiting']:,} waiting"
        if events["lost"]:
            yield f"        events were lost {events['lost']} times, the last {moment(events['last_lost_at'])}"
    if watch.get("next_scan_at"):
        yield f"        next scan {moment(watch['next_scan_at'])}"
    if watch["workers"]:
        memory = sum(worker["rss_bytes"] for worker in watch["workers"])
        yield f"        {counted(len(watch['workers']), 'process', 'processes')} at work, {size(memory)}"


def _roots(document: dict[str, Any]) -> Iterator[str]:
    how = (document["watch"] or {}).get("roots", {})
    for root in document["roots"]:
        state = how.get(root["path"]) or ("online" if root["online"] else f"offline: {root['reason']}")
        seen = f", last scan {moment(root['last_scan'])}" if root["last_scan"] else ""
        yield f"        {shown(root['path'])}: {state}{seen}"
        for disk in root["disks"]:
            there = "mounted" if disk["mounted"] else "away, its pictures stay known"
            yield f"          {shown(disk['path'])}: {counted(disk['files'], 'file')} on a disk of its own, {there}"


def _stores(document: dict[str, Any]) -> Iterator[str]:
    yield f"home    {size(document['home_bytes'])}, {size(document['home_free_bytes'])} free"
    quarantine, index = document["quarantine"], document["index"]
    if quarantine["files"]:
        files = counted(quarantine["files"], "removed file")
        yield f"        {files} in quarantine, {size(quarantine['bytes'])}, since {moment(quarantine['oldest_at'])}"
    for code, count in sorted(document["errors"].items()):
        yield f"errors  {counted(count, 'file')}: {shown(code)} (dedupctl status --errors)"
    fault = index["fault"]
    yield f"index   {'whole' if fault is None else f'to be rebuilt: {fault}'}"
    if index["waiting"]:
        yield f"        {index['waiting']:,} pictures wait for a vector of the new model (dedupctl scan, or the daemon)"
