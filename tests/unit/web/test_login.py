"""How a browser is let in, and who is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rendered_library import RenderedLibrary, drawn
from visitor import Answer, Visitor, workspace_of

from dedupctl.fingerprint.embedder import ModelIdentity
from dedupctl.web.login_attempts import MOST_FROM_ONE
from dedupctl.web.password import Password, find_password, set_password
from dedupctl.web.server import serving

RIGHT = "correct horse"


def stranger(visitor: Visitor) -> Visitor:
    return Visitor(visitor.keys, cookie="")


def entering(visitor: Visitor, **headers: str) -> Answer:
    return stranger(visitor).get(f"/?token={visitor.keys.token.value}", **headers)


def test_the_link_gives_a_cookie_that_no_script_and_no_other_site_can_use(visitor: Visitor) -> None:
    answer = entering(visitor)
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert Visitor(visitor.keys, cookie.partition(";")[0]).get("/").status == 200


def test_the_cookie_is_for_a_folder_that_another_port_of_the_host_cannot_name(
    library: RenderedLibrary, visitor: Visitor, model: ModelIdentity
) -> None:
    cookie = entering(visitor).headers["set-cookie"]
    assert f"; Path={visitor.keys.base}/;" in cookie
    with serving(workspace_of(library.home, library.catalog, library.thumbs, model)) as other:
        assert other.base != visitor.keys.base
        assert len(other.folder) > 16


def test_the_link_is_good_once(visitor: Visitor) -> None:
    assert entering(visitor).status == 200
    again = entering(visitor)
    assert again.status == 403
    assert "in one browser, once" in again.text
    assert "set-cookie" not in again.headers


def test_a_browser_that_fetches_ahead_does_not_spend_the_link(visitor: Visitor) -> None:
    assert entering(visitor, Sec_Purpose="prefetch;prerender").status == 403
    assert entering(visitor).status == 200


def test_the_link_may_be_opened_from_a_file_or_another_program(visitor: Visitor) -> None:
    assert entering(visitor, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200


def test_a_session_ends_with_the_server(library: RenderedLibrary, visitor: Visitor, model: ModelIdentity) -> None:
    with serving(workspace_of(library.home, library.catalog, library.thumbs, model)) as later:
        old = visitor.keys.cookie.replace(str(visitor.keys.port), str(later.port))
        secret = (visitor.cookie or "").partition("=")[2]
        assert Visitor(later, f"{old}={secret}").get("/").status == 403


def test_a_cookie_that_another_port_has_set_beside_ours_shuts_nobody_out(visitor: Visitor) -> None:
    name, _, secret = (visitor.cookie or "").partition("=")
    for cookies in (f"{name}={secret}; {name}=x", f"{name}=x; {name}={secret}", f'"a=b; {name}={secret}'):
        assert Visitor(visitor.keys, cookies).get("/").status == 200, cookies
    assert Visitor(visitor.keys, f"{name}-1={secret}").get("/").status == 403


def test_the_token_opens_nothing_but_the_login(visitor: Visitor) -> None:
    token = visitor.keys.token.value
    assert stranger(visitor).get(f"/history?token={token}").status == 403
    assert stranger(visitor).outside(f"/?token={token}").status == 403
    assert Visitor(visitor.keys, f"{visitor.keys.cookie}={token}").get("/").status == 403
    assert entering(visitor).status == 200


@pytest.fixture
def guest(library: RenderedLibrary, model: ModelIdentity) -> Iterator[Visitor]:
    """Somebody at the door of a page that other machines may open, behind a proxy that shows it below /photos/."""
    set_password(library.home, RIGHT)
    password = find_password(library.home, {})
    workspace = workspace_of(library.home, library.catalog, library.thumbs, model)
    with serving(workspace, password=password, base_url="/photos") as keys:
        yield Visitor(keys, cookie="")


def log_in(guest: Visitor, password: str = RIGHT, **headers: str) -> Answer:
    return guest.post_outside("/photos/", {"password": password}, **headers)


def let_in(guest: Visitor, answer: Answer) -> Visitor:
    return Visitor(guest.keys, answer.headers["set-cookie"].partition(";")[0])


def test_the_right_password_lets_in(guest: Visitor) -> None:
    answer = log_in(guest)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert f"; Path={guest.keys.base}/;" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    inside = let_in(guest, answer)
    assert inside.get("/").status == 200
    assert "Log out" in inside.get("/").text


def test_a_wrong_password_does_not(guest: Visitor) -> None:
    for wrong in ("", "correct hors", RIGHT + " ", "\0", "ä" * 1000):
        answer = log_in(guest, wrong)
        assert (answer.status, "set-cookie" in answer.headers) == (403, False), wrong
        assert "That is not the password." in answer.text


def test_without_a_session_there_is_the_login_page_and_nothing_else(library: RenderedLibrary, guest: Visitor) -> None:
    library.add_file(b"a.jpg", library.add_content(drawn(1)))
    page = guest.outside("/photos/")
    assert page.status == 200
    assert 'type="password"' in page.text
    assert guest.keys.folder not in page.text
    for path in ("/photos/thumbnail/1", "/photos/history", "/elsewhere", f"{guest.keys.base}/thumbnail/1"):
        answer = guest.outside(path)
        assert (answer.status, answer.headers["location"]) == (303, "/photos/"), path
    assert guest.outside("/photos/static/web.css").headers["content-type"].startswith("text/css")
    assert guest.outside("/photos/static/nothing.css").status == 404
    assert guest.post("/undo").status == 403


def test_the_link_of_a_page_with_a_password_holds_no_secret(guest: Visitor) -> None:
    assert guest.keys.link == f"http://127.0.0.1:{guest.keys.port}/photos/"
    assert guest.outside(f"/photos/?token={guest.keys.token.value}").text == guest.outside("/photos/").text
    assert guest.get(f"/?token={guest.keys.token.value}").status == 303


def test_many_wrong_passwords_make_even_the_right_one_wait(guest: Visitor) -> None:
    inside = let_in(guest, log_in(guest))
    for _ in range(MOST_FROM_ONE):
        assert log_in(guest, "a guess").status == 403
    for password in ("a guess", RIGHT):
        answer = log_in(guest, password)
        assert answer.status == 429
        assert 0 < int(answer.headers["retry-after"]) <= 900
        assert "set-cookie" not in answer.headers
    assert inside.get("/").status == 200


def test_behind_a_proxy_it_is_the_browsers_address_that_counts(guest: Visitor) -> None:
    for _ in range(MOST_FROM_ONE + 1):
        answer = log_in(guest, "a guess", X_Forwarded_For="10.0.0.1")
    assert answer.status == 429
    assert log_in(guest, X_Forwarded_For="10.0.0.2").status == 200


def test_logging_out_ends_the_session(guest: Visitor) -> None:
    inside, beside = let_in(guest, log_in(guest)), let_in(guest, log_in(guest))
    assert inside.post("/leave").headers["location"] == "/photos/"
    assert inside.get("/").status == 303
    assert beside.get("/").status == 200


def test_another_site_cannot_log_in_for_somebody(guest: Visitor) -> None:
    assert log_in(guest, Origin="http://evil.example").status == 403
    assert log_in(guest, Origin="").status == 403
    assert log_in(guest, Sec_Fetch_Site="cross-site").status == 403
    assert log_in(guest, Content_Type="text/plain").status == 400


def test_a_proxy_with_tls_is_understood(guest: Visitor) -> None:
    """One that hands on the Host, and one that does not: a browser that speaks TLS says which site it is on."""
    name = "photos.example.org"
    answer = log_in(guest, Host=name, Origin=f"https://{name}")
    assert answer.status == 200
    assert "; Secure" in answer.headers["set-cookie"]
    assert log_in(guest, Origin=f"https://{name}", Sec_Fetch_Site="same-origin").status == 200
    assert log_in(guest, Origin=f"https://{name}").status == 403
    inside = let_in(guest, answer)
    assert inside.post("/undo", Host=name, Origin=f"https://{name}").status == 303


def test_a_proxy_may_take_the_sub_path_off(guest: Visitor) -> None:
    assert guest.post_outside("/", {"password": RIGHT}).status == 200
    inside = let_in(guest, log_in(guest))
    assert inside.outside(f"{guest.keys.folder}/history").status == 200


def test_a_page_without_a_password_listens_to_nobody_else(library: RenderedLibrary, model: ModelIdentity) -> None:
    workspace = workspace_of(library.home, library.catalog, library.thumbs, model)
    with pytest.raises(AssertionError), serving(workspace, address="0.0.0.0"):  # noqa: S104 - it must not
        pass


def test_a_page_with_a_password_can_be_asked_from_other_addresses(
    library: RenderedLibrary, model: ModelIdentity
) -> None:
    set_password(library.home, RIGHT)
    workspace = workspace_of(library.home, library.catalog, library.thumbs, model)
    with serving(workspace, address="::1", password=find_password(library.home, {})) as keys:
        assert keys.link == f"http://[::1]:{keys.port}/"


def test_a_password_is_known_by_its_hash_alone(library: RenderedLibrary) -> None:
    stored = set_password(library.home, RIGHT)
    assert RIGHT not in stored.read_text()
    assert isinstance(find_password(library.home, {}), Password)
