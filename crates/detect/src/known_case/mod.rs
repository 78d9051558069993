//! Documented cases, judged by their conditions: a name is no evidence.
//!
//! | what holds | what is told |
//! | --- | --- |
//! | a condition that acquits | for information |
//! | all conditions, or the hash or certificate of the thing itself | the grade that the case states |
//! | signs of two kinds that do not depend on each other | a suspicion |
//! | less | for information, with the conditions that do not hold |

mod trial;

use knowledge::{Case, IndicatorKind};
use model::finding::{Concealment, Factors, Holder, Power};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::presence::{Presence, Sign};
use crate::{Context, Detector};
use trial::{Outcome, Trial};

/// The detector. What it finds has the class of the case.
pub static DETECTOR: Detector = Detector {
    id: "known-case",
    class: Class::ImplantedSpyware,
    title: "Documented case",
    detect,
};

/// One finding for each case of which there is a sign.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let presence = Presence::of(context);
    for case in context.knowledge.cases.iter() {
        let signs = presence.signs_of(case);
        if !signs.is_empty() || presence.has_text_of(case) {
            findings.extend(judge(&presence, case, &signs));
        }
    }
}

fn judge(presence: &Presence, case: &Case, signs: &[Sign]) -> Option<Finding> {
    let trial = Trial::of(presence, case);
    let acquitted = case.acquits.iter().find(|it| trial.outcome_of(it).holds());
    let decisive = signs.iter().find(|it| it.indicator.is_decisive());
    let outcomes: Vec<Outcome> = case.confirms.iter().map(|it| trial.outcome_of(it)).collect();
    let confirmed = !outcomes.is_empty() && outcomes.iter().all(Outcome::holds);
    let known = format!("the documented case \"{}\"", case.title);
    let finding = match (acquitted, decisive) {
        (Some(_), _) if signs.is_empty() => return None,
        (Some(condition), _) => {
            Told::info(case, format!("{} here, as in {known}, which is acquitted: {}", first_of(signs), condition.words()))
        }
        (None, Some(sign)) => Told {
            grade: case.grade,
            confidence: Confidence::High,
            power: case.power,
            claim: format!("{} here: it is the very one of {known}", sign.words()),
            evidence: vec![sign.evidence.clone()],
            flow: Vec::new(),
        },
        (None, None) if confirmed => {
            let words: Vec<String> = case.confirms.iter().map(|it| it.words()).collect();
            let flow = outcomes.iter().find_map(Outcome::flow).unwrap_or_default();
            Told {
                grade: case.grade,
                confidence: if flow.is_empty() { Confidence::Medium } else { Confidence::High },
                power: case.power,
                claim: format!("all that confirms {known} holds: {}", words.join("; ")),
                evidence: outcomes.into_iter().flat_map(Outcome::evidence).collect(),
                flow,
            }
        }
        (None, None) => {
            let open: Vec<String> = outcomes.iter().filter_map(Outcome::why_not).collect();
            let open = if case.undecided.is_empty() { open.join("; ") } else { case.undecided.clone() };
            let weighty = independent(signs);
            if case.grade == Grade::Finding && 1 < weighty.len() {
                let words: Vec<String> = weighty.iter().map(|it| it.words()).collect();
                Told {
                    grade: Grade::Suspicion,
                    confidence: Confidence::Low,
                    power: case.power,
                    claim: format!("signs of {known} are here: {}; it is not confirmed: {open}", words.join("; ")),
                    evidence: weighty.iter().map(|it| it.evidence.clone()).collect(),
                    flow: Vec::new(),
                }
            } else if signs.iter().any(|it| tells_something(case, it)) {
                Told::info(case, format!("{} here, as in {known}; it is not confirmed: {open}", first_of(signs)))
            } else {
                return None;
            }
        }
    };
    Some(finding.complete(presence, case, signs))
}

/// What is said about a case.
struct Told {
    grade: Grade,
    confidence: Confidence,
    power: Power,
    claim: String,
    evidence: Vec<Evidence>,
    flow: Vec<model::finding::Step>,
}

impl Told {
    fn info(case: &Case, claim: String) -> Told {
        Told {
            grade: if case.grade == Grade::Privacy { Grade::Privacy } else { Grade::Capability },
            confidence: Confidence::Low,
            power: Power::None,
            claim,
            evidence: Vec::new(),
            flow: Vec::new(),
        }
    }

