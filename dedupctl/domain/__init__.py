"""The nouns. Frozen values without any I/O, spoken by every room: what they mean stands here once.

Paths are bytes, because a file name on Linux is bytes and nothing else. Coordinates are pixels of the picture as it is
shown (after EXIF orientation), origin at the upper left, unless a docstring says otherwise.
"""

from dedupctl.domain.clusters import Cluster, Member
from dedupctl.domain.files import File, FileState, Identity, Root
from dedupctl.domain.journal import Deed, EntryState, Intent, JournalEntry, Settlement
from dedupctl.domain.pairs import Closer, Evidence, Pair, PairKind, Photometric, Transform, Verdict
from dedupctl.domain.pictures import Content, Fingerprint, FloatArray, GrayArray, IntArray, PictureFacts, Unreadable
from dedupctl.domain.plans import Action, Plan, PlanSummary, Seen, Terms, Verb
from dedupctl.domain.summaries import ScanSummary
from dedupctl.domain.words import WordKind, Words

__all__ = [
    "Action",
    "Closer",
    "Cluster",
    "Content",
    "Deed",
    "EntryState",
    "Evidence",
    "File",
    "FileState",
    "Fingerprint",
    "FloatArray",
    "GrayArray",
    "Identity",
    "IntArray",
    "Intent",
    "JournalEntry",
    "Member",
    "Pair",
    "PairKind",
    "Photometric",
    "PictureFacts",
    "Plan",
    "PlanSummary",
    "Root",
    "ScanSummary",
    "Seen",
    "Settlement",
    "Terms",
    "Transform",
    "Unreadable",
    "Verb",
    "Verdict",
    "WordKind",
    "Words",
]
