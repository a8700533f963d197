"""Addresses of the pages of the core nouns."""

from django.urls import path

from registry.nouns import all_nouns
from registry.pages import home, pickers, search, start
from registry.pages.audit import views as record
from registry.pages.audit.tables import RecordTable
from registry.pages.campaigns import changes as campaign_changes
from registry.pages.campaigns import views as campaigns
from registry.pages.campaigns.tables import CampaignTable
from registry.pages.comparison import views as comparison
from registry.pages.comparison.tables import ComparisonTable
from registry.pages.desk import decide
from registry.pages.desk import views as desk
from registry.pages.organizations import changes as organization_changes
from registry.pages.organizations import copying, founding
from registry.pages.organizations import paper as organization_paper
from registry.pages.organizations import reorganizing as organization_reorganizing
from registry.pages.organizations import ticked as ticked_organizations
from registry.pages.organizations import views as organizations
from registry.pages.organizations.members import MemberTable
from registry.pages.organizations.tables import OrganizationTable
from registry.pages.people import assignments, leaving, lent, ticked
from registry.pages.people import changes as people_changes
from registry.pages.people import views as people
from registry.pages.people.roll import RollTable
from registry.pages.people.tables import PeopleTable
from registry.pages.tree import views as tree
from registry.pages.units import changes as unit_changes
from registry.pages.units import happened
from registry.pages.units import paper as unit_paper
from registry.pages.units import views as units
from registry.pages.units.happened import ChangeTable
from registry.pages.units.tables import UnitsBelowTable, UnitTable
from registry.web.tables import export