    fn complete(mut self, presence: &Presence, case: &Case, signs: &[Sign]) -> Finding {
        if self.evidence.is_empty() {
            self.evidence = signs.iter().take(SIGNS_SHOWN).map(|it| it.evidence.clone()).collect();
        }
        let grave = matches!(self.grade, Grade::Finding | Grade::Suspicion);
        let hides = matches!(case.class, Class::RuntimeImplant | Class::PreloadDropper | Class::ImplantedSpyware);
        let factors = Factors {
            reach: case.reach,
            power: self.power,
            concealment: if grave && hides { Concealment::Hidden } else { Concealment::None },
            holder: if grave { Holder::Unknown } else { Holder::Legitimate },
        };
        let place = self.evidence.first().map(|it| presence.context.phone.device_path(it.at.artifact).to_owned());
        let weak: Vec<String> = signs
            .iter()
            .filter(|it| !it.indicator.weak.is_empty())
            .take(SIGNS_SHOWN)
            .map(|it| format!("{}: {}", it.indicator.value, it.indicator.weak))
            .collect();
        let benign = match (grave, weak.is_empty()) {
            (false, false) => weak.join("; "),
            (false, true) => "a name says nothing about the code behind it".to_owned(),
            (true, _) => "another thing may carry the same names, or a corrected version the same component".to_owned(),
        };
        let sources = case.sources.iter().map(|it| format!("{}: {}", it.title, it.url));
        Finding {
            class: case.class,
            benign,
            subject: case.id.clone(),
            device_path: place.unwrap_or_default(),
            evidence: self.evidence,
            flow: self.flow,
            references: sources.chain(case.cves.iter().take(CVES_SHOWN).cloned()).collect(),
            action: format!("read `postern knowledge show {}`, and compare with what its sources describe", case.id),
            ..DETECTOR.finding(self.grade, self.confidence, factors, self.claim)
        }
    }
}

/// One sign of each kind that does not depend on the others, of those that are signs by themselves.
fn independent<'a, 'b>(signs: &'b [Sign<'a>]) -> Vec<&'b Sign<'a>> {
    let mut kinds: Vec<&Sign> = Vec::new();
    for sign in signs.iter().filter(|it| it.indicator.weak.is_empty()) {
        if kinds.iter().all(|it| it.family() != sign.family()) {
            kinds.push(sign);
        }
    }
    kinds
}

/// Whether it is worth a line that a sign is there: one that counts, or the name of an app whose case a phone can decide.
fn tells_something(case: &Case, sign: &Sign) -> bool {
    sign.indicator.weak.is_empty() || sign.indicator.kind == IndicatorKind::Package && case.is_decidable()
}

/// The first sign in words, and how many there are.
fn first_of(signs: &[Sign]) -> String {
    let more = match signs.len() {
        1 => String::new(),
        n => format!(" (one of {n} signs)"),
    };
    signs.first().map(|it| format!("{}{more} is", it.words())).unwrap_or_default()
}

/// Enough to see what it rests on.
const SIGNS_SHOWN: usize = 5;

/// Cases of chip makers have dozens of records.
const CVES_SHOWN: usize = 6;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component};
    use model::fact::app::{App, ComponentKind};

    fn receiver(permission: Option<&str>) -> Fixture {
        let name = "com.adups.fota.sysoper.WriteCommandReceiver";
        let components = vec![component(ComponentKind::Receiver, name, permission, &["a.b.DO"])];
        let app = App { components, ..app("com.another.name") };
        Fixture::phone().platform("CN=p").app("/system/priv-app/A/A.apk", app, "CN=p")
    }

    Cases {
        fires: &[
            || receiver(None),
            || receiver(Some("android.permission.DUMP")),
            || Fixture::phone().app("/system/app/A/A.apk", app("com.adups.fota"), "CN=a"),
            || {
                let hash = "f3732871371819532416cf2ec03ea103a3d61802";
                Fixture::phone().sighting("/system/xbin/x", &["elf"], IndicatorKind::Hash, hash, 0)
            },
        ],
        silent: &[
            || {
                // The framework's own has this name, too.
                let name = "com.android.server.MasterClearReceiver";
                let components = vec![component(ComponentKind::Receiver, name, None, &["a.b.DO"])];
                Fixture::phone().app("/system/app/A/A.apk", App { components, ..app("a.b") }, "CN=a")
            },
            // Named in a text, and in code that names hundreds of hosts.
            || Fixture::phone().sighting("/system/etc/hosts", &[], IndicatorKind::Domain, "ycxrl.com", 1),
            || Fixture::phone().sighting("/system/lib/libban.so", &["elf"], IndicatorKind::Domain, "ycxrl.com", 5000),
        ],
    }
};

#[cfg(test)]
mod tests;
