"""Addresses of what breaks the rules, of exceptions, of the rules and of the workday calendar."""

from django.urls import path

from registry.compliance import card, changes, page, rules, views, workdays
from registry.compliance.tables import BreachTable, ExceptionTable
from registry.web.tables import export

urlpatterns = [
    path("compliance/", page.compliance, name="compliance"),
    path("compliance/breaches/", views.breaches, name="breaches"),
    path("export/breaches/", export(BreachTable), name="breaches_export"),
    path("units/<slug:code>/compliance/", page.line, name="compliance_line"),
    path("organizations/<slug:code>/compliance/", card.card, name="organization_compliance"),
    # exceptions
    path("compliance/exceptions/", views.exceptions, name="exceptions"),
    path("export/exceptions/", export(ExceptionTable), name="exceptions_export"),
    path("organizations/<slug:code>/except/", changes.grant, name="exception_grant"),
    path("compliance/exceptions/<int:pk>/end/", changes.end, name="exception_end"),
    # rules and days, for everybody
    path("compliance/rules/", rules.rules, name="rules"),
    path("export/rules/", export(rules.RuleTable), name="rules_export"),
    path("compliance/rules/<slug:slug>/", rules.rule, name="rule"),
    path("compliance/rules/<slug:slug>/set/", changes.set_rule, name="rule_set"),
    path("compliance/workdays/", workdays.workdays, name="workdays"),
    path("compliance/workdays/load/", changes.load_workdays, name="workdays_load"),
    path("compliance/workdays/set/", changes.set_workdays, name="workdays_set"),
]
