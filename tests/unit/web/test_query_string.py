from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from dedupctl.domain import PairKind
from dedupctl.errors import UsageError
from dedupctl.web.query_string import as_query, key_as_text, key_of, number_of, wanted_of
from dedupctl.web.queue import Wanted


def test_filters_survive_the_way_through_an_address() -> None:
    wanted = Wanted(frozenset({PairKind.NEAR, PairKind.SIMILAR}), 3, 1_500_000, "2020-01-31", "2021-12-01")
    assert wanted_of(QueryParams(as_query(wanted).removeprefix("?"))) == wanted
    assert as_query(Wanted()) == ""
    assert wanted_of(QueryParams("")) == Wanted()
    assert as_query(Wanted(), after="1.0.2") == "?after=1.0.2"


def test_places_survive_the_way_through_an_address() -> None:
    assert key_of(key_as_text((-500, True, 12))) == (-500, True, 12)
    assert key_of("") is None


@pytest.mark.parametrize("text", ["-1", "1e3", "٣", "x", "9" * 19])
def test_what_is_no_number_of_ours_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        number_of(text)
