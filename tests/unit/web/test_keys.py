from __future__ import annotations

import pytest

from dedupctl.errors import UsageError
from dedupctl.web.keys import Keys, base_url_of


@pytest.mark.parametrize(
    ("given", "base"), [("", ""), ("/", ""), ("photos", "/photos"), ("/photos/", "/photos"), ("/a//b", "/a/b")]
)
def test_a_base_is_taken_with_and_without_slashes(given: str, base: str) -> None:
    assert base_url_of(given) == base
    assert Keys(1, base_url=base).base.startswith(f"{base}/")


@pytest.mark.parametrize("given", ["/a b/", "/../", "/a/./b", "http://host/", "/ä/", "/a?b", "/a%20b", '/"/'])
def test_a_base_that_is_no_plain_path_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--base-url"):
        base_url_of(given)


def test_every_start_has_secrets_of_its_own() -> None:
    one, other = Keys(80), Keys(80)
    assert one.cookie == other.cookie
    assert one.cookie != Keys(81).cookie
    for secret in ("csrf", "folder", "link"):
        assert getattr(one, secret) != getattr(other, secret)
