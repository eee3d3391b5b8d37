"""Who has which role."""

import pytest

from service_kit.access_settings import PendingQueueSettings
from service_kit.errors import KeyInvalid, RoleMissing
from service_kit.horde_users import User
from service_kit.roles import APPROVER, REQUESTOR, RoleTable

TABLE = RoleTable(["101", "102"], ["202"])


def a_user(user_id: str, *, may_hold_roles: bool = True) -> User:
    return User(user_id, f"somebody#{user_id}", may_hold_roles)


@pytest.mark.parametrize(
    ("user_id", "roles"),
    [("101", {REQUESTOR}), ("202", {REQUESTOR, APPROVER}), ("303", set()), ("0", set()), ("", set())],
)
def test_roles_follow_from_the_lists_and_approvers_are_requestors(user_id: str, roles: set[str]) -> None:
    assert TABLE.roles(a_user(user_id)) == roles


@pytest.mark.parametrize(
    "user_id", ["101 (Shared Key: x)", "0101", " 101", "101 ", "\u0661\u0660\u0661", "1e2"]
)
def test_id_that_only_looks_like_a_listed_one_has_no_role(user_id: str) -> None:
    assert TABLE.roles(a_user(user_id)) == frozenset()


@pytest.mark.parametrize("listed", ["0", "101 (Shared Key: x)", "\u0661\u0660\u0661", "", "-1", "007"])
def test_listed_id_that_is_no_number_grants_nothing(listed: str) -> None:
    table = RoleTable([listed], [listed])
    assert table.roles(a_user(listed)) == frozenset()
    with pytest.raises(KeyInvalid):
        table.require_configured(REQUESTOR)


def test_user_who_may_hold_no_roles_has_none_whatever_the_id() -> None:
    assert TABLE.roles(a_user("202", may_hold_roles=False)) == frozenset()


def test_missing_role_is_named() -> None:
    with pytest.raises(RoleMissing, match=REQUESTOR):
        TABLE.require_requestor(a_user("303"))
    with pytest.raises(RoleMissing, match=APPROVER):
        TABLE.require_approver(a_user("101"))


def test_user_with_the_role_passes() -> None:
    TABLE.require_requestor(a_user("101"))
    TABLE.require_requestor(a_user("202"))
    TABLE.require_approver(a_user("202"))


@pytest.mark.parametrize(
    ("requestors", "approvers", "unconfigured"),
    [
        ([], [], {REQUESTOR, APPROVER}),
        (["101"], [], {APPROVER}),
        ([], ["202"], set()),
        (["101"], ["202"], set()),
    ],
)
def test_role_that_nobody_has_makes_every_key_invalid(
    requestors: list[str], approvers: list[str], unconfigured: set[str]
) -> None:
    table = RoleTable(requestors, approvers)
    for role in (REQUESTOR, APPROVER):
        if role in unconfigured:
            with pytest.raises(KeyInvalid):
                table.require_configured(role)
        else:
            table.require_configured(role)


def test_table_is_made_from_the_settings() -> None:
    table = RoleTable.from_settings(PendingQueueSettings(requestor_ids=("7",), approver_ids=("8",)))
    assert table.roles(a_user("7")) == {REQUESTOR}
    assert table.roles(a_user("8")) == {REQUESTOR, APPROVER}
