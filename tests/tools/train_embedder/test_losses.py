from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from train_embedder.losses import Memory, Shown, info_nce, koleo, shares  # noqa: E402

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]
TEMPERATURE = 0.5


def shown(vectors: list[list[float]], pictures: list[int], scenes: list[int] | None = None) -> Shown:
    pairs = torch.tensor(pictures)[:, None].repeat(1, 2)
    return Shown(
        torch.tensor(vectors).reshape(-1, 2),
        pairs,
        pairs if scenes is None else torch.tensor(scenes)[:, None].repeat(1, 2),
    )


NOTHING = shown([], [])
TWO_PAIRS = shown([EAST, EAST, NORTH, NORTH], [1, 1, 2, 2])


def test_info_nce_of_two_perfect_pairs() -> None:
    # Each view: its copy at cosine 1, two others at cosine 0.
    own, other = math.exp(1 / TEMPERATURE), 1.0
    expected = -math.log(own / (own + 2 * other))
    assert float(info_nce(TWO_PAIRS, NOTHING, TEMPERATURE, 1.0)) == pytest.approx(expected)


def test_earlier_vectors_are_further_negatives() -> None:
    earlier = shown([EAST], [3])
    own = math.exp(1 / TEMPERATURE)
    near, far = -math.log(own / (own + 2 + own)), -math.log(own / (own + 2 + 1))
    assert float(info_nce(TWO_PAIRS, earlier, TEMPERATURE, 1.0)) == pytest.approx((near + far) / 2)


def test_an_earlier_view_of_the_same_picture_counts_neither_way() -> None:
    earlier = shown([NORTH, NORTH], [1, 1])
    own = math.exp(1 / TEMPERATURE)
    # The pair on EAST is left as it was; the pair on NORTH has two negatives more, at cosine 1.
    same, worse = -math.log(own / (own + 2)), -math.log(own / (own + 2 + 2 * own))
    assert float(info_nce(TWO_PAIRS, earlier, TEMPERATURE, 1.0)) == pytest.approx((same + worse) / 2)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_another_shot_of_the_scene_counts_as_much_as_asked(weight: float) -> None:
    batch = shown([EAST, EAST, NORTH, NORTH], [1, 1, 2, 2], scenes=[9, 9, 9, 9])
    earlier = shown([NORTH], [3])
    own = math.exp(1 / TEMPERATURE)
    east, north = -math.log(own / (own + 2 * weight + 1)), -math.log(own / (own + 2 * weight + own))
    assert float(info_nce(batch, earlier, TEMPERATURE, weight)) == pytest.approx((east + north) / 2)


def test_a_blended_view_is_a_copy_of_both() -> None:
    batch = shown([EAST, EAST, NORTH, NORTH], [1, 1, 2, 2])
    batch.pictures[1, 1] = 2
    own = math.exp(1 / TEMPERATURE)
    # Row 1 shows 1 and 2: nothing is left that it should be far from. Row 0 has two negatives and one copy,
    # rows 2 and 3 one negative (row 0) and two copies (each other, and row 1 at cosine 0).
    first = math.log1p(2 / own)
    third = (math.log1p(1 / own) + math.log1p(1)) / 2
    assert float(info_nce(batch, NOTHING, TEMPERATURE, 1.0)) == pytest.approx((first + 0 + 2 * third) / 4)


def test_koleo_is_the_log_distance_to_the_nearest_other_scene() -> None:
    # From EAST to NORTH it is the square root of 2.
    assert float(koleo(TWO_PAIRS)) == pytest.approx(-math.log(math.sqrt(2)))


def test_koleo_of_equal_vectors_is_finite_and_can_be_learnt_from() -> None:
    batch = shown([EAST, EAST], [1, 2])
    batch.vectors.requires_grad_(True)
    koleo(batch).backward()
    assert torch.isfinite(batch.vectors.grad).all()


def test_two_rows_share_a_number_in_any_place() -> None:
    one, other = torch.tensor([[1, 2], [3, 3]]), torch.tensor([[2, 5], [4, 3], [6, 6]])
    assert shares(one, other).tolist() == [[True, False, False], [False, True, False]]


def test_the_oldest_vectors_are_forgotten_first() -> None:
    memory = Memory(3, 2, torch.device("cpu"))
    memory.add(shown([EAST, NORTH], [1, 2]))
    memory.add(shown([NORTH, NORTH], [3, 4]))
    assert memory.shown.pictures[:, 0].tolist() == [2, 3, 4]
    restored = Memory(3, 2, torch.device("cpu"))
    restored.load(memory.state())
    assert torch.equal(restored.shown.vectors, memory.shown.vectors)


def test_a_memory_of_nothing_stays_empty() -> None:
    memory = Memory(0, 2, torch.device("cpu"))
    memory.add(TWO_PAIRS)
    assert len(memory.shown.vectors) == 0
