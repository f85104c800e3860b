"""The user's settings: `config.toml`, validated key by key. Every default that matters has its reason here."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dedupctl.errors import ConfigError

CONFIG_NAME = "config.toml"
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    """One table of `config.toml`. An unknown key is an error: a misspelt safeguard must not be ignored silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScanConfig(Section):
    workers: int = Field(default=0, ge=0, le=256)
    """Number of worker processes; 0 = one per core."""
    follow_symlinks: bool = False
    exclude: tuple[str, ...] = ()
    """Globs on the path relative to its root. What they match is not scanned, in addition to the system folders."""
    system_folders: Literal["skip", "index"] = "skip"
    """Bins, snapshots, thumbnails and caches (`system_folders.py`). Indexed or not, a file in one is never a keeper."""
    max_megapixels: int = Field(default=512, ge=1)
    """Larger pictures are refused after reading their header, before any pixel is allocated."""
    decode_seconds: float = Field(default=120.0, gt=0)
    """CPU seconds that decoding a file may take before its decoder is stopped. Decoding that waits for a disk or for
    other programs may last twenty times as long."""
    memory_mb: int = Field(default=0, ge=0)
    """Megabytes that all workers together may use; 0 = half of the memory of the machine or of the service's unit."""
    worker_memory_mb: int = Field(default=2048, ge=256)
    """Megabytes that one worker may use to decode a large picture, within `memory_mb`. Large pictures are decoded one
    at a time; one that needs more memory is listed as an error."""


class HashConfig(Section):
    algorithms: tuple[Literal["phash", "dhash", "ahash", "whash", "colorhash"], ...] = ("phash",)


class ModelConfig(Section):
    """The embedding model. Without `path` the built-in copy descriptor is used, to which the other defaults belong."""

    path: Path | None = None
    input_size: int = Field(default=160, ge=32, le=1024)
    layout: Literal["nhwc-uint8", "nchw-float32"] = "nhwc-uint8"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    propose_cosine: Share = 0.53
    """Nearest neighbours with at least this cosine become candidates. Measured for the built-in model on two sets, with
    regions and pHash: proposes 1.000 of library edits and of imagededup's five, and .988 of hard edits, at .09 to .17
    false candidates per photo (.50: .989 at .25 to .30; .57: .983 at .01 to .08). The value belongs to the model."""
    similar_cosine: Share = 0.60
    """A pair whose proof fails is listed as `similar` from this cosine on."""


class ProofConfig(Section):
    """What a proof must show for two pictures to count as `near`. If a value changes, stored evidence is judged again.

    Chosen on 30 photos with 50 edits each (1,540 pairs with their original), 33 photos with 29 rarer edits (filters,
    noise, tone curves) and 1,976 candidate pairs of different pictures (pages with one layout, other shots of a scene,
    skies, templates); see `bench/copies.py`. All but two of the false pairs are refused by two or more of these rules.
    """

    agreement: Share = 0.60
    """Minimum share of the detail that agrees. The worst true copy has .68; other shots of a scene reach .67, pages
    .53."""
    elsewhere: Share = 0.90
    """The same outside the largest differing region, under a fitted transform. Copies have .93 or more."""
    elsewhere_if_typical: Share = 0.80
    """A lower minimum if `typical_ncc` shows that what agrees does so to the pixel, as under a tiled watermark."""
    typical_ncc: Share = 0.96
    elsewhere_as_is: Share = 0.85
    """A lower minimum if the pictures align as they are, without a fitted transform. Copies have .91 or more, .85 after
    strong filters."""
    replaced: Share = 0.125
    """Maximum share of the shared region that may show something else. An emoji or a stamp takes up to .11."""
    replaced_bar: Share = 0.30
    """The same for a bar across the picture. Captions take up to .17."""
    writing: Share = 0.80
    """Share of writing in the detail from which both pictures count as pages of text: pages have .83 or more, photos at
    most .72 except for two of 292."""
    writing_differs: Share = 0.01
    """Maximum share of the detail that may certainly differ on pages: none differs in 150 copies of pages, a third in
    pages with one layout, a tenth in forms in which every fifth line is different."""
    covered: Share = 0.50
    """Minimum share of the detail of one picture that lies in the other. Two pictures in one frame share less."""
    both_beyond: Share = 0.005
    """How far both may extend beyond the frame of the other, as a multiple of the longer side. Next to nothing, because
    an edit shows nothing of the scene that the original lacks. Hand-held shots nearly always do: two of a street lamp
    agreed on .99 of their detail. Costs 2 of 1,540 copies, and 1 in 60 pairs of two crops of one picture."""
    agreement_of_one_exposure: Share = 0.40
    """A lower minimum if the grain, in a closer look, proves that both are one exposure and nothing moved: then what
    differs was overlaid, however large it is. Emoji over a quarter of a picture leave .45."""
    elsewhere_in_one_exposure: Share = 0.75
    replaced_in_one_exposure: Share = 0.45
    shading: float = Field(default=0.50, ge=-1, le=1)
    """Minimum correlation of light and shade. Copies have .88 or more, .60 after strong filters."""


