//! Authorities in the system's store that Android does not ship: whoever holds one can read encrypted connections.

use knowledge::{CaOwner, CaOwnerKind, CaStanding};
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
            (CaStanding::Unknown, why) => {
                let owner = knowledge.ca_owners.of(&row.value.sha256, &row.value.subject);
                let whose = owner.map(|it| format!(" ({})", whose(it))).unwrap_or_default();
                let everyones = owner.is_some_and(|it| it.kind == CaOwnerKind::PublicKey);
                let holder = if everyones { Holder::Everyone } else { Holder::Unknown };
                let sources = why.map(|it| &it.source).into_iter().chain(owner.map(|it| &it.source));
                Finding {
                    benign: "makers, carriers and states add authorities for their own services".to_owned(),
                    references: sources.cloned().collect(),
                    ..DETECTOR.finding(
                        if everyone { Grade::Finding } else { Grade::Suspicion },
                        Confidence::High,
                        factors(if everyone { Power::Data } else { Power::Settings }, holder),
                        match everyone {
                            true => format!(
                                "every app trusts \"{}\"{whose}, an authority that neither Android nor Mozilla ships: \
                                 whoever holds its key can read and change encrypted connections",
                                row.value.subject
                            ),
                            false => format!(
                                "the store {store}, which one service uses, trusts \"{}\"{whose}, an authority that \
                                 neither Android nor Mozilla ships",
                                row.value.subject
                            ),
                        },
                    )
                }
            }
        };
        findings.push(complete(finding, row, path));
    }
}

/// Whose an authority says it is.
fn whose(owner: &CaOwner) -> String {
    match owner.kind {
        CaOwnerKind::Government => format!("a state's: {}", owner.name),
        CaOwnerKind::Carrier => format!("a carrier's: {}", owner.name),
        CaOwnerKind::PublicKey => format!("its private key is public: {}", owner.name),
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

#[cfg(test)]
mod tests {
    use knowledge::Knowledge;

    use super::*;
    use crate::fixture::Fixture;

    const STORE: &str = "/system/etc/security/cacerts";

    /// The store that Android 10 ships, without some of it, and with others in it.
    fn store(without: usize, with: &[(&str, &str)]) -> Vec<Finding> {
        let shipped = Knowledge::bundled().ca_baseline.iter().filter(|it| it.sdks.contains(29));
        let shipped = shipped.map(|it| (it.sha256.as_str(), it.subject.as_str())).skip(without);
        let mut fixture = Fixture::phone().property("ro.build.version.sdk", "29");
        for (n, (sha256, subject)) in shipped.chain(with.iter().copied()).enumerate() {
            fixture = fixture.authority(&format!("{STORE}/{n:08x}.0"), sha256, subject);
        }
        fixture.detect(&DETECTOR)
    }

    fn known(part: &str) -> (&'static str, &'static str) {
        let mut all = Knowledge::bundled().ca_baseline.iter();
        let ca = all.find(|it| it.subject.contains(part) && !it.sdks.contains(29)).unwrap();
        (&ca.sha256, &ca.subject)
    }

    #[test]
    fn the_store_of_a_version_is_no_finding_also_where_some_of_it_was_taken_out() {
        assert_eq!(Knowledge::bundled().ca_baseline.iter().filter(|it| it.sdks.contains(29)).count(), 138);
        assert!(store(0, &[]).is_empty());
        assert!(store(5, &[]).is_empty(), "who trusts fewer is not spied on by it");
    }

    #[test]
    fn what_was_added_is_told_as_what_it_is() {
        let unknown = ("ab".repeat(32), "CN=Proxy,O=Somebody");
        let superfish = ("b6fe9151402bad1c06d7e66db67a26aa7356f2e6c644dbcf9f98968ff632e1b7", "CN=Superfish\\, Inc.");
        let state = ("cd".repeat(32), "C=KZ,CN=Qaznet Trust Network");
        let with = [
            (&*unknown.0, unknown.1),
            superfish,
            (&*state.0, state.1),
            known("CN=TDC OCES CA"),
            known("O=WoSign CA Limited"),
            known("O=CNNIC"),
        ];
        let found = store(1, &with);
        let told: Vec<(Grade, Holder, &str)> =
            found.iter().map(|it| (it.grade, it.factors.holder, it.claim.as_str())).collect();
        let one = |part: &str| *told.iter().find(|it| it.2.contains(part)).unwrap_or_else(|| panic!("{part}: {told:#?}"));
        assert_eq!(told.len(), with.len(), "{told:#?}");
        let (grade, holder, _) = one("CN=Proxy,O=Somebody\", an authority that neither");
        assert_eq!((grade, holder), (Grade::Finding, Holder::Unknown), "added");
        assert_eq!(one("its private key is public").1, Holder::Everyone);
        assert_eq!(one("a state's: Kazakhstan").0, Grade::Finding);
        assert_eq!(one("which only another version of Android ships").0, Grade::Suspicion, "legacy");
        assert_eq!(one("lost the trust of the public lists on 2016-10-21").0, Grade::Suspicion, "distrusted");
        assert_eq!(one("lost the trust of the public lists on 2015-04-01").0, Grade::Suspicion, "distrusted");
    }
}
