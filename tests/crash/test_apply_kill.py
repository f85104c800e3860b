"""A child process is killed with SIGKILL at every named step of apply, restore and purge; then the promise is checked.

The steps of an undisturbed run are recorded first. Then each of them kills a child of its own, the parent recovers,
looks at the whole tree by digest, and does the operation again: it must end as the undisturbed run did.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from living_library import (
    EXACT_ONLY,
    TIDY_ALL,
    LivingLibrary,
    empty_catalog,
    kind_between,
    picture,
    quarantined,
    run_and_kill,
    tree,
)

from dedupctl.config import PolicyConfig
from dedupctl.disk.steps import Step, Steps, uninterrupted
from dedupctl.domain import PairKind

FILES = {
    "a.jpg": picture(1),
    "a (1).jpg": picture(1),
    "a (1).xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    "sub/b.jpg": picture(2),
    "sub/b edited.jpg": picture(2, 0, "edited"),
    "sub/shot.cr2": picture(3),
    "sub/shot.jpg": picture(3, 1),
    "copy of sub/shot.cr2": picture(3),
    "copy of sub/shot.jpg": picture(3, 1),
}
TAKEOUT = b'{"title": "a.jpg", "photoTakenTime": {}, "description": "By the sea"}'
DESCRIBING = TIDY_ALL.model_copy(update={"merge_sidecars": True})


@dataclass(frozen=True)
class Scenario:
    """An operation that is killed, and what is done before it."""

    prepare: Callable[[LivingLibrary], None]
    operation: Callable[[LivingLibrary, Steps], object]
    together: bool = False
    """Afterwards a bundle is there as a whole, or not at all."""
    afresh: PolicyConfig | None = None
    """Done again by a new plan: what was put back by copying has a new inode, and the old plan leaves it alone."""

    def again(self, library: LivingLibrary) -> None:
        if self.afresh is None:
            self.operation(library, uninterrupted)
        else:
            library.scan()
            library.apply(library.plan(self.afresh))


def apply_with(policy: PolicyConfig, **request: object) -> Scenario:
    return Scenario(
        lambda library: (library.plan(policy, **request), None)[1],
        lambda library, steps: library.apply(1, steps=steps),
    )


def applied(library: LivingLibrary) -> None:
    library.apply(library.plan(TIDY_ALL))


def hardlinked(library: LivingLibrary) -> None:
    library.apply(library.plan(EXACT_ONLY.model_copy(update={"action": "hardlink"})))


def half_applied(library: LivingLibrary) -> None:
    run_and_kill(library, apply_with(TIDY_ALL).operation, 7, plan=library.plan(TIDY_ALL).id)


def described(library: LivingLibrary) -> None:
    """The words of a copy stand in a file of their own, and the kept one has no sidecar."""
    root = library.base / "photos"
    (root / "a (1).xmp").unlink()
    (root / "a (1).jpg.json").write_bytes(TAKEOUT)
    library.plan(DESCRIBING)


SCENARIOS = {
    "apply": replace(apply_with(TIDY_ALL), together=True),
    "apply hardlink": apply_with(EXACT_ONLY.model_copy(update={"action": "hardlink"})),
    "apply symlink": apply_with(TIDY_ALL.model_copy(update={"action": "symlink"})),
    "apply without quarantine": apply_with(TIDY_ALL.model_copy(update={"action": "delete"}), quarantine=False),
    "restore": Scenario(applied, lambda library, steps: library.restore_all(steps=steps)),
    "restore hardlink": Scenario(hardlinked, lambda library, steps: library.restore_all(steps=steps)),
    "purge": Scenario(applied, lambda library, steps: library.purge(steps=steps)),
    "recover": Scenario(half_applied, lambda library, steps: library.recover(steps=steps), together=True),
    "apply describe": Scenario(described, lambda library, steps: library.apply(1, steps=steps)),
    "restore describe": Scenario(
        lambda library: (described(library), library.apply(1), None)[2],
        lambda library, steps: library.restore_all(steps=steps),
    ),
}
ELSEWHERE = Path("/dev/shm")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], LivingLibrary]]:
    template = empty_catalog(tmp_path)
    made: list[LivingLibrary] = []

    def fresh() -> LivingLibrary:
        library = LivingLibrary(tmp_path / str(len(made)), template)
        made.append(library)
        root = library.add_root("photos")
        for name, data in FILES.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(data)
        library.scan()
        return library

    yield fresh
    for library in made:
        library.close()


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.timeout(600)
def test_killed_at_any_step_nothing_is_lost_and_the_deed_can_be_done_again(
    make: Callable[[], LivingLibrary], name: str
) -> None:
    check_every_kill(make, SCENARIOS[name])


@pytest.mark.skipif(not os.access(ELSEWHERE, os.W_OK), reason="no second filesystem")
@pytest.mark.parametrize("operation", ["apply", "restore"])
@pytest.mark.timeout(600)
def test_killed_at_any_step_across_filesystems_nothing_is_lost(
    make: Callable[[], LivingLibrary], operation: str
) -> None:
    with tempfile.TemporaryDirectory(dir=ELSEWHERE) as elsewhere:
        if os.stat(elsewhere).st_dev == os.stat(make().base).st_dev:
            pytest.skip("no second filesystem")
        target = Path(elsewhere)
        policy = TIDY_ALL.model_copy(update={"action": "move-to", "move_to": target})
        moving = replace(apply_with(policy), together=True, afresh=policy)
        if operation == "restore":
            moving = Scenario(
                lambda library: (library.apply(library.plan(policy)), None)[1],
                lambda library, steps: library.restore_all(steps=steps),
            )

        check_every_kill(make, moving, target)


def test_the_scenarios_pass_through_every_step(make: Callable[[], LivingLibrary]) -> None:
    across = {Step.COPIED, Step.PLACED}

    seen = {step for scenario in SCENARIOS.values() for step in recorded(make(), scenario)}

    assert seen == set(Step) - across


def check_every_kill(make: Callable[[], LivingLibrary], scenario: Scenario, elsewhere: Path | None = None) -> None:
    undisturbed = make()
    steps = recorded(undisturbed, scenario)
    assert steps
    end = state(undisturbed)
    for count, step in enumerate(steps, start=1):
        if elsewhere is not None:
            empty(elsewhere)
        library = make()
        scenario.prepare(library)
        before = everything(library)

        run_and_kill(library, scenario.operation, count)
        left = [one for one in library.recover() if one.state == "intended"]

        assert not left, f"killed at {step}"
        assert_promise(library, before, f"killed at {step}")
        assert elsewhere is None or not list(elsewhere.rglob(".dedupctl-*")), f"killed at {step}"
        if scenario.together:
            assert_together(library, f"killed at {step}")
        scenario.again(library)
        assert state(library) == end, f"killed at {step}, and done again"
        library.close()


def recorded(library: LivingLibrary, scenario: Scenario) -> list[Step]:
    steps: list[Step] = []
    scenario.prepare(library)
    scenario.operation(library, steps.append)
    return steps


def assert_promise(library: LivingLibrary, before: Counter[bytes], when: str) -> None:
    root = library.base / "photos"
    live = set(tree(root).values())
    after = everything(library)
    for data in before - after:
        if data.startswith(b"<?xpacket"):  # written by us, and taken away again
            assert TAKEOUT in live, when
            continue
        assert data == FILES["a (1).xmp"] or any(
            one == data or kind_between(one, data) in (PairKind.PIXEL, PairKind.NEAR) for one in live
        ), when
    with library.catalog.read() as tx:
        assert tx.journal.open() == []
        resting = {entry.target for entry in tx.journal.resting()}
    assert {os.fsencode(path) for path in quarantined(root)} <= resting, when
    assert not list(library.base.rglob(".dedupctl-*")), when


def assert_together(library: LivingLibrary, when: str) -> None:
    left = {os.path.splitext(path)[0] for path in tree(library.base / "photos") if path.startswith(("copy", "a (1)"))}
    for stem in left:
        assert len([path for path in tree(library.base / "photos") if path.startswith(stem)]) == 2, when


def everything(library: LivingLibrary) -> Counter[bytes]:
    """All contents on the disk, in the quarantine too."""
    root = library.base / "photos"
    return Counter([*tree(root).values(), *(path.read_bytes() for path in quarantined(root))])


def state(library: LivingLibrary) -> tuple[dict[str, bytes], list[str]]:
    root = library.base / "photos"
    return tree(root), [os.fspath(path.relative_to(root)) for path in quarantined(root)]


def empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
