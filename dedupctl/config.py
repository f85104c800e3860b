"""What the user may choose: `config.toml`, checked key by key. Every default that matters carries its reason here."""

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
    """An unknown key is an error: a misspelt guard that is silently ignored is the worst kind of default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScanConfig(Section):
    workers: int = Field(default=0, ge=0, le=256)
    """Worker processes; 0 = one a core."""
    follow_symlinks: bool = False
    exclude: tuple[str, ...] = ()
    """Glob patterns on the path relative to its root, besides the system folders."""
    system_folders: Literal["skip", "index"] = "skip"
    """Bins, snapshots, thumbnails and caches (`system_folders.py`). Indexed or not, a file in one is never a keeper."""
    max_megapixels: int = Field(default=512, ge=1)
    """Larger pictures are refused from their header, before a pixel is allocated."""
    decode_seconds: float = Field(default=120.0, gt=0)
    """CPU seconds a file may take; its decoder is then stopped. What waits for a disk, or for other programs, may last
    twenty times as long."""
    memory_mb: int = Field(default=0, ge=0)
    """Megabytes that all workers together may hold; 0 = half of what the machine, or the service's unit, has."""
    worker_memory_mb: int = Field(default=2048, ge=256)
    """Megabytes one worker may hold while it decodes a large picture, as far as `memory_mb` allows. Large ones take
    turns; one that needs more is listed as an error."""


class HashConfig(Section):
    algorithms: tuple[Literal["phash", "dhash", "ahash", "whash", "colorhash"], ...] = ("phash",)


class ModelConfig(Section):
    """The embedding model. Without `path` the built-in copy descriptor is used and the other keys keep its values."""

    path: Path | None = None
    input_size: int = Field(default=160, ge=32, le=1024)
    layout: Literal["nhwc-uint8", "nchw-float32"] = "nhwc-uint8"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    propose_cosine: Share = 0.53
    """Vector neighbours above this are compared. Measured for the built-in model on two sets, with parts and pHash:
    proposes 1.000 of library edits and of imagededup's five, and .988 of hard ones, at .09 to .17 false candidates a
    photo (.50: .989 at .25 to .30; .57: .983 at .01 to .08). It belongs to the model."""
    similar_cosine: Share = 0.60
    """A pair whose proof fails is listed as `similar` from here on."""


class ProofConfig(Section):
    """What a proof must show before two pictures count as `near`. Changed values judge stored evidence again.

    Chosen on 30 photos in 50 forms each (1,540 pairs with their original), 33 photos in 29 rarer forms (filters, noise,
    tone curves) and 1,976 pairs of other pictures that were worth comparing (pages of one layout, other shots of a
    scene, skies, templates): `bench/copies.py`. Two rules or more refuse each of the false ones but two.
    """

    agreement: Share = 0.60
    """Share of the detail that agrees. The worst true copy has .68; other shots of a scene reach .67, pages .53."""
    elsewhere: Share = 0.90
    """The same outside the largest region that differs, under a fitted transform. Copies have .93 and more."""
    elsewhere_if_typical: Share = 0.80
    """Less will do where `typical_ncc` says that what agrees agrees to the pixel, as under a tiled watermark."""
    typical_ncc: Share = 0.96
    elsewhere_as_is: Share = 0.85
    """Less will do, too, where the two lie on each other as they are: nothing was fitted. Copies have .91 and more,
    after strong filters .85."""
    replaced: Share = 0.125
    """Share of the shared part that may show something else. An emoji or a stamp takes up to .11."""
    replaced_bar: Share = 0.30
    """The same for a bar across it. Captions take up to .17."""
    writing: Share = 0.80
    """Share of detail that is writing from which both count as pages of text: pages have .83 and more, photos .72 at
    most but for two of 292."""
    writing_differs: Share = 0.01
    """On pages, the share of detail that may differ for certain: nothing does in 150 copies of pages, a third in pages
    of one layout, a tenth in forms of which every fifth line is another."""
    covered: Share = 0.50
    """How much of the detail of one of the two lies in the other. Two pictures in one frame share less."""
    both_beyond: Share = 0.005
    """How far each may show more of the scene than the other, in longer sides: next to nothing, because what was made
    from a picture shows nothing else but what was put there. Two shots from the hand nearly always do; a street lamp
    taken twice agreed on .99 of its detail. Costs 2 of 1,540 copies, and 1 in 60 pairs of two crops of one picture."""
    agreement_of_one_exposure: Share = 0.40
    """Less must agree where a closer look proves by its grain that both are one exposure, and nothing moved: then what
    differs was laid on, however large it is. Emoji over a quarter of a picture leave .45."""
    elsewhere_in_one_exposure: Share = 0.75
    replaced_in_one_exposure: Share = 0.45
    shading: float = Field(default=0.50, ge=-1, le=1)
    """Correlation of light and shade. Copies have .88 and more, after strong filters .60."""


