"""The registry as a Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """The core: its nouns, verbs, rules and metrics."""

    name = "registry"
    label = "registry"
    verbose_name = "战时党建组织登记"
    verbs_label = "导出和维护"
    nouns = (
        "registry.nouns.unit.UNIT",
        "registry.nouns.organization.ORGANIZATION",
        "registry.nouns.person.PERSON",
        "registry.nouns.assignment.ASSIGNMENT",
        "registry.nouns.campaign.CAMPAIGN",
        "registry.nouns.source.SOURCE",
        "registry.nouns.source.FIGURE",
        "registry.nouns.user.USER",
        "registry.nouns.grant.GRANT",
        "registry.nouns.compliance.RULE_EXCEPTION",
    )
    """In the order in which a workbook is written: what is named by a later one comes first."""
    verbs = ("registry.nouns.general.VERBS", "registry.nouns.compliance.VERBS")
    record_words = ("registry.nouns.general.WORDS", "registry.nouns.compliance.WORDS")
    edits = (
        "registry.operations.units.edit_unit",
        "registry.operations.organizations.edit_organization",
        "registry.operations.people.edit_person",
        "registry.operations.campaigns.edit_campaign",
        "registry.operations.sources.edit_source",
        "registry.operations.sources.edit_figure",
        "registry.operations.assignments.edit_assignment",
    )
    """The operations that set an edit back: each by the name of its verb, told its row as ``noun.key``."""
    approved_acts = (
        "registry.operations.organizations.edit_organization",
        "registry.operations.organizations.move_organization",
        "registry.operations.organizations.transfer_organization",
        "registry.operations.covering.cover_units",
        "registry.operations.organizations.dissolve_organization",
        "registry.operations.organizations.dissolve_organizations",
        "registry.operations.reorganizing.merge_organization",
        "registry.operations.reorganizing.split_organization",
        "registry.operations.reorganizing.reconstitute_organization",
        "registry.operations.organizations.withdraw_organization",
        "registry.operations.organizations.withdraw_organizations",
        "registry.operations.assignments.place_people",
        "registry.operations.assignments.assign_people",
        "registry.operations.assignments.assign_person",
        "registry.operations.assignments.change_role",
        "registry.operations.assignments.change_roles",
        "registry.operations.assignments.transfer_assignments",
        "registry.operations.take_back.take_back",
        "registry.operations.undo.undo_edit",
    )
    """The operations that are submitted where they change what is approved (``operations.submitting``)."""
    standing_rules = ("registry.rules.restored.RULES",)
    """What must hold of rows that an act taken back has set back (``registry.operations.take_back``)."""
    closing_rules = (
        "registry.rules.campaigns.lead_refusals",
        "registry.rules.covering.closing_refusals",
    )
    cleaners = ("registry.operations.retention.CLEANERS",)
    metrics = (
        "registry.counting.metrics.ORGANIZATION_METRICS",
        "registry.counting.metrics.PEOPLE_METRICS",
    )
    unlisted_metrics = ("registry.counting.metrics.UNLISTED",)
