//! A known app of Android in someone else's build: an app of the system that the platform's key signs everywhere, under
//! another signer; or one package twice, under two signers.

use std::collections::BTreeMap;

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{Environment, InstalledApp};

use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "trojanised-app",
    class: Class::TrojanisedApp,
    title: "Known app under another signer",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut signed: BTreeMap<&str, u32> = BTreeMap::new();
    for app in phone.apps.effective().filter(|it| it.place.is_system()) {
        for signer in &app.signers {
            *signed.entry(&signer.certificate.sha256).or_default() += 1;
        }
    }
    let platform = phone.platform_signer();
    let mut told: Vec<&str> = Vec::new();
    for app in phone.apps.effective().filter(|it| it.place.is_system() && !it.signers.is_empty()) {
        let known = context.knowledge.packages_aosp.get(&app.app.package).filter(|it| it.signed_by == "platform");
        let alone = app.signers.iter().all(|it| signed.get(it.certificate.sha256.as_str()) == Some(&1));
        if let (Some(known), Some(platform)) = (known, platform)
            && alone
            && !way::is_of_the_platform(context, app)
        {
            let claim = format!(
                "{} ({}) is signed by \"{}\", which signs nothing else here; the platform's key \"{}\" signs it everywhere",
                app.app.package,
                known.role,
                app.signer_subject(),
                platform.certificate.subject
            );
            told.push(&app.app.package);
            findings.push(finding(app, claim, vec![known.source.clone()], Vec::new()));
        }
    }
    let mut copies: BTreeMap<&str, Vec<&InstalledApp>> = BTreeMap::new();
    let running = |it: &&InstalledApp| it.place.is_system() && it.environment == Some(Environment::Normal) && !it.signers.is_empty();
    for app in phone.apps.all.iter().filter(running) {
        copies.entry(&app.app.package).or_default().push(app);
    }
    for (package, apps) in copies {
        let Some(first) = apps.iter().find(|it| it.effective && !told.contains(&package)) else { continue };
        let other = apps.iter().find(|it| it.signers.iter().all(|signer| !first.is_signed_by(&signer.certificate.sha256)));
        if let Some(other) = other {
            let claim = format!(
                "{package} is there twice, under two signers: \"{}\" ({}) and \"{}\" ({})",
                first.signer_subject(),
                first.device_path,
                other.signer_subject(),
                other.device_path
            );
            let more = vec![Evidence::artifact(other.artifact, format!("signed by {}", other.signer_subject()))];
            findings.push(finding(first, claim, Vec::new(), more));
        }
    }
}

fn finding(app: &InstalledApp, claim: String, references: Vec<String>, more: Vec<Evidence>) -> Finding {
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::Data,
        concealment: Concealment::Misleading,
        holder: Holder::Unknown,
    };
    let own = Evidence::artifact(app.artifact, format!("{} is signed by {}", app.app.package, app.signer_subject()));
    Finding {
        benign: "a custom system, or a maker with several keys, signs single apps of Android anew".to_owned(),
        subject: app.app.package.clone(),
        device_path: app.device_path.clone(),
        evidence: std::iter::once(own).chain(more).collect(),
        references,
        action: "compare the app with that of the maker's official build".to_owned(),
        ..DETECTOR.finding(Grade::Suspicion, Confidence::Medium, factors, claim)
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    const SYSTEM_UI: &str = "/system/priv-app/SystemUI/SystemUI.apk";
    fn system_ui(signer: &str) -> Fixture {
        Fixture::phone().platform("CN=p").app(SYSTEM_UI, app("com.android.systemui"), signer)
    }
    Cases {
        fires: &[
            || system_ui("CN=x"),
            || system_ui("CN=p").app("/product/priv-app/S/S.apk", app("com.android.systemui"), "CN=x"),
        ],
        silent: &[
            || system_ui("CN=p"),
            || system_ui("CN=maker").app("/system/app/B/B.apk", app("b.c"), "CN=maker"),
            || system_ui("CN=p").app("/data/app/S/S.apk", app("com.android.systemui"), "CN=x"),
        ],
    }
};
