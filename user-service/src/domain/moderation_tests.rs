use serde_json::json;

use super::super::account::alice;
use super::*;
use shared::id::UserId;

fn person(id: i64, role: Role) -> User {
    User { id: UserId::new(id), role, ..alice() }
}

fn sentence() -> Measure {
    Measure::Suspend(Sentence { reason: "spam".to_owned(), until: None })
}

#[test]
fn moderators_act_on_plain_users_and_admins_on_everybody() {
    use Role::{Admin, Moderator, User};
    for (actor, subject, on_account, on_role) in [
        (User, User, false, false),
        (User, Admin, false, false),
        (Moderator, User, true, false),
        (Moderator, Moderator, false, false),
        (Moderator, Admin, false, false),
        (Admin, User, true, true),
        (Admin, Moderator, true, true),
        (Admin, Admin, true, true),
    ] {
        let (actor, subject) = (person(1, actor), person(2, subject));
        let allowed = |measure: &Measure| {
            permit(Authority::Person(&actor), &subject, measure, true) == Ok(())
                && permit(Authority::Operator, &subject, measure, true) == Ok(())
        };
        for measure in [sentence(), Measure::Unsuspend, Measure::Verify(true), Measure::Verify(false)] {
            assert_eq!(allowed(&measure), on_account, "{:?} {:?} {measure:?}", actor.role, subject.role);
        }
        for role in Role::ALL {
            assert_eq!(allowed(&Measure::SetRole(role)), on_role, "{:?} {:?}", actor.role, subject.role);
        }
    }
}

#[test]
fn who_is_hidden_has_no_role() {
    for status in [Status::Suspended, Status::Deactivated, Status::Deleted] {
        let actor = User { status, ..person(1, Role::Admin) };
        let denied = permit(Authority::Person(&actor), &person(2, Role::User), &sentence(), true);
        assert_eq!(denied, Err(Denial::Forbidden), "{status:?}");
    }
}

#[test]
fn nobody_takes_anything_from_themselves() {
    let admin = person(1, Role::Admin);
    let on_self = |measure: &Measure, others| permit(Authority::Person(&admin), &admin, measure, others);
    for measure in [sentence(), Measure::SetRole(Role::Moderator), Measure::SetRole(Role::User)] {
        assert_eq!(on_self(&measure, true), Err(Denial::NotOnYourself));
        assert_eq!(on_self(&measure, false), Err(Denial::LastAdmin));
    }
    for measure in [Measure::SetRole(Role::Admin), Measure::Verify(true), Measure::Unsuspend] {
        assert_eq!(on_self(&measure, false), Ok(()));
    }
    let moderator = person(1, Role::Moderator);
    for measure in [sentence(), Measure::SetRole(Role::Admin), Measure::Verify(true)] {
        let denied = permit(Authority::Person(&moderator), &moderator, &measure, true);
        assert_eq!(denied, Err(Denial::Forbidden));
    }
}

#[test]
fn the_last_admin_stays_also_before_the_operator() {
    let last = person(1, Role::Admin);
    for measure in [sentence(), Measure::SetRole(Role::User)] {
        assert_eq!(permit(Authority::Operator, &last, &measure, false), Err(Denial::LastAdmin));
        assert_eq!(permit(Authority::Operator, &last, &measure, true), Ok(()));
        let away = User { status: Status::Deactivated, ..last.clone() };
        assert_eq!(permit(Authority::Operator, &away, &measure, false), Ok(()), "who is away is no help");
    }
}

/// The reason and the end in milliseconds, or each refused field with its code.
type Judged<'a> = Result<(&'a str, Option<i64>), &'a [(&'a str, &'a str)]>;

fn check(raw: serde_json::Value, expected: Judged<'_>) {
    let parsed: RawSuspension = serde_json::from_value(raw.clone()).unwrap();
    let now = Micros::from_millis(1_000);
    match (parsed.validate(now), expected) {
        (Ok(got), Ok((reason, until))) => {
            assert_eq!((got.reason.as_str(), got.until.map(Micros::as_millis)), (reason, until), "{raw}");
        }
        (Err(got), Err(expected)) => {
            let got: Vec<_> = got.iter().map(|problem| (problem.field, problem.code)).collect();
            assert_eq!(got, expected, "{raw}");
        }
        (got, _) => panic!("{raw}: {got:?}"),
    }
}

#[test]
fn a_suspension_has_a_reason_and_ends_in_the_future_if_at_all() {
    check(json!({"reason": " spam "}), Ok(("spam", None)));
    check(json!({"reason": "a\r\nb", "until": null}), Ok(("a\nb", None)));
    check(json!({"reason": "spam", "until": "1970-01-01T00:00:01.001Z"}), Ok(("spam", Some(1_001))));
    check(json!({"reason": "spam", "until": "1970-01-01T00:00:01.0019Z"}), Ok(("spam", Some(1_001))));
    check(json!({}), Err(&[("reason", "required")]));
    check(json!({"reason": " "}), Err(&[("reason", "too_short")]));
    check(json!({"reason": "x".repeat(501)}), Err(&[("reason", "too_long")]));
    check(
        json!({"reason": "a\u{0}", "until": "1970-01-01T00:00:01Z"}),
        Err(&[("reason", "invalid_characters"), ("until", "out_of_range")]),
    );
    check(
        json!({"reason": "", "until": "tomorrow"}),
        Err(&[("reason", "too_short"), ("until", "invalid_format")]),
    );
}

#[test]
fn what_is_said_beside_other_measures_is_optional() {
    let said = |reason: Option<&str>| RawReason { reason: reason.map(str::to_owned) }.validate();
    assert_eq!(said(None), Ok(None));
    assert_eq!(said(Some(" ")), Ok(None));
    assert_eq!(said(Some("known")), Ok(Some("known".to_owned())));
    assert!(said(Some("\u{202e}")).is_err());
    let role = |role: Option<Role>| RawRole { role: role.map(Word::from), reason: None }.validate();
    assert_eq!(role(Some(Role::Admin)), Ok((Role::Admin, None)));
    assert_eq!(role(None).unwrap_err()[0].field, "role");
}
