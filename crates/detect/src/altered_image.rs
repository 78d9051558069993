//! Bytes that are not those that were signed: someone changed them afterwards, without the key.

use model::fact::apk_signature::{ApkSignature, Class as Problem, Level};
use model::fact::image_check::{ImageCheck, Method, State};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Location, Row};
use phone::{InstalledApp, Place};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "altered-image",
    class: Class::AlteredImage,
    title: "Not what was signed",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for row in &context.phone.facts.apk_signatures {
        let id = row.at.artifact;
        let app = context.phone.apps.all.iter().find(|it| it.artifact == id || it.splits.contains(&id));
        findings.extend(app.and_then(|it| altered_package(context, row, it)));
    }
    for row in &context.phone.facts.image_checks {
        findings.extend(match row.value.state {
            State::Contradicted => Some(contradicted(context, row)),
            _ => altered_image(context, row),
        });
    }
}

/// Something that is not what the package states of it: a package that was put together anew, or was damaged. No signature
/// covers the statement, so that whoever changes the one can change the other; where the two differ, somebody did not.
fn contradicted(context: &Context, row: &Row<ImageCheck>) -> Finding {
    let check = &row.value;
    let place = match context.phone.device_path(row.at.artifact) {
        "" => context.phone.tree.path(row.at.artifact),
        path => path.to_owned(),
    };
    let mut evidence = vec![Evidence::at(row.at, check.why.clone())];
    let at = |&(offset, size): &(u64, u64)| Location { offset, size, ..row.at };
    evidence.extend(check.altered.iter().take(RUNS_TOLD).map(|it| Evidence::at(at(it), "not the bytes that are stated")));
    Finding {
        title: "Not what the package states".to_owned(),
        benign: "a package that was put together anew, or damaged on its way; a dump of partitions of several versions"
            .to_owned(),
        subject: format!("{} {:?}", check.name, check.method),
        device_path: place,
        evidence,
        references: vec!["AOSP build/make/tools/releasetools".to_owned()],
        action: "load the package anew from its maker, and compare".to_owned(),
        ..DETECTOR.finding(
            Grade::Suspicion,
            Confidence::Medium,
            Factors {
                reach: Reach::Physical,
                power: Power::System,
                concealment: Concealment::None,
                holder: Holder::Unknown,
            },
            format!("{} is not what is stated of it: {}", check.name, check.why),
        )
    }
}

/// An image or an update that is not the one that was signed. Where the metadata themselves switch verification off,
/// the phone was opened by whoever put another system on it: that is told by another detector.
fn altered_image(context: &Context, row: &Row<ImageCheck>) -> Option<Finding> {
    let check = &row.value;
    if check.state != State::Altered || check.is_disabled {
        return None;
    }
    let artifact = context.phone.artifact(row.at);
    let (what, place) = match check.method {
        Method::Vbmeta | Method::Chain => ("the verified-boot metadata of", format!("/dev/block/by-name/{}", check.name)),
        Method::WholeFile | Method::Payload | Method::Statement => ("the update package", String::new()),
        _ => ("the partition", format!("/dev/block/by-name/{}", check.name)),
    };
    let place = match context.phone.device_path(row.at.artifact) {
        "" => place,
        path => path.to_owned(),
    };
    let why = match (check.why.as_str(), check.n_altered) {
        ("", 0) => "its digest is another than the one that was signed".to_owned(),
        ("", n) => format!("{n} of its blocks are others than those that were signed"),
        (why, _) => why.to_owned(),
    };
    let files = match check.files.as_slice() {
        [] => String::new(),
        [only] => format!("; they belong to {only}"),
        [one, more @ ..] => format!("; they belong to {one} and {} more", more.len()),
    };
    let at = |&(offset, size): &(u64, u64)| Location { offset, size, ..row.at };
    let mut evidence = vec![Evidence::at(row.at, format!("{} ({})", check.name, check.algorithm))];
    let runs = check.altered.iter().filter(|it| it.0.saturating_add(it.1) <= artifact.blob.len());
    evidence.extend(runs.take(RUNS_TOLD).map(|it| Evidence::at(at(it), "not the bytes that were signed")));
    evidence.extend(check.files.iter().take(RUNS_TOLD).map(|it| Evidence::at(row.at, format!("file {it}"))));
    Some(Finding {
        benign: "a system that its user installed, where the metadata of the old one were left in place; a dump of a \
                 partition that was written to while it was read"
            .to_owned(),
        subject: format!("{} {:?}", check.name, check.method),
        device_path: place,
        evidence,
        references: vec!["AOSP external/avb, README.md".to_owned()],
        action: "install the maker's image of this version anew, or compare the altered files with it".to_owned(),
        ..DETECTOR.finding(
            Grade::Finding,
            Confidence::High,
            Factors {
                reach: Reach::Physical,
                power: Power::System,
                concealment: Concealment::Misleading,
                holder: Holder::Unknown,
            },
            format!("{what} {} does not equal what its signature covers: {why}{files}", check.name),
        )
    })
}

