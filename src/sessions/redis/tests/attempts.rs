//! What a failed attempt means for the next one.

use super::super::failure::Failure;
use super::super::steps::{Step, Verb};
use super::super::{Attempt, HostPort, REDIRECTIONS};

fn step(verb: Verb) -> Step {
    Step::new(b"p:v1:code:a".to_vec(), verb)
}

fn lost() -> Failure {
    Failure::Lost("the connection broke".to_owned())
}

fn node(host: &str) -> Option<HostPort> {
    Some(HostPort { host: host.to_owned(), port: 7001 })
}

#[test]
fn a_step_that_may_have_run_is_repeated_once_and_only_where_that_changes_no_answer() {
    for verb in [
        Verb::Take,
        Verb::PutNew { now: 0, stored: Vec::new(), millis: 1 },
        Verb::Exchange { now: 0, body: Vec::new() },
    ] {
        let step = step(verb);
        assert!(Attempt::default().after(&lost(), None, &step).is_err(), "{step:?}");
        let unconfirmed = Attempt::default().after(&Failure::Unconfirmed, None, &step);
        assert!(unconfirmed.is_err(), "{step:?}");
    }
    for verb in [Verb::Put(Vec::new(), 1), Verb::Get, Verb::Delete] {
        let (mut attempt, step) = (Attempt::default(), step(verb));
        assert!(attempt.after(&lost(), None, &step).is_ok(), "{step:?}");
        assert!(attempt.after(&lost(), None, &step).is_err(), "{step:?}");
    }
}

#[test]
fn what_did_not_run_is_sent_again_whatever_it_is() {
    let step = step(Verb::Take);
    for failure in [
        Failure::Unreachable("nobody there".to_owned()),
        Failure::Later("LOADING".to_owned()),
        Failure::NotMaster("READONLY".to_owned()),
    ] {
        assert!(matches!(Attempt::default().after(&failure, None, &step), Ok(true)), "{failure:?}");
    }
    let mut attempt = Attempt::default();
    assert!(attempt.after(&Failure::NoScript, None, &step).is_ok());
    assert!(attempt.whole_script);
    assert!(attempt.after(&Failure::NoScript, None, &step).is_err(), "it was sent whole");
}

#[test]
fn a_redirection_is_followed_asked_once_and_not_for_ever() {
    let (mut attempt, step) = (Attempt::default(), step(Verb::Take));
    attempt.after(&Failure::Ask(node("there")), node("here"), &step).unwrap();
    assert!(attempt.asking);
    assert_eq!(attempt.redirected, node("there"));
    attempt.after(&Failure::NoScript, node("there"), &step).unwrap();
    assert!(attempt.asking, "the same node, the same question");
    attempt.after(&Failure::Moved(node("")), node("there"), &step).unwrap();
    assert!(!attempt.asking);
    assert_eq!(attempt.redirected, node("there"), "without a host, that of who answered");
    let follow = |attempt: &mut Attempt| attempt.after(&Failure::Moved(node("x")), node("y"), &step).is_ok();
    let followed = (0..100).take_while(|_| follow(&mut attempt)).count();
    assert_eq!(followed + 2, usize::try_from(REDIRECTIONS).unwrap());
}
