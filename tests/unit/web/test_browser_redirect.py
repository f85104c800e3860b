from __future__ import annotations

import os
import stat

from dedupctl.web.browser_redirect import redirect_to


def test_the_link_stands_in_a_file_that_others_cannot_read_and_that_does_not_stay() -> None:
    before = os.umask(0)
    try:
        with redirect_to('http://127.0.0.1:1/x/?token="a&b') as file:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert 'content="0; url=http://127.0.0.1:1/x/?token=&quot;a&amp;b"' in file.read_text()
            assert "token" not in file.name
    finally:
        os.umask(before)
    assert not file.exists()
