"""What belongs to a picture goes with it, or the picture stays: sidecars, the other half of a shot, annotations.

| companion | goes when |
|---|---|
| RAW and JPEG of one shot | both are to go, each with a kept copy of its own |
| Live Photo MOV, AAE edit | the kept copy has one with the same bytes beside it |
| XMP sidecar | the kept copy's sidecar says all of it, or it is carried over |
| annotation of a dataset | annotations were asked for |

A companion that a picture left behind also needs (`a.mov` of `a.jpg` and `a.heic`) stays with that one. A picture that
is replaced by a link keeps its name, and so its companions.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from dedupctl.disk.folders import standing_at
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.disk.verification import digest_of
from dedupctl.domain import Action, Identity, PairKind, Seen, Verb
from dedupctl.fingerprint.sniff import PICTURE_SUFFIXES
from dedupctl.paths import join, split
from dedupctl.policy.sidecars import lacking, merged, said_in

RAW_SUFFIXES = frozenset(
    b".dng .cr2 .cr3 .nef .nrw .arw .srf .sr2 .raf .orf .rw2 .rwl .pef .srw .x3f .mrw .3fr .iiq .erf .kdc .dcr".split()
)
LONGEST_SIDECAR = 1 << 24
_TWINS = (b".mov", b".aae")
"""Companions that the kept copy must have too, byte for byte."""
_XMP = b".xmp"
_ANNOTATIONS = (b".txt", b".json", b".xml")
_PICTURE_FOLDERS = (b"images", b"data")
_ANNOTATION_FOLDERS = (b"labels", b"annotations")


@dataclass
class Companions:
    """Gathers the companions of the pictures that are to go; lists every folder once."""

    leaving: dict[bytes, Action]
    """The pictures that are to go, by absolute path."""
    with_annotations: bool = False
    merge_sidecars: bool = False
    _folders: dict[bytes, dict[bytes, list[bytes]]] = field(default_factory=dict)

    def bundles(self) -> Iterator[list[Action]]:
        """Every picture that is to go, with what goes along; a bundle that must stay says why in each action."""
        done: set[bytes] = set()
        for path, action in self.leaving.items():
            if path in done:
                continue
            if action.verb.leaves_link:
                yield [action]
                continue
            group = self._group(action)
            done |= {one.victim.absolute for one in group}
            yield self._bundle(group)

    def _group(self, action: Action) -> list[Action]:
        """The picture and those of its name that share companions with it."""
        folder, name = split(action.victim.path)
        pictures = [one for one in self._named_like(action.victim, name) if _suffix(one) in PICTURE_SUFFIXES]
        if not _one_shot(pictures) and not self._shared(action.victim, name):
            return [action]
        places = (join(action.victim.root, folder, picture) for picture in pictures)
        found = [self.leaving[place] for place in places if place in self.leaving]
        return found if action in found else [action]

    def _bundle(self, group: list[Action]) -> list[Action]:
        try:
            along = [extra for action in group for extra in self._own(action)] + self._common(group)
        except Refused as refusal:
            return [replace(action, skipped=str(refusal)) for action in group]
        return [*group, *along]

    def _own(self, action: Action) -> list[Action]:
        """Companions named after the whole file name: `a.jpg.xmp`."""
        folder, name = split(action.victim.path)
        return [
            one
            for companion in self._named_like(action.victim, name + b".")
            if _suffix(companion) in (_XMP, *_TWINS)
            for one in self._companion(action, join(folder, companion))
        ]

    def _common(self, group: list[Action]) -> list[Action]:
        """Companions named after the stem, which all pictures of that stem share: `a.xmp`, `a.mov`, `labels/a.txt`.

        Raises:
            Refused: one half of a shot would stay behind.
        """
        lead = min(group, key=lambda action: _suffix(action.victim.path) not in RAW_SUFFIXES)
        folder, name = split(lead.victim.path)
        pictures = [one for one in self._named_like(lead.victim, name) if _suffix(one) in PICTURE_SUFFIXES]
        staying = [one for one in pictures if join(lead.victim.root, folder, one) not in self.leaving]
        if staying and _one_shot(pictures):
            raise Refused(f"it belongs to one shot with {os.fsdecode(staying[0])}, which stays")
        if staying:
            return []
        return [one for path in self._shared(lead.victim, name) for one in self._companion(lead, path)]

    def _shared(self, victim: Seen, name: bytes) -> list[bytes]:
        folder = split(victim.path)[0]
        beside = (_XMP, *_TWINS, *(_ANNOTATIONS if self.with_annotations else ()))
        found = [join(folder, one) for one in self._named_like(victim, name) if _suffix(one) in beside]
        return found + (self._annotations(victim, name) if self.with_annotations else [])

    def _annotations(self, victim: Seen, name: bytes) -> list[bytes]:
        """`images/train/a.jpg` is described by `labels/train/a.txt`."""
        parts = split(victim.path)[0].split(b"/")
        places = [place for place, part in enumerate(parts) if part.lower() in _PICTURE_FOLDERS]
        if not places:
            return []
        folders = [b"/".join([*parts[: places[-1]], other, *parts[places[-1] + 1 :]]) for other in _ANNOTATION_FOLDERS]
        return [
            join(folder, one)
            for folder in folders
            for one in self._listing(victim.root, folder).get(_stem(name), ())
            if _suffix(one) in _ANNOTATIONS
        ]

    def _companion(self, action: Action, path: bytes) -> list[Action]:
        victim = action.victim
        try:
            digest, identity = digest_of(victim.root, path)
            goes = Action(
                bundle=action.bundle,
                verb=action.verb,
                victim=Seen(victim.root, path, identity, digest),
                keeper=None,
                kind=None,
                score=None,
                rule=f"goes with {os.fsdecode(split(victim.path)[1])}",
            )
            if _suffix(path) in _TWINS:
                return [self._with_twin(goes, action)]
            return self._with_words(goes, action) if _suffix(path) == _XMP else [goes]
        except (OSError, Refused) as error:
            raise Refused(f"its companion {os.fsdecode(split(path)[1])}: {reason_of(error)}") from error

    def _with_twin(self, goes: Action, picture: Action) -> Action:
        assert picture.keeper is not None
        for path in self._beside_keeper(picture.keeper, _suffix(goes.victim.path)):
            digest, identity = digest_of(picture.keeper.root, path)
            if digest == goes.victim.digest:
                twin = Seen(picture.keeper.root, path, identity, digest)
                return replace(goes, keeper=twin, kind=PairKind.EXACT, score=1.0)
        raise Refused("the kept copy has none with the same bytes")

    def _with_words(self, goes: Action, picture: Action) -> list[Action]:
        assert picture.keeper is not None
        kept = [read_sidecar(picture.keeper.root, path) for path in self._beside_keeper(picture.keeper, _XMP)]
        words = read_sidecar(goes.victim.root, goes.victim.path)
        if any(seen.digest == goes.victim.digest for seen, _ in kept):
            return [goes]
        missing = lacking(said_in(words[1]), [said_in(text) for _, text in kept])
        if not missing:
            return [goes]
        if not self.merge_sidecars:
            raise Refused(
                f"it holds {' and '.join(missing)} that the kept copy lacks (--merge-sidecars carries them over)"
            )
        if not kept:
            return [replace(goes, verb=Verb.CARRY, keeper=picture.keeper, rule="becomes the sidecar of the kept copy")]
        merged(kept[0][1], words[1])
        rule = f"makes way for one that says what {os.fsdecode(split(words[0].path)[1])} says, too"
        return [replace(goes, verb=Verb.MERGE, victim=kept[0][0], keeper=words[0], rule=rule), goes]

    def _beside_keeper(self, keeper: Seen, suffix: bytes) -> list[bytes]:
        """`a.jpg.xmp` before `a.xmp`."""
        folder, name = split(keeper.path)
        named = [*self._named_like(keeper, name + b"."), *self._named_like(keeper, name)]
        return [join(folder, one) for one in named if _suffix(one) == suffix]

    def _named_like(self, seen: Seen, name: bytes) -> Sequence[bytes]:
        """Names in the folder of `seen` that have the stem of `name`."""
        return self._listing(seen.root, split(seen.path)[0]).get(_stem(name), ())

    def _listing(self, root: bytes, folder: bytes) -> dict[bytes, list[bytes]]:
        """File names by stem; empty for a folder that cannot be listed, whose files will not be removed either."""
        place = join(root, folder)
        if place not in self._folders:
            names: defaultdict[bytes, list[bytes]] = defaultdict(list)
            try:
                for name in sorted(os.listdir(place)):
                    names[_stem(name)].append(name)
            except OSError:
                names.clear()
            self._folders[place] = dict(names)
        return self._folders[place]


def carried_name(sidecar: bytes, keeper: bytes) -> bytes:
    """The path of the keeper's sidecar, named in the manner of the removed copy's: `b.jpg.xmp` or `b.xmp`."""
    after_whole_name = _suffix(os.path.splitext(sidecar)[0]) in PICTURE_SUFFIXES
    return (keeper if after_whole_name else os.path.splitext(keeper)[0]) + _suffix(sidecar)


def read_sidecar(root: bytes, path: bytes) -> tuple[Seen, bytes]:
    """The file as it is now, and its text.

    Raises:
        Refused, OSError: unreadable, changing, or far too long for what a person writes.
    """
    digest, identity = digest_of(root, path)
    if identity.size > LONGEST_SIDECAR:
        raise Refused("too long for a sidecar")
    with standing_at(root, path) as at:
        descriptor = at.open()
        try:
            text = os.read(descriptor, LONGEST_SIDECAR)
            unchanged = Identity.of(os.fstat(descriptor)) == identity
        finally:
            os.close(descriptor)
    if not unchanged:
        raise Refused("it changed while it was read")
    return Seen(root, path, identity, digest), text


def _one_shot(names: Sequence[bytes]) -> bool:
    """A RAW and what was developed from it, by the camera or by hand."""
    return len({_suffix(name) in RAW_SUFFIXES for name in names}) == 2


def _stem(name: bytes) -> bytes:
    """Cameras disagree on case: `IMG_1.JPG` and `img_1.cr2` are taken for one shot, which at worst keeps a file."""
    return os.path.splitext(name)[0].lower()


def _suffix(name: bytes) -> bytes:
    return os.path.splitext(name)[1].lower()
