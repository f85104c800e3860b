"""The nouns: frozen values without any I/O, used by every package and defined once, here.

Paths are bytes, because a file name on Linux is bytes and nothing else. Unless a docstring says otherwise, coordinates
are pixels of the picture as shown (after EXIF orientation), with the origin at the upper left.
"""

from dedupctl.domain.clusters import Cluster, Member
from dedupctl.domain.files import File, FileState, Identity, Root
from dedupctl.domain.journal import EntryState, Intent, JournalEntry, Operation, Settlement
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
    "Operation",
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
