//! A pre-installed app that takes messages of device management from the network, and holds the powers to act on them.

use model::fact::app::ComponentKind;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "device-management",
    class: Class::CarrierAgent,
    title: "App takes orders of device management",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place.is_system()) {
        let receivers = app.app.components.iter().filter(|it| it.kind == ComponentKind::Receiver && it.enabled);
        let kinds = receivers.flat_map(|component| {
            let types = component.filters.iter().flat_map(|it| &it.data).filter_map(|it| it.mime_type.as_deref());
            types.filter_map(move |it| Some((component, *KINDS.iter().find(|kind| kind.0 == it)?)))
        });
        let Some((component, (mime, what))) = kinds.into_iter().next() else { continue };
        let powers: Vec<&(&str, Power)> = POWERS.iter().filter(|it| app.asks_for(it.0)).collect();
        let Some(power) = powers.iter().map(|it| it.1).min() else { continue };
        let factors = Factors {
            reach: Reach::Remote,
            power,
            concealment: Concealment::None,
            holder: if way::is_of_the_platform(context, app) { Holder::Legitimate } else { Holder::Unknown },
        };
        let names: Vec<&str> = powers.iter().map(|it| it.0).collect();
        let claim = format!(
            "{} takes {what} (WAP push of the type {mime}), and asks for {}; what a message makes it do is in its code",
            app.app.package,
            names.join(", "),
        );
        findings.push(Finding {
            benign: "carriers set up and update the phones that they sell by such messages, which name a server and carry a proof"
                .to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![
                Evidence::at(app.declares_at(&component.name), format!("receiver {} for {mime}", component.name)),
                Evidence::at(app.at, format!("uses-permission {}", names.join(", "))),
            ],
            action: "ask whose server it obeys, and whether a message is proved before it is acted on".to_owned(),
            ..DETECTOR.finding(Grade::Capability, Confidence::Medium, factors, claim)
        });
    }
}

/// Types of messages that manage a device (Open Mobile Alliance: DM notification, DM bootstrap, client provisioning).
const KINDS: &[(&str, &str)] = &[
    ("application/vnd.syncml.notification", "notices of a management server"),
    ("application/vnd.syncml.dm+wbxml", "orders of a management server"),
    ("application/vnd.syncml.dm+xml", "orders of a management server"),
    ("application/vnd.wap.connectivity-wbxml", "settings of a provisioning server"),
];

const POWERS: &[(&str, Power)] = &[
    ("android.permission.INSTALL_PACKAGES", Power::Install),
    ("android.permission.DELETE_PACKAGES", Power::Install),
    ("android.permission.MASTER_CLEAR", Power::Install),
    ("android.permission.RECOVERY", Power::Install),
    ("android.permission.WRITE_SECURE_SETTINGS", Power::Settings),
    ("android.permission.REBOOT", Power::Settings),
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking, component};
    use model::fact::app::{App, DataSpec};

    fn with(path: &str, mime: &str, power: &str) -> Fixture {
        let action = "android.provider.Telephony.WAP_PUSH_RECEIVED";
        let mut receiver = component(ComponentKind::Receiver, "a.b.Push", None, &[action]);
        for filter in &mut receiver.filters {
            filter.data = vec![DataSpec { mime_type: Some(mime.to_owned()), ..DataSpec::default() }];
        }
        let app = App { components: vec![receiver], ..app_asking("a.b", &[power]) };
        Fixture::phone().platform("CN=p").app(path, app, "CN=x")
    }
    const APP: &str = "/system/priv-app/A/A.apk";
    const INSTALL: &str = "android.permission.INSTALL_PACKAGES";
    const NOTICE: &str = "application/vnd.syncml.notification";

    Cases {
        fires: &[
            || with(APP, NOTICE, INSTALL),
            || with(APP, "application/vnd.wap.connectivity-wbxml", "android.permission.WRITE_SECURE_SETTINGS"),
        ],
        silent: &[
            || with(APP, "application/vnd.wap.mms-message", INSTALL),
            || with(APP, NOTICE, "android.permission.RECEIVE_WAP_PUSH"),
            || with("/data/app/A/A.apk", NOTICE, INSTALL),
        ],
    }
};