/// A package whose entries are not those that its signer signed, as this phone's version of Android decides it.
///
/// On the system partition three things are innocent: makers take the code out of a package after it was signed (its
/// entry is missing, and the code lies beside it), unpack and align it anew (which takes the newer signatures off), and
/// Android does not verify what lies there. Bytes that changed are none of these.
fn altered_package(context: &Context, row: &Row<ApkSignature>, app: &InstalledApp) -> Option<Finding> {
    let signature = &row.value;
    let level = decisive(signature, context.phone.sdk())?;
    let counts = |class: Problem| match class {
        Problem::Content | Problem::Signature => true,
        Problem::Stripped => !app.place.is_system(),
        _ => false,
    };
    let problems: Vec<_> = level.problems.iter().filter(|it| counts(it.class)).collect();
    let first = problems.first()?;
    let entries: Vec<&str> = problems.iter().flat_map(|it| &it.entries).map(String::as_str).collect();
    let n: u64 = problems.iter().filter(|it| !it.entries.is_empty()).map(|it| it.count).sum();
    let which = match (first.class, entries.as_slice()) {
        (Problem::Stripped, _) => "a newer signature that it had was taken away".to_owned(),
        (Problem::Signature, _) => "its signature is not by the key that it names".to_owned(),
        (_, []) => "its bytes are not those that were signed".to_owned(),
        (_, [only]) if n == 1 => format!("the entry {only} is not the one that was signed"),
        (_, [one, ..]) => format!("{n} entries are not those that were signed, among them {one}"),
    };
    let power = match app.place {
        Place::Framework | Place::Privileged => Power::System,
        _ => Power::Install,
    };
    let kinds: Vec<&str> = problems.iter().map(|it| it.kind.as_str()).collect();
    let package = if app.app.package.is_empty() { "a package without a name" } else { &app.app.package };
    let mut evidence = vec![Evidence::at(row.at, format!("{} (API level {})", kinds.join(", "), level.from))];
    evidence.extend(entries.iter().take(ENTRIES_TOLD).map(|it| Evidence::at(row.at, format!("entry {it}"))));
    Some(Finding {
        benign: "whoever builds or translates a system of their own changes packages without signing them anew".to_owned(),
        subject: package.to_owned(),
        device_path: context.phone.device_path(row.at.artifact).to_owned(),
        evidence,
        references: vec!["https://source.android.com/docs/security/features/apksigning".to_owned()],
        action: "compare the package with the one of the same version from its maker".to_owned(),
        ..DETECTOR.finding(
            Grade::Finding,
            Confidence::High,
            Factors { reach: Reach::Physical, power, concealment: Concealment::Misleading, holder: Holder::Unknown },
            format!("{package} carries the certificate of {}, and {which}", app.signer_subject()),
        )
    })
}

/// What the phone's version decides; where no phone is known, the newest.
fn decisive(signature: &ApkSignature, sdk: Option<u32>) -> Option<&Level> {
    let of_phone = sdk.and_then(|sdk| {
        signature.levels.iter().find(|it| it.from <= sdk && it.to.is_none_or(|to| sdk <= to))
    });
    of_phone.or(signature.levels.last())
}