class WatchConfig(Section):
    settle_seconds: float = Field(default=2.0, ge=0)
    """How long the size and mtime of a file must stay the same before it is read."""
    rescan_minutes: float = Field(default=360.0, gt=0)
    """Maximum time between two full scans: events are only hints, a scan is the truth."""
    polling_seconds: float = Field(default=30.0, gt=0)
    """How often folders are polled where events are not available (network mounts, inotify limit)."""
    polling: bool = False
    """Always poll and never use events."""
    active_hours: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
    """When the daemon works, in local time, as "22:00-06:30"; empty = always. Changes outside these hours are noticed
    and read within them."""
    cpu_share: float = Field(default=1.0, gt=0, le=1)
    """Share of the time in which the daemon's workers may use the processor."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Loopback port on which the daemon serves Prometheus metrics; 0 = none."""
    purge: Literal["never", "after-retention"] = "never"
    """Whether the daemon purges, once a day, what has been in a quarantine for the `retention_days` of its policy."""
    on_battery: Literal["run", "pause"] = "run"
    """What the daemon does while the machine runs on battery."""


KeeperRule = Literal[
    "original",
    "protected",
    "reference-root",
    "path-priority",
    "camera",
    "format",
    "resolution",
    "uncropped",
    "bytes",
    "metadata",
    "capture-date",
    "name",
    "path",
]
KEEPER_RULES: tuple[KeeperRule, ...] = get_args(KeeperRule)
DEFAULT_KEEP: tuple[KeeperRule, ...] = tuple(rule for rule in KEEPER_RULES if rule != "uncropped")
"""`original` comes before every rule on places: a crop in a reference root stays, but no better copy is removed for it.
`uncropped` is left out because `original` includes it.
"""
RemovableKind = Literal["exact", "pixel", "near"]
ActionName = Literal["quarantine", "trash", "delete", "hardlink", "reflink", "symlink", "move-to"]