urlpatterns = [
    path("", home.home, name="home"),
    path("desk/", desk.desk, name="desk"),
    path("desk/approve/", decide.approve, name="desk_approve"),
    path("desk/return/", decide.send_back, name="desk_return"),
    path("start/", start.start, name="start"),
    path("start/unit/", start.first_unit, name="first_unit"),
    path("start/skip/", start.skip, name="start_skip"),
    path("search/", search.search, name="search"),
    path("search/now/", search.search_now, name="search_now"),
    path("day/", pickers.read_day, name="read_day"),
    # lists as files
    path("export/organizations/", export(OrganizationTable), name="organizations_export"),
    path("export/campaigns/", export(CampaignTable), name="campaigns_export"),
    path("export/organizations/<slug:code>/members/", export(MemberTable.of), name="members_export"),
    path("export/people/", export(PeopleTable), name="people_export"),
    path("export/assignments/", export(assignments.AssignmentTable), name="assignments_export"),
    path("export/roll/", export(RollTable), name="roll_export"),
    path("export/lent/", export(lent.LentTable), name="lent_export"),
    path("export/comparison/", export(ComparisonTable), name="comparison_export"),
    path("export/units/", export(UnitTable), name="units_export"),
    path("export/units/<slug:code>/table/", export(UnitsBelowTable.of), name="unit_table_export"),
    path("export/units/<slug:code>/changes/", export(ChangeTable.of), name="unit_changes_export"),
    # units and the tree
    path("units/<slug:code>/", units.unit, name="unit"),
    path("units/<slug:code>/changes/", happened.happened, name="unit_changes"),
    path("units/<slug:code>/print/", unit_paper.paper, name="unit_print"),
    path("units/<slug:code>/add/", unit_changes.add, name="unit_add"),
    path("units/<slug:code>/edit/", unit_changes.edit, name="unit_edit"),
    path("units/<slug:code>/move/", unit_changes.move, name="unit_move"),
    path("units/<slug:code>/figures/", unit_changes.figures, name="unit_figures"),
    path("units/<slug:code>/merge/", unit_changes.merge, name="unit_merge"),
    path("units/<slug:code>/close/", unit_changes.close, name="unit_close"),
    path("units/<slug:code>/register/", organization_changes.register, name="organization_register"),
    path("units/<slug:code>/register/suggest/", organization_changes.suggest, name="organization_suggest"),
    path("units/<slug:code>/found/", founding.found, name="organizations_found"),
    path("units/<slug:code>/people/add/", people_changes.add, name="person_add"),
    path("tree/", tree.page, name="tree"),
    path("tree/side/", tree.side, name="tree_side"),
    path("tree/units/<slug:code>/", tree.unit_children, name="tree_unit"),
    path("tree/organizations/<slug:code>/", tree.organization_children, name="tree_organization"),
    # over time
    path("compare/", comparison.comparison, name="comparison"),
    # campaigns
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("start-campaign/", campaign_changes.start, name="campaign_start"),
    path("campaigns/<slug:code>/", campaigns.campaign, name="campaign"),
    path("campaigns/<slug:code>/edit/", campaign_changes.edit, name="campaign_edit"),
    path("campaigns/<slug:code>/reopen/", campaign_changes.reopen, name="campaign_reopen"),
    # organizations
    path("organizations/", organizations.ledger, name="organizations"),
    path("many/organizations/submit/", ticked_organizations.submit, name="organizations_submit"),
    path("many/organizations/approve/", ticked_organizations.approve, name="organizations_approve"),
    path("many/organizations/return/", ticked_organizations.send_back, name="organizations_return"),
    path("many/organizations/dissolve/", ticked_organizations.dissolve, name="organizations_dissolve"),
    path("organizations/<slug:code>/", organizations.organization, name="organization"),
    path("organizations/<slug:code>/print/", organization_paper.paper, name="organization_print"),
    path("organizations/<slug:code>/copy/", copying.copy, name="organization_copy"),
    path("organizations/<slug:code>/edit/", organization_changes.edit, name="organization_edit"),
    path("organizations/<slug:code>/correct/", organization_changes.correct, name="organization_correct"),
    path("organizations/<slug:code>/move/", organization_changes.move, name="organization_move"),
    path("organizations/<slug:code>/transfer/", organization_changes.transfer, name="organization_transfer"),
    path("organizations/<slug:code>/cover/", organization_changes.cover, name="organization_cover"),
    path("organizations/<slug:code>/merge/", organization_reorganizing.merge, name="organization_merge"),
    path("organizations/<slug:code>/split/", organization_reorganizing.split, name="organization_split"),
    path(
        "organizations/<slug:code>/reconstitute/",
        organization_reorganizing.reconstitute,
        name="organization_reconstitute",
    ),
    path("organizations/<slug:code>/dissolve/", organization_changes.dissolve, name="organization_dissolve"),
    path("organizations/<slug:code>/withdraw/", organization_changes.withdraw, name="organization_withdraw"),
    path("organizations/<slug:code>/submit/", organization_changes.submit, name="organization_submit"),
    path("organizations/<slug:code>/approve/", organization_changes.approve, name="organization_approve"),
    path("organizations/<slug:code>/return/", organization_changes.send_back, name="organization_return"),
    path("organizations/<slug:code>/members/add/", people_changes.assign, name="organization_members_add"),
    path("organizations/<slug:code>/members/end/", people_changes.end_many, name="organization_members_end"),
    # people and their assignments
    path("people/", people.people, name="people"),
    path("lent/", lent.lent, name="lent"),
    path("borrow/", people_changes.borrow, name="person_borrow"),
    path("people/<str:number>/", people.person, name="person"),
    path("people/<str:number>/reveal/", people.reveal, name="person_reveal"),
    path("people/<str:number>/edit/", people_changes.edit, name="person_edit"),
    path("people/<str:number>/status/", people_changes.status, name="person_status"),
    path("people/<str:number>/transfer/", people_changes.transfer, name="person_transfer"),
    path("people/<str:number>/leave/", leaving.leave, name="person_leave"),
    path("people/<str:number>/restore/", leaving.restore, name="person_restore"),
    path("people/<str:number>/merge/", leaving.merge, name="person_merge"),
    path("people/<str:number>/assign/", people_changes.assign_one, name="person_assign"),
    path("assignments/", assignments.assignments, name="assignments"),
    path("many/assignments/end/", ticked.end, name="assignments_end"),
    path("many/assignments/transfer/", ticked.transfer, name="assignments_transfer"),
    path("many/assignments/role/", ticked.role, name="assignments_role"),
    path("many/assignments/edit/", ticked.edit, name="assignments_edit"),
    path("many/assignments/withdraw/", ticked.withdraw, name="assignments_withdraw"),
    path("assignments/<int:pk>/edit/", people_changes.edit_assignment, name="assignment_edit"),
    path("assignments/<int:pk>/role/", people_changes.role, name="assignment_role"),
    path("assignments/<int:pk>/end/", people_changes.end, name="assignment_end"),
    path("assignments/<int:pk>/withdraw/", people_changes.withdraw, name="assignment_withdraw"),
    # the record
    path("record/", record.record, name="record"),
    path("record/export/", export(RecordTable), name="record_export"),
    path("record/<int:pk>/undo/", record.undo, name="record_undo"),
    # pickers
    path("pick/metrics/", pickers.pick_metric, name="pick_metrics"),
    *(
        path(f"pick/{noun.plural}/", pickers.pick, {"noun": noun.key}, name=f"pick_{noun.plural}")
        for noun in all_nouns()
        if noun.picker is not None
    ),
]
