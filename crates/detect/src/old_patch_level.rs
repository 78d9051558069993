//! A build that was made long after the security patches that it says it has.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "old-patch-level",
    class: Class::Hygiene,
    title: "Security patches older than the build",
    detect,
};

/// How old the patches are today nobody can tell from the phone; how old they were on the day of the build can be told.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let properties = &context.phone.properties;
    let (Some(level), Some(built)) = (
        properties.find("ro.build.version.security_patch"),
        properties.build("date.utc").and_then(|it| it.parse::<i64>().ok()),
    ) else {
        return;
    };
    let Some(patched) = month_of(&level.text) else { return };
    // Months since 1970, each of the mean length in the Gregorian calendar.
    let months = built / SECONDS_A_MONTH - patched;
    if !(MONTHS_MIN..MONTHS_MAX).contains(&months) {
        return;
    }
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::None,
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let claim = format!("when the phone's software was built, its security patches ({}) were {months} months old", level.text);
    findings.push(Finding {
        benign: "a maker that builds an old version once more, or that gives patches without changing what the phone says".to_owned(),
        subject: "patch level".to_owned(),
        device_path: context.phone.device_path(level.at.artifact).to_owned(),
        evidence: vec![Evidence::at(level.at, format!("ro.build.version.security_patch={}", level.text))],
        action: "ask for a newer build: what is published since can be used against the phone without any backdoor".to_owned(),
        ..DETECTOR.finding(Grade::Suspicion, Confidence::High, factors, claim)
    });
}

/// Months from 1970 to the month of `YYYY-MM-DD`.
fn month_of(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    ((1970..3000).contains(&year) && (1..=12).contains(&month)).then(|| (year - 1970) * 12 + month - 1)
}

const SECONDS_A_MONTH: i64 = 2_629_746;

/// Half a year: what makers with a slow rhythm give.
const MONTHS_MIN: i64 = 7;

/// More is a date that nobody set.
const MONTHS_MAX: i64 = 240;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};

    fn build(level: &str, seconds: &str) -> Fixture {
        Fixture::phone().property("ro.build.version.security_patch", level).property("ro.build.date.utc", seconds)
    }
    // 2018-01-17.
    const DAY: &str = "1516147200";

    Cases {
        fires: &[|| build("2017-05-05", DAY), || build("2016-01-01", DAY)],
        silent: &[
            || build("2017-12-01", DAY),
            || build("2018-03-01", DAY),
            || build("", DAY),
            || build("2016-01-01", "0"),
            || Fixture::phone().property("ro.build.date.utc", DAY),
        ],
    }
};