class PolicyConfig(Section):
    """What a named policy may remove, which copy it keeps, and what happens to the others."""

    kinds: tuple[RemovableKind, ...] = ("exact", "pixel")
    """`similar` is not among them: it is another shot, and no rule ever removes one."""
    action: ActionName = "quarantine"
    move_to: Path | None = None
    """The folder into which `move-to` moves removed files."""
    keep: tuple[KeeperRule, ...] = DEFAULT_KEEP
    """Keeper rules in order: the first on which two copies differ decides. Put `path-priority` before `original` if a
    place matters more than which copy was made from which."""
    path_priority: tuple[str, ...] = ()
    """Globs on the absolute path; a copy that an earlier glob matches is preferred to one that a later glob or none
    matches."""
    roots: tuple[Path, ...] = ()
    """Remove only from these roots; empty = from all."""
    scope: Literal["any", "within", "between"] = "any"
    """`within`: both copies are in one root; `between`: they are in two roots."""
    paths: tuple[str, ...] = ()
    """Globs on the absolute path: remove only what one of them matches; empty = anything."""
    exclude: tuple[str, ...] = ()
    """Globs on the absolute path: never remove what one of them matches."""
    min_age_days: float = Field(default=0.0, ge=0)
    """Files that were modified more recently are not removed."""
    min_size: int = Field(default=0, ge=0)
    max_size: int | None = Field(default=None, ge=0)
    """Bytes; only files from `min_size` to `max_size` are removed."""
    max_remove_share: float = Field(default=30.0, ge=0, le=100)
    """Percentage of the files of a root that one plan may remove; above it nothing is removed."""
    retention_days: float = Field(default=30.0, ge=0)
    """How long a removed file stays in the quarantine before `purge` may delete it for good."""
    unattended: bool = False
    """Whether the daemon applies the policy by itself, for `exact` and `pixel` only."""
    with_annotations: bool = False
    """Remove the annotation files of a dataset together with their picture."""
    merge_sidecars: bool = False
    """Carry over what only the removed copy or its sidecars say, instead of skipping that copy."""

    @field_validator("move_to", "roots")
    @classmethod
    def _require_absolute(cls, value: Path | tuple[Path, ...] | None) -> Path | tuple[Path, ...] | None:
        """Reject relative paths, which would mean one folder to the daemon and another to a shell."""
        if isinstance(value, tuple):
            return tuple(_absolute(path) for path in value)
        return None if value is None else _absolute(value)

    @field_validator("path_priority", "paths", "exclude")
    @classmethod
    def _require_matchable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        globs = tuple(os.path.expanduser(glob) for glob in value)
        for glob in globs:
            if not glob.startswith(("/", "*", "?", "[")):
                raise ValueError(f'"{glob}" cannot match an absolute path; start it with "/", "~/" or "*"')
        return globs

    @model_validator(mode="after")
    def _require_consistent(self) -> PolicyConfig:
        if (self.action == "move-to") != (self.move_to is not None):
            raise ValueError('`move_to` must be set with action = "move-to", and only with it')
        if self.action in ("hardlink", "reflink") and set(self.kinds) != {"exact"}:
            raise ValueError(
                f'action = "{self.action}" replaces the copy with the bytes of the keeper: kinds must be ["exact"]'
            )
        return self


def _absolute(path: Path) -> Path:
    full = path.expanduser()
    if not full.is_absolute():
        raise ValueError(f'"{path}" must be an absolute path or start with "~/"')
    return full


SAFE = PolicyConfig()
TIDY = PolicyConfig(kinds=("exact", "pixel", "near"))


class HomeConfig(Section):
    group_readable: bool = False
    """Whether the user's group may read the home and everything written into it: for shared hosts and containers."""


class Config(Section):
    home: HomeConfig = HomeConfig()
    scan: ScanConfig = ScanConfig()
    hashes: HashConfig = HashConfig()
    model: ModelConfig = ModelConfig()
    proof: ProofConfig = ProofConfig()
    watch: WatchConfig = WatchConfig()
    policy: dict[str, PolicyConfig] = Field(default_factory=dict)
    """The user's policies by name: `[policy.NAME]`."""

    @property
    def policies(self) -> dict[str, PolicyConfig]:
        """The built-in policies `safe` and `tidy` and the user's own, which may override them."""
        return {"safe": SAFE, "tidy": TIDY} | self.policy

    @property
    def digest(self) -> str:
        """A digest of all values, which does not depend on how they were written."""
        return hashlib.sha256(self.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()[:16]


def default_home() -> Path:
    """`DEDUPCTL_HOME`, or else the platform's folder for user data."""
    chosen = os.environ.get("DEDUPCTL_HOME")
    return Path(chosen) if chosen else user_data_path("dedupctl", appauthor=False)


def load_config(home: Path) -> Config:
    """Read `<home>/config.toml`; without that file, every setting has its default.

    Raises:
        ConfigError: the file is unreadable or not TOML, a key is unknown, or a value has the wrong type or is out of
            range. The text names the key.
    """
    path = home / CONFIG_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{path}: {key}: {what}") from error
