//! The platform or a system app is signed with a key that everyone has.

use knowledge::PublicKey;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{InstalledApp, Signer};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "test-keys",
    class: Class::TrustRoot,
    title: "Signed with a published key",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let keys = &context.knowledge.public_keys;
    let platform = context.phone.platform_signer().map(|it| it.certificate.sha256.as_str());
    for app in context.phone.apps.all.iter().filter(|it| it.place.is_system()) {
        for signer in &app.signers {
            let key = keys.get(&signer.certificate.sha256).or_else(|| keys.get(&signer.certificate.public_key_sha256));
            let Some(key) = key else { continue };
            if key.innocent_packages.contains(&app.app.package) {
                continue;
            }
            let is_platform = app.app.package == "android" || platform == Some(signer.certificate.sha256.as_str());
            findings.push(finding(app, signer, key, is_platform));
            break;
        }
    }
}

fn finding(app: &InstalledApp, signer: &Signer, key: &PublicKey, is_platform: bool) -> Finding {
    let package = &app.app.package;
    let factors = Factors {
        reach: Reach::AnyApp,
        power: if is_platform { Power::System } else { Power::Data },
        concealment: Concealment::None,
        holder: Holder::Everyone,
    };
    let claim = match (package.as_str(), is_platform) {
        ("android", _) => format!(
            "the platform itself is signed with the published key \"{}\": any app that is signed with it runs as the \
             system, and the key is on the internet",
            key.name
        ),
        (_, true) => format!(
            "{package} is signed with the published key \"{}\", which is also this phone's platform key",
            key.name
        ),
        (_, false) => format!(
            "{package} is part of the system and signed with the published key \"{}\": anyone can make an update of it \
             that the phone accepts",
            key.name
        ),
    };
    Finding {
        benign: "an engineering build, or an app that its supplier never signed for release".to_owned(),
        subject: package.clone(),
        device_path: app.device_path.clone(),
        evidence: vec![Evidence::at(
            signer.at,
            format!("signer SHA-256 {} ({}: {})", signer.certificate.sha256, key.name, key.meaning),
        )],
        references: vec![key.source.clone()],
        action: match is_platform {
            true => "do not use this phone for anything confidential; ask for a build signed with the maker's own key",
            false => "ask the maker for a build of this app that is signed with a private key",
        }
        .to_owned(),
        ..DETECTOR.finding(Grade::Finding, Confidence::High, factors, claim)
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    // SHA-256 of AOSP's `testkey` certificate; a fixture's signer is known by its subject alone.
    const TESTKEY: &str = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc";
    Cases {
        fires: &[
            || Fixture::phone().platform(TESTKEY),
            || Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app("a.b"), TESTKEY),
        ],
        silent: &[
            || Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app("a.b"), "CN=p"),
            // Android's own test shims carry this key on every phone.
            || {
                let shim = app("com.android.cts.ctsshim");
                Fixture::phone().platform("CN=p").app("/system/app/CtsShim/CtsShim.apk", shim, TESTKEY)
            },
            || Fixture::phone().platform("CN=p").app("/data/app/a.b/base.apk", app("a.b"), TESTKEY),
        ],
    }
};
