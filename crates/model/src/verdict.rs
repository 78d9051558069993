//! The answer, worked out from findings and coverage alone.

use serde::{Deserialize, Serialize};

use crate::finding::{Class, Confidence, Finding, Grade, Holder, Reach, Severity};

/// The words of a verdict. There is no word for "clean" or "safe".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Code that was put there to spy or to take orders.
    #[serde(rename = "implant found")]
    Implant,
    /// Someone undocumented can control the phone from afar.
    #[serde(rename = "undocumented remote control found")]
    RemoteControl,
    /// Not what was signed.
    #[serde(rename = "integrity broken")]
    IntegrityBroken,
    /// Not the phone that it says it is.
    #[serde(rename = "counterfeit")]
    Counterfeit,
    /// Doors that should not be open; nothing shows that someone meant them to be.
    #[serde(rename = "serious weakness, no sign of intent")]
    SeriousWeakness,
    /// Too little could be read.
    #[serde(rename = "cannot say")]
    CannotSay,
    /// Others than the phone's maker hold privileged powers.
    #[serde(rename = "privileged third parties present")]
    ThirdParties,
    /// Nothing, in what was inspected.
    #[serde(rename = "nothing found in what was inspected")]
    NothingFound,
    /// Of a comparison: the phones are not the same in what matters.
    #[serde(rename = "differs")]
    Differs,
    /// Of a comparison: what differs is names, data and form.
    #[serde(rename = "same in what matters, as far as it could be compared")]
    SameInWhatMatters,
}

impl Answer {
    /// The words, without the share that was inspected.
    pub fn words(self) -> &'static str {
        match self {
            Answer::Implant => "implant found",
            Answer::RemoteControl => "undocumented remote control found",
            Answer::IntegrityBroken => "integrity broken",
            Answer::Counterfeit => "counterfeit",
            Answer::SeriousWeakness => "serious weakness, no sign of intent",
            Answer::CannotSay => "cannot say",
            Answer::ThirdParties => "privileged third parties present",
            Answer::NothingFound => "nothing found in what was inspected",
            Answer::Differs => "differs",
            Answer::SameInWhatMatters => "same in what matters, as far as it could be compared",
        }
    }

    /// What a finding alone leads to, by the table of [`Verdict::of`]; `None` for what decides nothing.
    pub fn of(finding: &Finding) -> Option<Answer> {
        let severity = finding.severity();
        match finding.grade {
            Grade::Capability | Grade::Privacy => return None,
            Grade::Suspicion => return (severity <= Severity::Medium).then_some(Answer::SeriousWeakness),
            Grade::Finding => {}
        }
        let afar = matches!(finding.factors.reach, Reach::Remote | Reach::Adjacent)
            && finding.factors.holder != Holder::Legitimate;
        match finding.class {
            Class::RuntimeImplant | Class::PreloadDropper | Class::ImplantedSpyware | Class::TrojanisedApp => {
                Some(Answer::Implant)
            }
            Class::RemoteCommand
            | Class::RootDaemon
            | Class::MagicSecret
            | Class::CarrierAgent
            | Class::ModemBridge
            | Class::CovertTelemetry
                if afar =>
            {
                Some(Answer::RemoteControl)
            }
            Class::AlteredImage => Some(Answer::IntegrityBroken),
            Class::IdentitySpoof => Some(Answer::Counterfeit),
            _ => (severity <= Severity::Low).then_some(Answer::SeriousWeakness),
        }
    }
}

/// What was given: a verdict is about it, and about nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A phone, or what holds its system.
    Phone,
    /// Apps alone.
    Apps,
    /// Neither.
    Neither,
    /// Phones beside each other.
    Comparison,
}

/// The answer and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The words.
    pub answer: Answer,
    /// How sure: that of the findings that decided, or low where coverage decided.
    pub confidence: Confidence,
    /// How much of what runs was inspected, in percent (see [`Inspected`]).
    pub percent: u8,
    /// What the verdict is about.
    pub subject: Subject,
}

/// How much of what runs on the phone was inspected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Methods with code, counted over all bytecode that could be opened.
    pub methods: u64,
    /// Those whose code was analysed.
    pub methods_analysed: u64,
    /// Native executables and libraries that are there.
    pub executables: u64,
    /// Those whose code was analysed.
    pub executables_analysed: u64,
    /// Containers of bytecode or native code that could not be opened, so that what they hold was not counted.
    pub unopened: u64,
}

impl Inspected {
    /// X: the lower of methods analysed of all methods and executables analysed of all, in percent, rounded down. A
    /// layer that is not there does not count. Unopened containers count as much as an opened one does on average, and
    /// where nothing was opened X is 0.
    pub fn percent(self) -> u8 {
        let share = |done: u64, all: u64| (all != 0).then(|| (u128::from(done.min(all)) * 100 / u128::from(all)) as u8);
        let shares = [
            share(self.methods_analysed, self.methods),
            share(self.executables_analysed, self.executables.saturating_add(self.unopened)),
        ];
        shares.into_iter().flatten().min().unwrap_or(0)
    }
}