/// Enough to look at by hand.
const ENTRIES_TOLD: usize = 4;
const RUNS_TOLD: usize = 4;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    use model::fact::apk_signature;

    fn signed(path: &str, kind: &str, class: Problem, entries: &[&str]) -> Fixture {
        signed_for("30", path, kind, class, entries)
    }

    fn signed_for(sdk: &str, path: &str, kind: &str, class: Problem, entries: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone().property("ro.build.version.sdk", sdk).app(path, app("a.b"), "maker");
        let file = fixture.file(path);
        let problems = vec![apk_signature::Problem {
            kind: kind.to_owned(),
            class,
            entries: entries.iter().map(|it| (*it).to_owned()).collect(),
            count: entries.len().max(1) as u64,
        }];
        let level = |from, to, problems| Level { from, to, schemes: Vec::new(), problems };
        let levels = vec![level(1, Some(23), Vec::new()), level(24, Some(33), problems), level(34, None, Vec::new())];
        fixture.facts.apk_signatures.push(Fixture::row(file, ApkSignature { levels, ..ApkSignature::default() }));
        fixture
    }

    fn image(method: Method, state: State, is_disabled: bool) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/system.img");
        let check = ImageCheck {
            name: "system".to_owned(),
            method,
            state,
            algorithm: "sha256".to_owned(),
            public_key_sha256: Some("key".to_owned()),
            rollback_index: None,
            is_disabled,
            altered: vec![(0, 4)],
            n_altered: 1,
            n_unknown: 0,
            files: vec!["/app/A/A.apk".to_owned()],
            why: String::new(),
        };
        fixture.facts.image_checks.push(Fixture::row(file, check));
        fixture
    }

    Cases {
        fires: &[
            || image(Method::Hashtree, State::Altered, false),
            || image(Method::WholeFile, State::Altered, false),
            // Somebody changed a part of a package, or what it says of that, and not the other.
            || image(Method::Statement, State::Contradicted, false),
            || image(Method::Fec, State::Contradicted, false),
            || signed("/system/priv-app/A/A.apk", "v2-sig-apk-digest-did-not-verify", Problem::Content, &[]),
            || {
                let kind = "jar-sig-zip-entry-digest-did-not-verify";
                signed("/system/app/A/A.apk", kind, Problem::Content, &["classes.dex", "lib/arm/a.so"])
            },
            || signed("/data/app/a.b/base.apk", "jar-sig-missing-apk-sig-referenced", Problem::Stripped, &[]),
            || signed("/system/app/A/A.apk", "jar-sig-did-not-verify", Problem::Signature, &[]),
        ],
        silent: &[
            || image(Method::Hashtree, State::Verified, false),
            // A dump without metadata, or without all of the image.
            || image(Method::Hashtree, State::NotPresent, false),
            || image(Method::Hash, State::Unsigned, false),
            || image(Method::VerityTable, State::KeyUnknown, false),
            || image(Method::Statement, State::Unsigned, false),
            || image(Method::Fec, State::Unchecked, false),
            // A phone that its user opened.
            || image(Method::Hashtree, State::Altered, true),
            // Code that was compiled ahead and taken out after signing.
            || {
                let kind = "jar-sig-missing-zip-entry-referenced-in-manifest";
                signed("/system/app/A/A.apk", kind, Problem::Missing, &["classes.dex"])
            },
            // Aligned anew while the system was built.
            || signed("/system/app/A/A.apk", "jar-sig-missing-apk-sig-referenced", Problem::Stripped, &[]),
            || signed("/system/app/A/A.apk", "jar-sig-no-signatures", Problem::Unsigned, &[]),
            || signed("/system/app/A/A.apk", "jar-sig-unsupported-sig-alg", Problem::Unsupported, &[]),
            // Other versions of Android would refuse it; this phone's accepts it.
            || signed_for("23", "/system/app/A/A.apk", "v2-sig-apk-digest-did-not-verify", Problem::Content, &[]),
        ],
    }
};