class WatchConfig(Section):
    settle_seconds: float = Field(default=2.0, ge=0)
    """A file must have kept size and mtime this long before it is read."""
    rescan_minutes: float = Field(default=360.0, gt=0)
    """Events are hints, the scan is the truth: a full visit at least this often."""
    polling_seconds: float = Field(default=30.0, gt=0)
    """How often folders are looked at where events cannot be had (network mounts, inotify limit)."""
    polling: bool = False
    """Never use events."""
    active_hours: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
    """When the daemon works, in local time, as "22:00-06:30"; empty = always. What happens outside of these hours is
    heard, and read within them."""
    cpu_share: float = Field(default=1.0, gt=0, le=1)
    """Share of the time for which its workers may use the processor."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Loopback port on which the daemon answers Prometheus; 0 = none."""
    purge: Literal["never", "after-retention"] = "never"
    """Whether the daemon ends, once a day, what has waited in a quarantine for the `retention_days` of its policy."""
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
"""The original comes before every place: a crop in a reference root stays, but nothing better goes for it. `uncropped`
is left out because `original` asks that and more.
"""
RemovableKind = Literal["exact", "pixel", "near"]
ActionName = Literal["quarantine", "trash", "delete", "hardlink", "reflink", "symlink", "move-to"]


class PolicyConfig(Section):
    """What one named policy may remove, which copy it keeps, and what becomes of the others."""

    kinds: tuple[RemovableKind, ...] = ("exact", "pixel")
    """`similar` is another shot: no rule ever removes one."""
    action: ActionName = "quarantine"
    move_to: Path | None = None
    """Where `move-to` puts what it removes."""
    keep: tuple[KeeperRule, ...] = DEFAULT_KEEP
    """Rules in the order they are asked: the first on which two copies differ decides. Name `path-priority` before
    `original` where a place matters more than which copy was made from which."""
    path_priority: tuple[str, ...] = ()
    """Globs on the absolute path; a copy under an earlier one is kept before one under a later or none."""
    roots: tuple[Path, ...] = ()
    """Remove only from these roots; empty = from all."""
    scope: Literal["any", "within", "between"] = "any"
    """`within`: both copies lie in one root; `between`: they lie in two."""
    paths: tuple[str, ...] = ()
    """Globs on the absolute path: remove only what one of them matches; empty = anything."""
    exclude: tuple[str, ...] = ()
    """Globs on the absolute path: never remove what one of them matches."""
    min_age_days: float = Field(default=0.0, ge=0)
    """Files modified more recently stay."""
    min_size: int = Field(default=0, ge=0)
    max_size: int | None = Field(default=None, ge=0)
    """Bytes; only files between the two are removed."""
    max_remove_share: float = Field(default=30.0, ge=0, le=100)
    """Percent of a root's files that one plan may remove; past it nothing is done."""
    retention_days: float = Field(default=30.0, ge=0)
    """How long a removed file waits in the quarantine before `purge` may end it."""
    unattended: bool = False
    """The daemon applies it by itself, for `exact` and `pixel` only."""
    with_annotations: bool = False
    """Annotation files of a dataset go with their picture."""
    merge_sidecars: bool = False
    """Carry over what only the removed copy or its sidecars say, instead of skipping the copy."""

    @field_validator("move_to", "roots")
    @classmethod
    def _in_full(cls, value: Path | tuple[Path, ...] | None) -> Path | tuple[Path, ...] | None:
        """A relative path would be another folder for the daemon than for a shell."""
        if isinstance(value, tuple):
            return tuple(_absolute(path) for path in value)
        return None if value is None else _absolute(value)

    @field_validator("path_priority", "paths", "exclude")
    @classmethod
    def _can_match(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        globs = tuple(os.path.expanduser(glob) for glob in value)
        for glob in globs:
            if not glob.startswith(("/", "*", "?", "[")):
                raise ValueError(f'"{glob}" matches no absolute path; begin it with "/", "~/" or "*"')
        return globs

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> PolicyConfig:
        if (self.action == "move-to") != (self.move_to is not None):
            raise ValueError('`move_to` goes with action = "move-to", and only with it')
        if self.action in ("hardlink", "reflink") and set(self.kinds) != {"exact"}:
            raise ValueError(
                f'action = "{self.action}" gives the removed copy the keeper\'s bytes: kinds must be ["exact"]'
            )
        return self


def _absolute(path: Path) -> Path:
    full = path.expanduser()
    if not full.is_absolute():
        raise ValueError(f'"{path}" must be an absolute path, or begin with "~/"')
    return full


SAFE = PolicyConfig()
TIDY = PolicyConfig(kinds=("exact", "pixel", "near"))


class HomeConfig(Section):
    group_readable: bool = False
    """Whether the user's group may read the home and what is written for it: for shared hosts and containers."""


class Config(Section):
    home: HomeConfig = HomeConfig()
    scan: ScanConfig = ScanConfig()
    hashes: HashConfig = HashConfig()
    model: ModelConfig = ModelConfig()
    proof: ProofConfig = ProofConfig()
    watch: WatchConfig = WatchConfig()
    policy: dict[str, PolicyConfig] = Field(default_factory=dict)
    """The policies of the user, by name: `[policy.NAME]`."""

    @property
    def policies(self) -> dict[str, PolicyConfig]:
        """The ready-made `safe` and `tidy`, and those of the user, which may replace them."""
        return {"safe": SAFE, "tidy": TIDY} | self.policy

    @property
    def digest(self) -> str:
        """Equal for equal values, however they were written."""
        return hashlib.sha256(self.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()[:16]


def default_home() -> Path:
    """`DEDUPCTL_HOME`, or the platform's folder for user data."""
    chosen = os.environ.get("DEDUPCTL_HOME")
    return Path(chosen) if chosen else user_data_path("dedupctl", appauthor=False)


def load_config(home: Path) -> Config:
    """Read `<home>/config.toml`; every default where there is none.

    Raises:
        ConfigError: unreadable, not TOML, an unknown key, or a value of the wrong type or range (the key is named).
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
