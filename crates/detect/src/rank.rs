//! Which finding comes first: what an expert would look at first.

use model::finding::Severity;
use model::{Answer, Confidence, Finding, Grade};

/// The place of a finding among others; what is smaller comes first.
///
/// | part | what comes first |
/// | --- | --- |
/// | list | what is claimed or suspected, then capabilities, then privacy |
/// | weight | the steps from `critical` (0) to `info` (4), one more for a suspicion, and one more where the confidence is low |
/// | grade | a finding before a suspicion of the same weight |
/// | severity | the graver |
/// | verdict | what decides the verdict |
/// | confidence | the surer |
/// | place | detector, device path, subject, where the evidence stands |
///
/// So a suspicion that would give someone far away the phone is looked at before a finding that gives someone with a cable a
/// setting. That something hides is in its severity and raises it there; intent is in none of these.
pub(crate) fn rank_of(finding: &Finding) -> impl Ord + '_ {
    (
        finding.grade.max(Grade::Suspicion),
        weight_of(finding),
        finding.grade,
        finding.severity(),
        Answer::of(finding).unwrap_or(Answer::NothingFound),
        finding.confidence,
        finding.detector,
        &finding.device_path,
        &finding.subject,
        finding.evidence.first().map(|it| it.at),
    )
}

fn weight_of(finding: &Finding) -> u8 {
    let severity = match finding.severity() {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
        Severity::Info => 4,
    };
    severity + u8::from(finding.grade == Grade::Suspicion) + u8::from(finding.confidence == Confidence::Low)
}

#[cfg(test)]
mod tests {
    use model::Class;
    use model::finding::{Concealment, Factors, Holder, Power, Reach};

    use super::*;

    fn finding(grade: Grade, confidence: Confidence, reach: Reach, power: Power, concealment: Concealment) -> Finding {
        let factors = Factors { reach, power, concealment, holder: Holder::Unknown };
        Finding {
            detector: "a",
            class: Class::Hygiene,
            grade,
            confidence,
            factors,
            title: String::new(),
            claim: String::new(),
            benign: String::new(),
            subject: String::new(),
            device_path: String::new(),
            evidence: Vec::new(),
            flow: Vec::new(),
            references: Vec::new(),
            action: String::new(),
        }
    }

    #[test]
    fn what_an_expert_would_look_at_first_comes_first() {
        use Confidence::{High, Low};
        let none = Concealment::None;
        let in_order = [
            finding(Grade::Finding, High, Reach::Remote, Power::System, none),
            finding(Grade::Finding, High, Reach::AnyApp, Power::System, none),
            finding(Grade::Suspicion, High, Reach::Remote, Power::System, none),
            finding(Grade::Finding, High, Reach::Physical, Power::System, none),
            // Who hides comes before who does not.
            finding(Grade::Suspicion, High, Reach::AnyApp, Power::Data, Concealment::Hidden),
            finding(Grade::Suspicion, High, Reach::AnyApp, Power::Data, none),
            finding(Grade::Suspicion, Low, Reach::AnyApp, Power::Data, none),
            finding(Grade::Suspicion, Low, Reach::Physical, Power::None, none),
            finding(Grade::Capability, High, Reach::Remote, Power::System, none),
            finding(Grade::Privacy, High, Reach::Remote, Power::Data, none),
        ];
        let order: Vec<_> = in_order.iter().map(|it| (weight_of(it), it.grade, it.severity())).collect();
        for pair in in_order.windows(2) {
            assert!(rank_of(&pair[0]) <= rank_of(&pair[1]), "{order:?}");
        }
    }

    /// All factors but whether it hides.
    fn factors() -> impl Iterator<Item = (Reach, Power, Holder)> {
        let reach = [Reach::Remote, Reach::Adjacent, Reach::AnyApp, Reach::Physical];
        let power = [Power::System, Power::Install, Power::Data, Power::Settings, Power::None];
        let holder = [Holder::Everyone, Holder::Unknown, Holder::Legitimate];
        let with = move |r: Reach| power.into_iter().flat_map(move |p| holder.into_iter().map(move |h| (r, p, h)));
        reach.into_iter().flat_map(with)
    }

    #[test]
    fn what_hides_is_never_ranked_behind_the_same_in_the_open_and_hiding_alone_weighs_nothing() {
        for (reach, power, holder) in factors() {
            let of = |concealment| {
                let mut it = finding(Grade::Suspicion, Confidence::Medium, reach, power, concealment);
                it.factors.holder = holder;
                it
            };
            for hidden in [of(Concealment::Hidden), of(Concealment::Misleading)] {
                let open = of(Concealment::None);
                assert!(rank_of(&hidden) <= rank_of(&open), "{reach:?} {power:?} {holder:?}");
                assert!(power != Power::None || hidden.severity() == Severity::Info);
            }
        }
    }
}
