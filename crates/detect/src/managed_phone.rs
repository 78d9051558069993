//! Someone manages this phone: a device owner is set, or an administrator with the powers to install and erase is part of the
//! system. Whether that is wanted cannot be decided from the phone.

use model::fact::app::ComponentKind;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "managed-phone",
    class: Class::ManagedPhone,
    title: "Someone manages this phone",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    for path in OWNERS {
        if let Some(&file) = phone.at(path).first() {
            let evidence = vec![Evidence::artifact(file, format!("{path}: Android writes it when an owner is set"))];
            let claim = "a device owner is set".to_owned();
            findings.push(finding("device owner", path, evidence, Reach::Remote, claim));
        }
    }
    for app in phone.apps.effective().filter(|it| it.place.is_system() && !way::is_of_the_platform(context, it)) {
        let admin = app.app.components.iter().find(|it| {
            it.kind == ComponentKind::Receiver && it.permission.as_deref() == Some("android.permission.BIND_DEVICE_ADMIN")
        });
        let installs = POWERS.iter().copied().find(|it| app.asks_for(it));
        let (Some(admin), Some(power)) = (admin, installs) else { continue };
        let claim = format!(
            "{}, a part of the system that \"{}\" signs, can be made an administrator of the device, and asks for {power}",
            app.app.package,
            app.signer_subject()
        );
        let evidence = vec![Evidence::at(app.declares_at(&admin.name), format!("receiver {} for administrators", admin.name))];
        // Until somebody who has the phone in hand agrees, it is none.
        findings.push(finding(&app.app.package, &app.device_path, evidence, Reach::Physical, claim));
    }
}

fn finding(subject: &str, path: &str, evidence: Vec<Evidence>, reach: Reach, claim: String) -> Finding {
    let factors = Factors {
        reach,
        power: Power::Install,
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    Finding {
        benign: "phones that a company, a school or a shop hands out are managed so, and their users know it".to_owned(),
        subject: subject.to_owned(),
        device_path: path.to_owned(),
        evidence,
        action: "ask who gave you the phone whether they manage it; if nobody says so, have it set up anew".to_owned(),
        ..DETECTOR.finding(
            Grade::Capability,
            Confidence::High,
            factors,
            format!("{claim}; whether that is wanted cannot be decided from the phone"),
        )
    }
}

/// AOSP `OwnersData.java` and, before Android 6, `DeviceOwner.java`.
const OWNERS: &[&str] = &["/data/system/device_owner_2.xml", "/data/system/device_owner.xml"];

const POWERS: &[&str] = &["android.permission.INSTALL_PACKAGES", "android.permission.MASTER_CLEAR", "android.permission.DELETE_PACKAGES"];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking, component};
    use model::fact::app::App;

    fn agent(path: &str, signer: &str, power: &str) -> Fixture {
        let admin = component(ComponentKind::Receiver, "a.b.Admin", Some("android.permission.BIND_DEVICE_ADMIN"), &[]);
        let app = App { components: vec![admin], ..app_asking("a.b", &[power]) };
        Fixture::phone().platform("CN=p").app(path, app, signer)
    }
    const PRIVILEGED: &str = "/system/priv-app/A/A.apk";
    const INSTALL: &str = "android.permission.INSTALL_PACKAGES";

    Cases {
        fires: &[
            || Fixture::phone().with_file("/data/system/device_owner_2.xml"),
            || agent(PRIVILEGED, "CN=x", INSTALL),
        ],
        silent: &[
            || agent("/data/app/A/A.apk", "CN=x", INSTALL),
            || agent(PRIVILEGED, "CN=p", INSTALL),
            // A mail program keeps the rules of a company's server.
            || agent(PRIVILEGED, "CN=x", "android.permission.INTERNET"),
        ],
    }
};
