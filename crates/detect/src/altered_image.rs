//! Bytes that are not those that were signed: someone changed them afterwards, without the key.

use model::fact::apk_signature::{ApkSignature, Class as Problem, Level};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Row};
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

    Cases {
        fires: &[
            || signed("/system/priv-app/A/A.apk", "v2-sig-apk-digest-did-not-verify", Problem::Content, &[]),
            || {
                let kind = "jar-sig-zip-entry-digest-did-not-verify";
                signed("/system/app/A/A.apk", kind, Problem::Content, &["classes.dex", "lib/arm/a.so"])
            },
            || signed("/data/app/a.b/base.apk", "jar-sig-missing-apk-sig-referenced", Problem::Stripped, &[]),
            || signed("/system/app/A/A.apk", "jar-sig-did-not-verify", Problem::Signature, &[]),
        ],
        silent: &[
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
