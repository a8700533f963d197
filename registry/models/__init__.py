"""The nouns of the registry, one file each."""

from registry.models.campaign import Campaign
from registry.models.kinds import (
    Basis,
    GrantRole,
    OrganizationKind,
    PersonCategory,
    PoliticalStatus,
    Qualifier,
    Role,
    UnitKind,
    WorkflowState,
)
from registry.models.organization import Organization, OrganizationPlacement
from registry.models.person import Assignment, Person, StatusPeriod
from registry.models.record import AuditEntry, Grant, User
from registry.models.source import Figure, Source
from registry.models.unit import Unit, UnitPlacement

__all__ = [
    "Assignment",
    "AuditEntry",
    "Basis",
    "Campaign",
    "Figure",
    "Grant",
    "GrantRole",
    "Organization",
    "OrganizationKind",
    "OrganizationPlacement",
    "Person",
    "PersonCategory",
    "PoliticalStatus",
    "Qualifier",
    "Role",
    "Source",
    "StatusPeriod",
    "Unit",
    "UnitKind",
    "UnitPlacement",
    "User",
    "WorkflowState",
]
