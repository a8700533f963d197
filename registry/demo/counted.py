"""Which metric of the registry counts what a figure of the articles reports, or why none does."""

from __future__ import annotations

COUNTED = {
    "police_reinforcements": "frontline_reinforcements",
    "oath_ceremonies": "log.oath.entries",
    "donations_yuan": "log.donation.value",
    "individual_donors": "log.donation.individuals",
    "commendation_bulletins": "log.commendation.entries",
    "commended_collectives": "log.commendation.collectives",
    "commended_individuals": "log.commendation.people",
    "protective_equipment_spend_yuan": "log.protective.cost",
    "media_reports": "log.media_report.entries",
    "petition_signatories": "log.pledge.signatories",
    "petition_letters": "log.pledge.entries",
    "party_applications": "log.recruitment_2014.applied",
    "members_recruited_frontline": "log.recruitment_2014.approved",
    "wartime_targets": "log.target.entries",
    "meetings_held": "log.special_meeting.entries",
    "notices_distributed": "log.notice.copies",
    "care_visits": "log.care_visit.entries",
    "difficulties_resolved": "log.difficulty.resolved",
    "top_brands": "log.brand_contest.selected",
    "contest_branches": "log.brand_contest.entries",
    "branches_with_brand": "log.brand.made",
}
"""The metric by the name that the tables give it, where the registry calls it otherwise."""

REPORTED_ONLY = {
    "consecutive_duty_days": "报道引述一人连续在岗,值班表还没有。",
    "consecutive_duty_nights": "报道引述一人连续在岗,值班表还没有。",
    "party_standing_years": "报道引述一人的党龄,不是统计数。",
    "police_total": "范围不明,见差异说明。",
    "party_members": "范围不明,见差异说明。",
    "social_media_responses_per_work": "每部作品的数,作品有几部未载明,不能相加。",
    "grassroots_party_orgs": "含演示没有载入的常设党组织。",
    "task_force_party_members": "一个专班的人数,系统按单位核对,不按单个组织核对。",
    "initiative_pairs": "举措的组数,不是登记的事项。",
    "study_sessions_per_week": "每周的频次,不是累计数;集中学习台账有每一次。",
    "theory_group_sessions_per_month": "每月的频次,不是累计数;集中学习台账有每一次。",
    "party_anniversary_years": "周年数,不是统计数。",
    "care_pairing_ratio": "结对的比例,对数未载明;结对帮扶台账有每一对。",
    "brands_per_branch": "每个支部的数,不是累计数;党建品牌台账有每一个。",
    "work_methods_per_branch": "每个支部的数,不是累计数;支部工作法台账有每一个。",
    "party_branches": "按机关党委所属计,有的支部驻在其他单位;系统按单位核对。",
    "sub_bureau_party_committees": "只指仿效市局做法的分局党委,系统不分这一类。",
    "meetings_held": "会议由谁召开不明,记在大队;专题会议台账有每一次。",
    "contest_branches": "按机关党委所属的党支部计;品牌评选台账有每一个。",
    "branches_with_brand": "按机关党委所属的党支部计;党建品牌台账有每一个。",
    "assessment_aspects": "考核还没有。",
    "assessment_items": "考核还没有。",
}
"""Why no number is set beside a figure, in words that stand with it."""
