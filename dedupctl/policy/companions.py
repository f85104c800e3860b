"""A picture's companions (sidecars, the other half of a shot, annotations) are removed with it, or the picture stays.

| companion | is removed when |
|---|---|
| RAW and JPEG of one shot | both are to be removed, each with a kept copy of its own |
| film, sound, a program's own develop settings | the kept copy has one with the same bytes, or it is carried over |
| develop settings in a folder of their program | the kept copy has the same bytes there |
| XMP sidecar, JSON of Google Takeout | the kept copy and its sidecars say everything it says, or it is carried over |
| metadata in the picture itself | as for a sidecar |
| thumbnail that the camera made | always |
| annotation of a dataset | `--with-annotations` is given |
| any other file of that name | never, because its purpose is unknown |

If a companion also belongs to a picture that stays (`a.mov` of `a.jpg` and `a.heic`), both pictures stay. A picture
that is replaced by a link keeps its name, and therefore its companions.

Words are carried over into the XMP sidecar of the kept copy. If it has none, one is written.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from blake3 import blake3

from dedupctl.disk.moves import LONGEST_NAME
from dedupctl.disk.reading import Reader
from dedupctl.disk.refusal import Refused, reason_of
from dedupctl.domain import Action, PairKind, Seen, Verb, Words
from dedupctl.fingerprint.takeout import words_in_takeout
from dedupctl.fingerprint.xmp import words_in_packet
from dedupctl.paths import join, split, suffix
from dedupctl.policy.companion_names import RAW_SUFFIXES, CompanionKind, Folder, kind_of, name_beside, stem
from dedupctl.policy.kept_words import Carrying, Kept, embedded_words, said_of_kept
from dedupctl.policy.settings_folders import SettingsFolders
from dedupctl.policy.xmp_merge import merged, text_of_words, written_anew

_ANNOTATIONS = (b".txt", b".json", b".xml")
_PICTURE_FOLDERS = (b"images", b"data")
_ANNOTATION_FOLDERS = (b"labels", b"annotations")


@dataclass
class Companions:
    """Gathers the companions of the pictures that are to be removed."""

    leaving: Mapping[bytes, Action]
    """The pictures that are to be removed, by absolute path."""
    reader: Reader
    with_annotations: bool = False
    merge_sidecars: bool = False
    _folders: dict[tuple[bytes, bytes], Folder] = field(default_factory=dict)
    _annotated: dict[tuple[bytes, bytes], Mapping[bytes, Sequence[bytes]]] = field(default_factory=dict)
    _kept: dict[bytes, Kept] = field(default_factory=dict)
    """What is said of each kept copy once the bundles so far are carried out, by its absolute path."""
    _taken_up: dict[bytes, Kept] = field(default_factory=dict)
    """Kept copies that take over words from this bundle, as the bundles before it leave them."""
    _settings: SettingsFolders = field(init=False)

    def __post_init__(self) -> None:
        self._settings = SettingsFolders(self.reader)

    def bundles(self) -> Iterator[list[Action]]:
        """Each picture that is to be removed, with its companions; a bundle that must stay says why in each action."""
        done: set[bytes] = set()
        for path, action in self.leaving.items():
            if path in done:
                continue
            if action.verb.leaves_link:
                yield [action]
                continue
            bundle = self._bundle(action)
            done |= {one.victim.absolute for one in bundle}
            yield bundle

    def _bundle(self, action: Action) -> list[Action]:
        group = [action]
        self._taken_up = {}
        try:
            group, companions = self._group(action)
            first, along = list[Action](), list[Action]()
            for companion in companions:
                owner = self._owner(group, companion)
                for extra in self._companion(owner, join(split(owner.victim.path)[0], companion)):
                    (first if extra.verb in (Verb.MERGE, Verb.DESCRIBE) else along).append(extra)
            # After the companions: a sidecar mostly says what the picture says, and more.
            first += self._words_within(group)
            along += [extra for one in group for extra in (*self._recipes(one), *self._annotations(one))]
        except (Refused, OSError) as error:
            self._kept |= self._taken_up  # what was to be carried over is not, and no other copy may go for it
            return [replace(one, skipped=reason_of(error)) for one in group]
        # Merging reads its source, so it comes before the source is moved.
        return [*first, *group, *along]

    def _group(self, action: Action) -> tuple[list[Action], list[bytes]]:
        """The pictures that are removed together or not at all, and the names of their companions.

        Raises:
            Refused: one of them stays.
            OSError: their folder cannot be listed.
        """
        root, below = action.victim.root, split(action.victim.path)[0]
        folder = self._folder(root, below)
        group: dict[bytes, Action] = {}
        companions: dict[bytes, None] = {}
        waiting = {split(action.victim.path)[1]: ""}
        while waiting:
            name, why = waiting.popitem()
            going = self.leaving.get(join(root, below, name))
            if going is None:
                raise Refused(f"{why} {os.fsdecode(name)}, which stays")
            group[name] = going
            companions |= dict.fromkeys(folder.companions_of(name))
            shared = {
                owner: f"its companion {os.fsdecode(companion)} belongs to"
                for companion in folder.companions_of(name)
                for owner in folder.owners_of(companion)
            }
            shared |= dict.fromkeys(folder.shot_of(name), "it is of the same shot as")
            waiting |= {owner: why for owner, why in shared.items() if owner not in group}
        return [group[name] for name in sorted(group)], sorted(companions)

    def _owner(self, group: Sequence[Action], companion: bytes) -> Action:
        """The picture of the group to which the companion belongs; the JPEG, if it belongs to RAW and JPEG."""
        folder = self._folder(group[0].victim.root, split(group[0].victim.path)[0])
        owners = [one for one in group if split(one.victim.path)[1] in folder.owners_of(companion)]
        return min(owners, key=lambda one: suffix(one.victim.path) in RAW_SUFFIXES)

    def _words_within(self, group: Sequence[Action]) -> list[Action]:
        """The actions that carry over metadata in the pictures themselves. Equal bytes say the same."""
        carried: list[Action] = []
        for action in group:
            assert action.keeper is not None
            if action.kind is PairKind.EXACT:
                continue
            words = embedded_words(self.reader, action.victim)
            if words:
                carried += self._carried(action, action.victim, words, partial(text_of_words, words, faces=False))
        return carried

    def _companion(self, action: Action, path: bytes) -> list[Action]:
        name = os.fsdecode(split(path)[1])
        try:
            seen = self.reader.seen(action.victim.root, path)
            rule = f"goes with {os.fsdecode(split(action.victim.path)[1])}"
            goes = Action(action.bundle, action.verb, seen, keeper=None, kind=None, score=None, rule=rule)
            match kind_of(path):
                case CompanionKind.XMP:
                    return self._sidecar(action, goes)
                case CompanionKind.OWN:
                    return [self._own(action, goes)]
                case CompanionKind.THUMBNAIL:
                    return [goes]
                case CompanionKind.JSON:
                    return self._json(action, goes)
                case CompanionKind.ANNOTATION if self.with_annotations:
                    return [goes]
                case _:
                    raise Refused("dedupctl does not know what it is, so the picture stays with it")  # noqa: TRY301 - one way out
        except (OSError, Refused) as error:
            raise Refused(f"its companion {name}: {reason_of(error)}") from error

    def _own(self, picture: Action, goes: Action) -> Action:
        assert picture.keeper is not None
        below, keeper_name = split(picture.keeper.path)
        beside = self._folder(picture.keeper.root, below).companions_of(keeper_name)
        for companion in beside:
            if suffix(companion) == suffix(goes.victim.path):
                twin = self.reader.seen(picture.keeper.root, join(below, companion))
                if twin.digest == goes.victim.digest:
                    return replace(goes, keeper=twin, kind=PairKind.EXACT, score=1.0)
        wanted = name_beside(split(goes.victim.path)[1], keeper_name)
        if self.merge_sidecars and wanted.lower() not in map(bytes.lower, beside):
            return _moved_over(goes, picture.keeper)
        raise Refused(
            "the kept copy has none with the same bytes (--merge-sidecars carries over what it has no file for)"
        )

    def _sidecar(self, picture: Action, goes: Action) -> list[Action]:
        seen, text = self.reader.text(goes.victim.root, goes.victim.path)
        kept = self._said_of(picture)
        if any(sidecar.digest == seen.digest for sidecar, _ in kept.sidecars):
            return [goes]
        words = words_in_packet(text)
        if self.merge_sidecars and not kept.sidecars and words.lacking_in(kept.words):
            self._use(picture, words)
            return [_moved_over(goes, _keeper_of(picture))]
        return [*self._carried(picture, seen, words, lambda: text), goes]

    def _json(self, picture: Action, goes: Action) -> list[Action]:
        seen, text = self.reader.text(goes.victim.root, goes.victim.path)
        words = words_in_takeout(text)
        if words is not None:
            return [*self._carried(picture, seen, words, partial(text_of_words, words, faces=True)), goes]
        if self.with_annotations:
            return [goes]
        raise Refused("dedupctl does not know what it is, so the picture stays with it")

    def _carried(self, picture: Action, source: Seen, words: Words, xmp: Callable[[], bytes]) -> list[Action]:
        """The actions that make the kept copy say these words too; none if it does already.

        Raises:
            Refused: it lacks some, and they may not or cannot be carried over.
        """
        kept = self._said_of(picture)
        missing = words.lacking_in(kept.words)
        if not missing:
            return []
        if not self.merge_sidecars:
            raise Refused(f"it holds {missing.in_words} that the kept copy lacks (--merge-sidecars carries them over)")
        said = os.fsdecode(split(source.path)[1])
        self._use(picture, words)
        if kept.sidecars:
            sidecar, text = kept.sidecars[0]
            merged(text, xmp())
            verb, rule = Verb.MERGE, f"is replaced by one that also says what {said} says"
        else:
            sidecar = self._new_sidecar(_keeper_of(picture), written_anew(xmp(), words))
            verb, rule = Verb.DESCRIBE, f"is written for the kept copy, with what {said} says"
        return [Action(picture.bundle, verb, sidecar, keeper=source, kind=None, score=None, rule=rule)]

    def _new_sidecar(self, keeper: Seen, text: bytes) -> Seen:
        """The sidecar of just this picture, which has none, under the name that every program knows it by.

        Raises:
            Refused: a file of that name stands there, or another picture would have it, too.
        """
        below, name = split(keeper.path)
        folder, wanted = self._folder(keeper.root, below), name + b".xmp"
        if folder.has(wanted):
            raise Refused(f"the kept copy has {os.fsdecode(wanted)} beside it, which is no sidecar that can be read")
        if others := [one for one in folder.pictures_of(wanted) if one != name]:
            raise Refused(f"a sidecar of the kept copy would be one of {os.fsdecode(others[0])}, too")
        if len(wanted) > LONGEST_NAME:
            raise Refused("the kept copy's name is too long for one of a sidecar")
        return Seen.yet_to_be_written(keeper.root, join(below, wanted), blake3(text).digest())

    def _use(self, picture: Action, words: Words) -> None:
        kept, path = self._said_of(picture), _keeper_of(picture).absolute
        if kept.carrying is Carrying.DONE:
            raise Refused(
                "the kept copy takes over the words of another file in this plan; a later plan can carry these over"
            )
        self._taken_up[path] = replace(kept)
        kept.carrying, kept.words = Carrying.DONE, kept.words | words

    def _said_of(self, picture: Action) -> Kept:
        keeper = _keeper_of(picture)
        if keeper.absolute not in self._kept:
            folder = self._folder(keeper.root, split(keeper.path)[0])
            try:
                self._kept[keeper.absolute] = said_of_kept(self.reader, folder, keeper)
            except (Refused, OSError) as error:
                raise Refused(f"the kept copy {os.fsdecode(keeper.absolute)}: {reason_of(error)}") from error
        return self._kept[keeper.absolute]

    def _recipes(self, picture: Action) -> Iterator[Action]:
        """Develop settings in a folder of their program, which are removed if the kept copy has the same ones."""
        keeper = _keeper_of(picture)
        for path in self._settings.recipes_of(picture.victim.root, picture.victim.path):
            seen = self.reader.seen(picture.victim.root, path)
            kept = self._settings.recipes_of(keeper.root, keeper.path)
            twin = next(
                (one for one in (self.reader.seen(keeper.root, path) for path in kept) if _same(one, seen)), None
            )
            if twin is None:
                raise Refused(f"its companion {os.fsdecode(path)}: the kept copy has none with the same bytes")
            rule = f"goes with {os.fsdecode(split(picture.victim.path)[1])}"
            yield Action(picture.bundle, picture.verb, seen, twin, PairKind.EXACT, 1.0, rule)

    def _annotations(self, action: Action) -> list[Action]:
        """The annotations of a dataset: `labels/train/a.txt` describes `images/train/a.jpg`."""
        below, name = split(action.victim.path)
        parts = below.split(b"/")
        places = [place for place, part in enumerate(parts) if part.lower() in _PICTURE_FOLDERS]
        if not (places and self.with_annotations):
            return []
        folders = [b"/".join([*parts[: places[-1]], other, *parts[places[-1] + 1 :]]) for other in _ANNOTATION_FOLDERS]
        rule = f"goes with {os.fsdecode(name)}"
        return [
            Action(
                action.bundle,
                action.verb,
                self.reader.seen(action.victim.root, join(folder, one)),
                keeper=None,
                kind=None,
                score=None,
                rule=rule,
            )
            for folder in folders
            for one in self._annotations_in(action.victim.root, folder).get(stem(name), ())
        ]

    def _annotations_in(self, root: bytes, folder: bytes) -> Mapping[bytes, Sequence[bytes]]:
        """The annotations by stem; empty if there is no such folder."""
        if (root, folder) not in self._annotated:
            by_stem: defaultdict[bytes, list[bytes]] = defaultdict(list)
            with suppress(FileNotFoundError, NotADirectoryError):
                for name in self.reader.names(root, folder):
                    if suffix(name) in _ANNOTATIONS:
                        by_stem[stem(name)].append(name)
            self._annotated[root, folder] = by_stem
        return self._annotated[root, folder]

    def _folder(self, root: bytes, below: bytes) -> Folder:
        if (root, below) not in self._folders:
            names = self.reader.names(root, below)
            leaving = {name for name in names if join(root, below, name) in self.leaving}
            self._folders[root, below] = Folder(names, leaving)
        return self._folders[root, below]


def _same(one: Seen, other: Seen) -> bool:
    return one.digest == other.digest and suffix(one.path) == suffix(other.path)


def _keeper_of(action: Action) -> Seen:
    assert action.keeper is not None, "a picture that goes has a kept copy"
    return action.keeper


def _moved_over(goes: Action, keeper: Seen) -> Action:
    return replace(goes, verb=Verb.CARRY, keeper=keeper, rule="becomes the sidecar of the kept copy")
