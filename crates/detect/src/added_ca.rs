//! Authorities in the system's store that Android does not ship: whoever holds one can read encrypted connections.

use knowledge::CaStanding;
use model::fact::certificate::{Certificate, Role};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Row};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "added-ca",
    class: Class::TrustRoot,
    title: "Authority that Android does not ship",
    detect,
};

/// One finding an authority. Those that only an older Android shipped, or that lost their trust, are told as untidiness.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let knowledge = context.knowledge;
    let sdk = phone.sdk().unwrap_or(*knowledge::CA_BASELINE_SDKS.end()).min(*knowledge::CA_BASELINE_SDKS.end());
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for row in phone.running(&phone.facts.certificates).filter(|it| it.value.role == Role::SystemCa) {
        let path = phone.device_path(row.at.artifact);
        let store = path.rsplit_once('/').map_or("", |it| it.0);
        if seen.contains(&(store, &row.value.sha256)) {
            continue;
        }
        seen.push((store, &row.value.sha256));
        let everyone = is_for_everyone(store);
        let distrust = knowledge.ca_distrust.of_subject(&row.value.subject);
        let finding = match (knowledge.ca_baseline.standing(&row.value.sha256, sdk), distrust) {
            (CaStanding::Shipped(_) | CaStanding::Mozilla(_), None) => continue,
            // Android has a store of its own for Wi-Fi.
            (CaStanding::OtherVersion(known), _) if known.wfa && store.ends_with("_wfa") => continue,
            // Android shipped it in its time.
            (CaStanding::Shipped(_), Some(_)) => continue,
            (CaStanding::OtherVersion(_) | CaStanding::Mozilla(_), Some(why)) => Finding {
                benign: "Android of that time shipped it too, before it lost its trust".to_owned(),
                references: vec![why.source.clone()],
                ..DETECTOR.finding(
                    Grade::Suspicion,
                    Confidence::High,
                    factors(Power::None, Holder::Unknown),
                    format!(
                        "the store still trusts \"{}\", an authority that lost the trust of the public lists on {}: {}",
                        row.value.subject, why.date, why.reason
                    ),
                )
            },
            (CaStanding::OtherVersion(known), None) => Finding {
                benign: "left over from an update of an older Android".to_owned(),
                references: vec![known.source.clone()],
                ..DETECTOR.finding(
                    Grade::Suspicion,
                    Confidence::High,
                    factors(Power::None, Holder::Legitimate),
                    format!("the store trusts \"{}\", which only another version of Android ships", row.value.subject),
                )
            },
            (CaStanding::Unknown, why) => Finding {
                benign: "makers, carriers and states add authorities for their own services".to_owned(),
                references: why.map(|it| it.source.clone()).into_iter().collect(),
                ..DETECTOR.finding(
                    if everyone { Grade::Finding } else { Grade::Suspicion },
                    Confidence::High,
                    factors(if everyone { Power::Data } else { Power::Settings }, Holder::Unknown),
                    match everyone {
                        true => format!(
                            "every app trusts \"{}\", an authority that neither Android nor Mozilla ships: whoever holds \
                             its key can read and change encrypted connections",
                            row.value.subject
                        ),
                        false => format!(
                            "the store {store}, which one service uses, trusts \"{}\", an authority that neither Android \
                             nor Mozilla ships",
                            row.value.subject
                        ),
                    },
                )
            },
        };
        findings.push(complete(finding, row, path));
    }
}

fn factors(power: Power, holder: Holder) -> Factors {
    // Whoever holds the key has to stand in the way of the connection.
    Factors { reach: Reach::Adjacent, power, concealment: Concealment::None, holder }
}

fn complete(finding: Finding, row: &Row<Certificate>, path: &str) -> Finding {
    Finding {
        subject: row.value.sha256.clone(),
        device_path: path.to_owned(),
        evidence: vec![Evidence::at(row.at, format!("{}, SHA-256 {}", row.value.subject, row.value.sha256))],
        action: "ask whose authority this is; switch it off in the settings, under trusted credentials".to_owned(),
        ..finding
    }
}

/// The store that every app trusts; others (for positioning, for Wi-Fi) serve one service each.
fn is_for_everyone(store: &str) -> bool {
    store.ends_with("/etc/security/cacerts") || store.ends_with("/cacerts") && store.starts_with("/apex/")
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    // SHA-256 of a root that Android ships from 5 to 14 (ISRG Root X1 from 7.1.1, GlobalSign Root CA before).
    const GLOBALSIGN: &str = "ebd41040e4bb3ec742c9e381d31ef2a41a48b6685c96e7cef3c1df6cd4331c99";

    fn with(path: &str, hash: &str) -> Fixture {
        Fixture::phone().property("ro.build.version.sdk", "30").certificate(path, Role::SystemCa, hash)
    }

    Cases {
        fires: &[
            || with("/system/etc/security/cacerts/00000000.0", "CN=Interception"),
            || with("/system/etc/security/cacerts_supl/00000000.0", "CN=Operator"),
        ],
        silent: &[
            || with("/system/etc/security/cacerts/5ad8a5d6.0", GLOBALSIGN),
            // A certificate that lies in an app.
            || {
                let path = "/system/app/A/A.apk!assets/ca.pem";
                Fixture::phone().certificate(path, Role::Other, "CN=Interception")
            },
        ],
    }
};
