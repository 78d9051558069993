//! What a feed that the user gave warns of is here.

use knowledge::{Feed, FeedIndicator, IndicatorKind, Term};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::presence::Presence;
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "published-indicator",
    class: Class::ImplantedSpyware,
    title: "Indicator of a feed",
    detect,
};

/// One finding for each indicator that is there.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    if context.feeds.is_empty() {
        return;
    }
    let presence = Presence::of(context);
    for feed in context.feeds.iter() {
        for indicator in &feed.indicators {
            // All of a group must be there.
            let there = indicator.groups.iter().find_map(|group| {
                let places: Option<Vec<Evidence>> =
                    group.iter().map(|it| presence.place_of(it.kind, &it.value)).collect();
                Some((group, places?))
            });
            if let Some((group, evidence)) = there {
                findings.push(judge(context, feed, indicator, group, evidence));
            }
        }
    }
}

/// The hash of a file or a signer's certificate is the thing itself; anything else is a name or an address.
fn judge(
    context: &Context,
    feed: &Feed,
    indicator: &FeedIndicator,
    group: &[Term],
    mut evidence: Vec<Evidence>,
) -> Finding {
    let is_thing = |it: &Term| matches!(it.kind, IndicatorKind::Hash | IndicatorKind::Certificate);
    let thing = group.iter().any(is_thing);
    let words: Vec<String> = group.iter().map(|it| format!("{} {}", it.kind.word(), it.value)).collect();
    let stated = |word: &str, text: &str| if text.is_empty() { String::new() } else { format!(", {word} {text}") };
    for it in &mut evidence {
        it.detail = format!("{} (feed {}, {}{})", it.detail, feed.name, indicator.id, stated("of", &indicator.date));
    }
    let factors = Factors {
        reach: if thing { Reach::Remote } else { Reach::AnyApp },
        power: Power::Data,
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let (grade, confidence) = match thing {
        true => (Grade::Finding, Confidence::High),
        false => (Grade::Suspicion, Confidence::Low),
    };
    let claim = format!(
        "the feed {} warns of {}, which is here ({}{}{})",
        feed.name,
        words.join(" and "),
        indicator.id,
        stated("for", &indicator.name),
        stated("of", &indicator.date),
    );
    let place = evidence.first().map(|it| context.phone.device_path(it.at.artifact).to_owned());
    Finding {
        benign: match thing {
            true => "the feed may be wrong, or the file a tool that researchers use".to_owned(),
            false => "another thing may have the same name, and addresses change hands".to_owned(),
        },
        subject: format!("{} {}", feed.name, indicator.id),
        device_path: place.unwrap_or_default(),
        evidence,
        references: vec![format!("{} ({})", feed.name, feed.format.title())],
        action: "read what the publisher of the feed says about it; leave the phone as it is until then".to_owned(),
        ..DETECTOR.finding(grade, confidence, factors, claim)
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};

    const LIST: &str = "com.example.spy\nspy.example.com\na9993e364706816aba3e25717850c26c9cd0d89d\n/data/local/tmp/wd\n";

    fn phone() -> Fixture {
        Fixture::phone().feed("list.txt", LIST)
    }
    const PAIR: &str = r#"{"type": "bundle", "objects": [{"type": "indicator", "id": "indicator--1",
        "pattern": "[app:id='com.example.spy' AND file:name='wd']"}]}"#;

    Cases {
        fires: &[
            || phone().app("/data/app/A/A.apk", app("com.example.spy"), "CN=a"),
            || phone().with_file("/data/local/tmp/wd"),
            || phone().sighting("/system/bin/a", &["elf"], IndicatorKind::Domain, "spy.example.com", 1),
            || {
                let hash = "a9993e364706816aba3e25717850c26c9cd0d89d";
                phone().sighting("/data/a.bin", &[], IndicatorKind::Hash, hash, 0)
            },
            || {
                let phone = Fixture::phone().feed("pair.stix2", PAIR).with_file("/data/local/tmp/wd");
                phone.app("/data/app/A/A.apk", app("com.example.spy"), "CN=a")
            },
        ],
        silent: &[
            || phone().app("/data/app/A/A.apk", app("com.example.spy2"), "CN=a"),
            || phone().sighting("/system/etc/hosts", &[], IndicatorKind::Domain, "spy.example.com", 1),
            || phone().sighting("/system/bin/a", &["elf"], IndicatorKind::Domain, "spy.example.com", 5000),
            || Fixture::phone().feed("pair.stix2", PAIR).app("/data/app/A/A.apk", app("com.example.spy"), "CN=a"),
        ],
    }
};
