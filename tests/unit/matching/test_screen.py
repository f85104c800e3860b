from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from builders import make_fingerprint
from PIL import Image
from scenery import scene

from dedupctl.catalog.catalog import Catalog
from dedupctl.catalog.thumbs import Thumbs
from dedupctl.matching.candidates import Candidate
from dedupctl.matching.screen import Screen, least_score

MILLION = 1_000_000
SMALL = 200


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG")
    return out.getvalue()


@dataclass
class Pictures:
    """Scenes in a catalog with thumbnails; vectors of one model, at whatever cosine to the axis a test asks for."""

    catalog: Catalog
    thumbs: Thumbs
    ids: list[int] = field(default_factory=list)

    def add(self, image: Image.Image, cosine: float = 1.0, *, with_thumbnail: bool = True) -> int:
        vector = np.zeros((1, 8), np.float32)
        vector[0, :2] = cosine, (1 - cosine**2) ** 0.5
        fingerprint = make_fingerprint(f"picture {len(self.ids)}")
        with self.catalog.write() as tx:
            model = tx.embeddings.model_id("test", 8)
            (content_id,) = tx.contents.add([fingerprint])
            tx.embeddings.add(model, {content_id: vector})
        if with_thumbnail:
            self.thumbs.put({fingerprint.digest: jpeg(image)})
        self.ids.append(content_id)
        return content_id

    def screened(self, candidates: list[Candidate], pictures: int, screen: Screen | None = None) -> list[int]:
        """The content ids that are still to be compared with the one who asks."""
        with self.catalog.read() as tx:
            screen = screen or Screen(self.thumbs, tx.embeddings.known_model("test") or 0)
            return [one.a for one in screen.worth_proving(tx, candidates, pictures)]


@pytest.fixture
def pictures(catalog: Catalog, tmp_path: Path) -> Iterator[Pictures]:
    thumbs = Thumbs(tmp_path / "thumbs.db")
    yield Pictures(catalog, thumbs)
    thumbs.close()


def near(a: int, b: int, cosine: float | None = 0.65, *, same_stream: bool = False, bits: int = 30) -> Candidate:
    return Candidate(a, b, same_stream, bits, cosine)


def test_in_a_small_library_every_candidate_is_proven(pictures: Pictures) -> None:
    other, asking = pictures.add(scene(1)), pictures.add(scene(2))
    assert pictures.screened([near(other, asking)], SMALL) == [other]


def test_in_a_large_one_only_what_shares_features_with_the_picture_is(pictures: Pictures) -> None:
    chance, copy = pictures.add(scene(1)), pictures.add(scene(2).resize((300, 225)))
    asking = pictures.add(scene(2))
    assert pictures.screened([near(chance, asking), near(copy, asking)], MILLION) == [copy]


def test_each_picture_is_compared_with_its_own_candidates(pictures: Pictures) -> None:
    one, other = pictures.add(scene(1)), pictures.add(scene(2))
    again, fourth = pictures.add(scene(1).rotate(180)), pictures.add(scene(2).rotate(180))
    asked = [near(one, again), near(other, again), near(one, fourth), near(other, fourth)]
    assert pictures.screened(asked, MILLION) == [one, other]


def test_the_same_image_stream_needs_no_votes(pictures: Pictures) -> None:
    other, asking = pictures.add(scene(1)), pictures.add(scene(2))
    assert pictures.screened([near(other, asking, 0.1, same_stream=True)], MILLION) == [other]


def test_what_only_a_hash_proposed_is_weighed_with_its_cosine(pictures: Pictures) -> None:
    far, close = pictures.add(scene(1), cosine=0.2), pictures.add(scene(3), cosine=0.999)
    asking = pictures.add(scene(2), cosine=1.0)
    asked = [near(far, asking, None, bits=4), near(close, asking, None, bits=4)]
    assert pictures.screened(asked, MILLION) == [close]


def test_without_a_thumbnail_nothing_can_be_said_against_a_candidate(pictures: Pictures) -> None:
    lost, other, asking = pictures.add(scene(1), with_thumbnail=False), pictures.add(scene(3)), pictures.add(scene(2))
    assert pictures.screened([near(lost, asking), near(other, asking)], MILLION) == [lost]
    blind = pictures.add(scene(4), with_thumbnail=False)
    assert pictures.screened([near(other, blind)], MILLION) == [other]


def test_a_content_that_was_forgotten_meanwhile_is_no_candidate(pictures: Pictures) -> None:
    asking = pictures.add(scene(2))
    assert pictures.screened([near(999, asking)], MILLION) == []


def test_a_sketch_is_drawn_once_and_kept_in_the_cache(pictures: Pictures) -> None:
    copy, asking = pictures.add(scene(2).resize((300, 225))), pictures.add(scene(2))
    assert pictures.screened([near(copy, asking)], MILLION) == [copy]
    with pictures.catalog.read() as tx:
        digests = {content.digest for content in tx.contents.get([copy, asking]).values()}
    assert pictures.thumbs.sketches(digests).keys() == digests


def test_the_screen_is_the_stricter_the_larger_the_library() -> None:
    scores = [least_score(pictures) for pictures in (100, 5_000, 10_000, 100_000, 1_000_000, 10**8)]
    assert scores[0] == scores[1] == -np.inf
    assert scores == sorted(scores)
    assert scores[-1] == scores[-2] == pytest.approx(-0.3)
