//! What matters most.

use std::cmp::Reverse;

use model::{Grade, Severity};

use crate::delta::{Bring, Delta, Topic};

/// Sorts by what matters, the first line that tells two differences apart decides:
///
/// | order | what comes first |
/// | --- | --- |
/// | 1 | what it brings that raises an alarm in a check (a FINDING, or a SUSPICION of medium severity or more): by grade, then severity; then what else it brings: by severity, then grade; then what brings nothing |
/// | 2 | the topic: who is trusted, what something may do, what code does, how the system is set up, firmware that nobody can read, what it calls itself, data, form |
/// | 3 | within code and powers: another content under the same version before what says that it is another |
/// | 4 | who runs it: root, the system, a privileged app or a daemon, an app, nobody |
/// | 5 | how much it brings; then the place and the name |
///
/// So a new way from an entry to a capability stands above ten thousand resources, and one method of an app or one
/// function of a daemon above them too. It does not matter on which side something is: who puts the gift on the left is
/// told the same.
pub fn sort(deltas: &mut [Delta]) {
    deltas.sort_by_cached_key(|it| {
        let place = (it.device_path.clone(), it.what.clone(), it.left.clone(), it.right.clone());
        (gravity(it), it.topic, !it.unannounced, it.standing, Reverse(it.brings.len()), place)
    });
}

fn gravity(delta: &Delta) -> impl Ord + use<> {
    let weight = |it: &Bring| match raises(it) {
        true => (0, it.grade as u8, it.severity as u8),
        false => (1, it.severity as u8, it.grade as u8),
    };
    let worst = delta.brings.iter().map(weight).min();
    (worst.is_none(), worst)
}

/// Whether it would make a check say that something was found ([`model::Verdict::exit_code`]).
fn raises(bring: &Bring) -> bool {
    match bring.grade {
        Grade::Finding => true,
        Grade::Suspicion => bring.severity <= Severity::Medium,
        Grade::Capability | Grade::Privacy => false,
    }
}

/// Whether a difference matters: it brings something that raises an alarm, or it is about trust, power, code that is run or
/// the system's set-up. Versions, names, data and form do not, and firmware that nobody can read may.
pub fn matters(delta: &Delta) -> bool {
    let alarms =
        delta.brings.iter().any(|it| matches!(it.grade, Grade::Finding | Grade::Suspicion | Grade::Capability));
    alarms
        || match delta.topic {
            Topic::Trust | Topic::Power | Topic::Code | Topic::Setting | Topic::Opaque => true,
            Topic::Identity | Topic::Data | Topic::Form => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Which;
    use crate::delta::{Kind, Standing};

    fn delta(topic: Topic, what: &str) -> Delta {
        Delta::new(Kind::Changed, topic, what, "/x")
    }

    fn bringing(topic: Topic, what: &str, grade: Grade, severity: Severity, which: Which) -> Delta {
        let bring = Bring { words: String::new(), grade, severity, which };
        Delta { brings: vec![bring], ..delta(topic, what) }
    }

    fn order(mut deltas: Vec<Delta>) -> Vec<String> {
        sort(&mut deltas);
        deltas.into_iter().map(|it| it.what).collect()
    }

    #[test]
    fn a_new_way_stands_above_ten_thousand_resources_and_a_method_too() {
        let mut deltas: Vec<Delta> = (0..10_000).map(|n| delta(Topic::Data, &format!("picture {n}"))).collect();
        deltas.push(delta(Topic::Code, "method"));
        deltas.push(delta(Topic::Code, "daemon").run_by(Standing::Root));
        deltas.push(bringing(Topic::Code, "way", Grade::Finding, Severity::Critical, Which::Right));
        deltas.push(delta(Topic::Trust, "signer"));
        assert_eq!(order(deltas)[..5], ["way", "signer", "daemon", "method", "picture 0"]);
    }

    #[test]
    fn what_raises_an_alarm_comes_first_then_what_is_graver_and_on_either_side() {
        let deltas = vec![
            bringing(Topic::Trust, "privacy", Grade::Privacy, Severity::High, Which::Right),
            bringing(Topic::Trust, "faint", Grade::Suspicion, Severity::Low, Which::Right),
            bringing(Topic::Form, "power", Grade::Capability, Severity::High, Which::Right),
            bringing(Topic::Data, "left", Grade::Finding, Severity::High, Which::Left),
            bringing(Topic::Data, "low", Grade::Finding, Severity::Low, Which::Right),
            bringing(Topic::Code, "suspicion", Grade::Suspicion, Severity::Critical, Which::Right),
            delta(Topic::Trust, "nothing"),
        ];
        assert_eq!(order(deltas), ["left", "low", "suspicion", "power", "privacy", "faint", "nothing"]);
    }

    #[test]
    fn another_code_under_the_same_version_stands_above_an_update() {
        let update = delta(Topic::Code, "update").run_by(Standing::Root);
        let silent = Delta { unannounced: true, ..delta(Topic::Code, "silent").run_by(Standing::App) };
        assert_eq!(order(vec![update, silent]), ["silent", "update"]);
    }

    #[test]
    fn names_data_and_form_do_not_matter_unless_they_bring_something() {
        for topic in [Topic::Identity, Topic::Data, Topic::Form] {
            assert!(!matters(&delta(topic, "")), "{topic:?}");
            assert!(matters(&bringing(topic, "", Grade::Suspicion, Severity::Low, Which::Left)), "{topic:?}");
            assert!(!matters(&bringing(topic, "", Grade::Privacy, Severity::Low, Which::Left)), "{topic:?}");
        }
        for topic in [Topic::Trust, Topic::Power, Topic::Code, Topic::Setting, Topic::Opaque] {
            assert!(matters(&delta(topic, "")), "{topic:?}");
        }
    }
}