impl Verdict {
    /// The rule in full. The first line that holds decides.
    ///
    /// | condition | answer |
    /// | --- | --- |
    /// | a FINDING of class runtime-implant, preload-dropper, implanted-spyware or trojanised-app | implant found |
    /// | a FINDING of class remote-command, root-daemon, magic-secret, carrier-agent, modem-bridge or covert-telemetry with remote or adjacent reach and no legitimate holder | undocumented remote control found |
    /// | a FINDING of class altered-image | integrity broken |
    /// | a FINDING of class identity-spoof | counterfeit |
    /// | any other FINDING of low severity or more, or a SUSPICION of medium or more | serious weakness, no sign of intent |
    /// | neither phone nor apps, or X under 50 | cannot say |
    /// | `third_parties` | privileged third parties present |
    /// | else | nothing found in what was inspected (X %) |
    pub fn of(findings: &[Finding], inspected: Inspected, subject: Subject, third_parties: bool) -> Verdict {
        let percent = inspected.percent();
        let verdict = |answer, confidence| Verdict { answer, confidence, percent, subject };
        let gravest = findings.iter().filter_map(|it| Some((Answer::of(it)?, it.confidence))).min();
        if let Some((answer, confidence)) = gravest {
            return verdict(answer, confidence);
        }
        if subject == Subject::Neither || percent < PERCENT_MIN {
            return verdict(Answer::CannotSay, Confidence::Low);
        }
        let confidence = if PERCENT_SURE <= percent { Confidence::Medium } else { Confidence::Low };
        if third_parties {
            return verdict(Answer::ThirdParties, confidence);
        }
        verdict(Answer::NothingFound, confidence)
    }

    /// 1: any FINDING, or a SUSPICION of medium or more; 3: cannot say; else 0.
    pub fn exit_code(&self, findings: &[Finding]) -> u8 {
        let raised = findings.iter().any(|it| match it.grade {
            Grade::Finding => true,
            Grade::Suspicion => it.severity() <= Severity::Medium,
            Grade::Capability | Grade::Privacy => false,
        });
        match self.answer {
            _ if raised => 1,
            Answer::CannotSay => 3,
            _ => 0,
        }
    }

    /// The verdict as one line.
    pub fn line(&self) -> String {
        match self.answer {
            Answer::NothingFound => format!("{} ({} %)", self.answer.words(), self.percent),
            _ => self.answer.words().to_owned(),
        }
    }
}

/// Below this share of what runs, nothing is said.
const PERCENT_MIN: u8 = 50;

/// From this share on, "nothing found" is of medium confidence; it is never of high.
const PERCENT_SURE: u8 = 90;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Concealment, Factors, Power};

    fn finding(class: Class, grade: Grade, reach: Reach) -> Finding {
        Finding {
            detector: "test",
            class,
            grade,
            confidence: Confidence::Medium,
            factors: Factors { reach, power: Power::System, concealment: Concealment::None, holder: Holder::Unknown },
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

    const ALL_READ: Inspected =
        Inspected { methods: 10, methods_analysed: 10, executables: 10, executables_analysed: 10, unopened: 0 };

    #[test]
    fn the_first_rule_that_holds_decides() {
        let mut findings = Vec::new();
        let steps = [
            (finding(Class::TrustRoot, Grade::Capability, Reach::AnyApp), Answer::NothingFound, 0),
            (finding(Class::DebugLeftOpen, Grade::Suspicion, Reach::Physical), Answer::SeriousWeakness, 1),
            (finding(Class::IdentitySpoof, Grade::Finding, Reach::Physical), Answer::Counterfeit, 1),
            (finding(Class::AlteredImage, Grade::Finding, Reach::Physical), Answer::IntegrityBroken, 1),
            (finding(Class::RootDaemon, Grade::Finding, Reach::AnyApp), Answer::IntegrityBroken, 1),
            (finding(Class::RootDaemon, Grade::Finding, Reach::Adjacent), Answer::RemoteControl, 1),
            (finding(Class::RuntimeImplant, Grade::Finding, Reach::AnyApp), Answer::Implant, 1),
        ];
        for (finding, answer, code) in steps {
            findings.push(finding);
            let verdict = Verdict::of(&findings, ALL_READ, Subject::Phone, false);
            assert_eq!(verdict.answer, answer);
            assert_eq!(verdict.exit_code(&findings), code);
        }
    }

    #[test]
    fn what_was_not_read_is_never_nothing_found() {
        let unread = Inspected { methods_analysed: 4, ..ALL_READ };
        let verdict = Verdict::of(&[], unread, Subject::Phone, true);
        assert_eq!((verdict.answer, verdict.percent), (Answer::CannotSay, 40));
        assert_eq!(verdict.exit_code(&[]), 3);
        assert_eq!(Verdict::of(&[], Inspected::default(), Subject::Phone, false).answer, Answer::CannotSay);
        assert_eq!(Verdict::of(&[], ALL_READ, Subject::Neither, false).answer, Answer::CannotSay);
        assert_eq!(Verdict::of(&[], ALL_READ, Subject::Apps, true).answer, Answer::ThirdParties);
    }
}
