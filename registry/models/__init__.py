"""The nouns of the registry, one file each."""

from registry.models.audit import AuditEntry, AuditProof, AuditSeal, SealedEntry
from registry.models.backup import Backup
from registry.models.campaign import Campaign
from registry.models.compliance import Holiday, RuleException, RuleSetting
from registry.models.figures import KeyFigures
from registry.models.kinds import (
    Basis,
    DateBasis,
    FigureCategory,
    GrantRole,
    Leaving,
    OrganizationKind,
    PersonCategory,
    PoliticalStatus,
    Qualifier,
    Role,
    UnitKind,
    WorkflowState,
)
from registry.models.organization import CoveredUnit, Organization, OrganizationPlacement
from registry.models.person import BEGINNING, Assignment, Person, PersonPlacement, StatusPeriod
from registry.models.sent import SentForm
from registry.models.session import Session
from registry.models.source import Figure, Source
from registry.models.term import NameTerm, OrganizationTerm, UnitTerm
from registry.models.totals import Total, TotalChange
from registry.models.unit import Unit, UnitPlacement
from registry.models.user import Grant, OldPassword, Proposal, User
