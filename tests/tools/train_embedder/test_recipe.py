from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from train_embedder.recipe import Recipe


def test_a_recipe_is_kept_as_it_was_given(tmp_path: Path) -> None:
    recipe = Recipe(seed=3, mixup=0.25)
    recipe.save(tmp_path)
    assert Recipe.load(tmp_path) == recipe


def test_what_two_recipes_disagree_on_is_named() -> None:
    recipe = Recipe()
    assert recipe.differences(replace(recipe, dim=64, steps=1)) == ["steps was 2000, is 1", "dim was 128, is 64"]
    assert recipe.differences(recipe) == []
