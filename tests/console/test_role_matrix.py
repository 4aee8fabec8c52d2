"""What each role may do: the page says what the service's policy is."""

import pytest

from credit.v1.role_grant_pb2 import Role
from creditd.console.subjects.role_matrix import MATRIX, STAFF_ROLES
from creditd.server.authorization.policy import PERMISSIONS
from tests.support.console import Browser, Members

OF_ONESELF = {"access.read_own", "sign_in.change_own"}
"""Which everybody has."""


@pytest.mark.requirement("D3", "D6")
def test_the_matrix_is_the_policy() -> None:
    stated = [name for row in MATRIX for name in row.permissions]
    assert sorted(stated) == sorted(PERMISSIONS.keys() - OF_ONESELF)
    for row in MATRIX:
        may = {Role.Name(role).removeprefix("ROLE_") for role in STAFF_ROLES if row.answer(role) != "no"}
        for name in row.permissions:
            assert PERMISSIONS[name].roles - {"USER", "PREMIUM"} == may, (row.key, name)


def test_the_matrix_is_a_click_from_the_roles_and_for_who_may_see_them(signed_in: Browser) -> None:
    signed_in.get("/roles")
    assert 'href="/roles/matrix"' in signed_in.page.text
    signed_in.get("/roles/matrix")
    for shown in (
        "Support Finance Admin Super admin",
        "Clear flags no yes yes yes",
        "with the approval of a second person",
    ):
        assert shown in " ".join(signed_in.text.replace("·", "").split()), shown


def test_support_does_not_see_the_matrix(browser: Browser, members: Members) -> None:
    browser.signs_in(members("SUPPORT"))
    assert browser.get("/roles/matrix").status_code == 403
