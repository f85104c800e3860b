"""A closer look at pairs of one scene: copies, second exposures, and what people lay on a copy."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from PIL.JpegImagePlugin import JpegImageFile
from scenery import document, exposed, jpeg, letters, part, saved_again, scene, screenshot, viewed

from dedupctl.domain import Closer, Evidence
from dedupctl.matching import doubts
from dedupctl.matching.proof.closer import look_closer_at
from dedupctl.matching.proof.frame import View

SIZE = (900, 675)
STILL = np.eye(3)


def doubt(closer: Closer) -> str | None:
    return doubts.doubt(Evidence(method="orb", agreement_elsewhere=1.0, closer=closer))


def looked_at(a: Image.Image, b: Image.Image, matrix: np.ndarray = STILL) -> Closer:
    return look_closer_at(viewed(a), viewed(b), matrix)


def shot(seed: int, light: Image.Image | None = None) -> Image.Image:
    return exposed(light or scene(1, SIZE), seed)


def with_somebody(light: Image.Image, across: int) -> Image.Image:
    """A patch of another scene, as somebody who walks through has it."""
    walked = light.copy()
    walked.paste(scene(8, SIZE).crop((100, 100, 220, 330)), (across, 300))
    return walked


def stickered(image: Image.Image) -> Image.Image:
    marked = image.copy()
    pen = ImageDraw.Draw(marked)
    pen.ellipse((380, 250, 620, 490), fill=(255, 204, 50), outline=(150, 100, 0), width=5)
    pen.arc((430, 300, 570, 450), 20, 160, "black", 8)
    return marked


def captioned(image: Image.Image) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).text(
        (60, 560), "WHEN THE TIDE", font=letters(80), fill="white", stroke_width=3, stroke_fill="black"
    )
    return marked


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": lambda image: saved_again(image, 85),
    "saved harshly": lambda image: saved_again(image, 25),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "with a sticker": stickered,
    "with a caption": captioned,
}


@pytest.mark.parametrize("made", COPIES.values(), ids=COPIES)
def test_nothing_is_held_against_a_copy(made: Callable[[Image.Image], Image.Image]) -> None:
    seen = looked_at(shot(1), made(shot(1)))
    assert doubt(seen) is None, seen


def as_saved(image: Image.Image, quality: int) -> View:
    """The picture out of a JPEG, whose steps are known."""
    with Image.open(io.BytesIO(jpeg(image, quality))) as saved:
        assert isinstance(saved, JpegImageFile)
        return replace(viewed(saved), quantization=tuple(saved.quantization[0]))


@pytest.mark.parametrize("quality", [95, 90])
def test_a_copy_keeps_its_grain_and_a_second_exposure_does_not(quality: int) -> None:
    copy = look_closer_at(viewed(shot(1)), as_saved(shot(1), quality), STILL)
    second = look_closer_at(viewed(shot(1)), as_saved(shot(2), quality), STILL)
    assert copy.kept is not None
    assert second.kept is not None
    assert copy.kept > 0.95
    assert second.kept < 0.8


def test_grain_is_held_against_what_saving_leaves_of_it() -> None:
    harsh = as_saved(shot(1), 15)
    assert (look_closer_at(viewed(shot(1)), harsh, STILL).kept or 1.0) > 0.95
    assert (look_closer_at(viewed(shot(1)), replace(harsh, quantization=None), STILL).kept or 1.0) < 0.95


def test_somebody_who_walked_on_is_seen_in_both() -> None:
    light = scene(1, SIZE)
    seen = looked_at(shot(1, with_somebody(light, 200)), shot(2, with_somebody(light, 460)))
    assert seen.moved is not None
    assert seen.moved > 10
    assert "something" in (doubt(seen) or "")


def test_somebody_small_who_walked_on_is_seen_too() -> None:
    light = scene(1, SIZE)
    one, other = (light.copy() for _ in range(2))
    somebody = scene(8, SIZE).crop((100, 100, 134, 148))
    one.paste(somebody, (300, 320))
    other.paste(somebody, (330, 322))
    assert doubt(looked_at(shot(1, one), shot(2, other))) is not None


def test_a_bracket_is_two_exposures() -> None:
    darker = ImageEnhance.Brightness(scene(1, SIZE)).enhance(0.6)
    seen = looked_at(shot(1), shot(2, darker))
    assert "the light is another" in (doubt(seen) or ""), seen


def test_two_planes_of_focus_are_two_exposures() -> None:
    light = scene(1, SIZE)
    soft = light.filter(ImageFilter.GaussianBlur(3))
    near, far = light.copy(), soft.copy()
    near.paste(soft.crop((450, 0, *SIZE)), (450, 0))
    far.paste(light.crop((450, 0, *SIZE)), (450, 0))
    seen = looked_at(exposed(near, 1, noise=2.0), exposed(far, 2, noise=2.0))
    assert seen.each_sharper is not None
    assert seen.each_sharper > 0.1
    assert doubt(seen) is not None


def test_two_posts_of_one_application_show_other_photos() -> None:
    one, other = screenshot(exposed(scene(3), 1)), screenshot(exposed(scene(4), 2))
    seen = looked_at(one, other)
    assert doubt(seen) is not None


def test_a_small_photo_on_a_page_is_enough() -> None:
    pages = [document(1, (900, 1200)).copy() for _ in range(2)]
    for number, page in enumerate(pages):
        page.paste(exposed(scene(3 + number, (160, 120)), number), (640, 130))
    assert doubt(looked_at(*pages)) is not None


def test_pages_are_drawn_and_photos_are_not() -> None:
    assert (looked_at(document(1), document(1)).natural_a or 0.0) < 0.1
    assert (looked_at(shot(1), shot(1)).natural_a or 0.0) > 0.6


def test_a_page_with_another_number_is_another_page() -> None:
    one = document(1, (900, 1200)).copy()
    other = one.copy()
    ImageDraw.Draw(one).text((640, 45), "1748", font=letters(40), fill="white")
    ImageDraw.Draw(other).text((640, 45), "2965", font=letters(40), fill="white")
    assert "drawn otherwise" in (doubt(looked_at(one, other)) or "")
    assert doubt(looked_at(one, saved_again(one, 60))) is None


def test_a_crop_is_laid_on_the_whole_to_a_fraction_of_a_pixel() -> None:
    whole = shot(1)
    crop = part(whole, 0.1, 0.1, 0.9, 0.9)
    roughly = np.array([[1, 0, -91.2], [0, 1, -66.8], [0, 0, 1.0]])
    assert (look_closer_at(viewed(whole), viewed(crop), roughly).kept or 0.0) > 0.95


def test_too_small_a_shared_part_says_nothing() -> None:
    tiny = View(np.zeros((20, 20), np.uint8), 20, 20, None)
    assert look_closer_at(tiny, tiny, STILL).differing is None
