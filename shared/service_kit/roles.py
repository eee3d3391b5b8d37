"""Who may propose and who may decide (http-write-api.md section 2)."""

from collections.abc import Iterable
from typing import Final

from service_kit.access_settings import USER_ID, PendingQueueSettings
from service_kit.errors import KeyInvalid, RoleMissing
from service_kit.horde_users import User

REQUESTOR: Final = "requestor"
APPROVER: Final = "approver"


class RoleTable:
    """The roles of users by their ids. Approvers are requestors too; everybody else is just a reader."""

    def __init__(self, requestor_ids: Iterable[str], approver_ids: Iterable[str]) -> None:
        approvers = frozenset(filter(USER_ID.fullmatch, approver_ids))
        requestors = frozenset(filter(USER_ID.fullmatch, requestor_ids)) | approvers
        self._ids = {REQUESTOR: requestors, APPROVER: approvers}

    @classmethod
    def from_settings(cls, settings: PendingQueueSettings) -> "RoleTable":
        """Return the table of the configured ids."""
        return cls(settings.requestor_ids, settings.approver_ids)

    def roles(self, user: User) -> frozenset[str]:
        """Return the user's roles."""
        if not user.may_hold_roles:
            return frozenset()
        return frozenset(role for role, ids in self._ids.items() if user.user_id in ids)

    def has_any(self, role: str) -> bool:
        """Return whether there is anybody who has the role."""
        return bool(self._ids[role])

    def require_configured(self, role: str) -> None:
        """Raise `KeyInvalid` if nobody has the role: then no key can be the right one."""
        if not self.has_any(role):
            raise KeyInvalid

    def require(self, user: User, role: str) -> None:
        """Raise `RoleMissing` if the user has not the role."""
        if role not in self.roles(user):
            raise RoleMissing(f"the role {role} is needed for this")

    def require_requestor(self, user: User) -> None:
        """Raise `RoleMissing` if the user may not propose."""
        self.require(user, REQUESTOR)

    def require_approver(self, user: User) -> None:
        """Raise `RoleMissing` if the user may not decide."""
        self.require(user, APPROVER)
