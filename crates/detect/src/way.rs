//! What detectors share that judge ways through code.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::app::{Component, ComponentKind};
use model::fact::flow::{Flow, Way};
use model::finding::Step;
use model::{ArtifactId, Evidence, Location, Row};
use phone::{InstalledApp, Place};
use surface::EntryPoint;

use crate::Context;

/// The effective app of a package file, or of a split; or an app of which only the code is there.
pub(crate) fn app_of<'a>(context: &Context<'a>, artifact: ArtifactId) -> Option<&'a InstalledApp> {
    let apps = &context.phone.apps;
    let installed = apps.effective().find(|it| it.artifact == artifact || it.splits.contains(&artifact));
    installed.or_else(|| apps.without_manifest.iter().find(|it| it.artifact == artifact))
}

/// The app that acts at the end of a flow: another one, where the value goes over to it.
pub(crate) fn acting<'a>(context: &Context<'a>, row: &Row<Flow>) -> Option<&'a InstalledApp> {
    match &row.value.into {
        Some(package) => context.phone.apps.effective().find(|it| it.app.package == *package),
        None => app_of(context, row.at.artifact),
    }
}

/// How a claim names the app that acts, where it is not the one that the finding is about.
pub(crate) fn into_words(flow: &Flow) -> String {
    flow.into.as_ref().map(|it| format!(" in {it}, to which it is handed")).unwrap_or_default()
}

pub(crate) use surface::power_of;

/// Whether it is an action at all, and no log or file.
pub fn is_act(sink: &str) -> bool {
    power_of(sink).is_some()
}

/// Whether a way is too weak a sign to be held against an app: what it goes through is shared by the whole app, and what it
/// ends in every app does with things of its own.
pub fn is_faint(way: &Way, sink: &str) -> bool {
    way.indirect && !way.stored && !matches!(sink, "execute-command" | "modem-command" | "selinux" | "factory-reset")
}

/// Places that the whole app shares and in which values of every kind lie, by app and place: the engine could not tell there
/// what is what (the buffer of a logger). A way through such a place is not shown.
pub(crate) struct Hubs<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Hubs<'a> {
    /// Those of a phone.
    pub fn of(context: &Context<'a>) -> Hubs<'a> {
        let mut kinds: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for row in &context.phone.facts.flows {
            for place in shared(&row.value.way) {
                kinds.entry((&row.value.package, place)).or_default().insert(&row.value.source);
            }
        }
        Hubs(kinds.into_iter().filter(|it| HUB_MIN <= it.1.len()).map(|it| it.0).collect())
    }

    /// Whether a flow that is a weak sign by itself goes through one. A command is told all the same: nobody hides one by
    /// putting much into one place.
    pub fn hide(&self, flow: &Flow, sink: &str) -> bool {
        is_faint(&flow.way, sink) && shared(&flow.way).any(|it| self.0.contains(&(flow.package.as_str(), it)))
    }
}

/// Static places on a way.
fn shared(way: &Way) -> impl Iterator<Item = &str> {
    way.steps.iter().filter(|it| it.at.is_none()).map(|it| it.what.as_str()).filter(|it| it.contains("static "))
}

/// Kinds of sources in one place. A place with a purpose holds one kind, or two.
const HUB_MIN: usize = 5;

/// An action in words.
pub fn sink_words(sink: &str) -> &str {
    match sink {
        "execute-command" => "a command that is run",
        "fixed-program" => "a fixed program that only tells",
        "load-native" => "native code that is loaded",
        "load-code" => "bytecode that is loaded",
        "install-package" => "the installation of an app",
        "remove-package" => "the removal of an app",
        "grant-permission" => "the grant of a permission",
        "factory-reset" => "a factory reset",
        "system-update" => "the installation of a system update",
        "set-property" => "a system property",
        "change-settings" => "a setting of the system",
        "reboot" => "a restart",
        "file-permissions" => "the permissions of a file",
        "selinux" => "the state of SELinux",
        "modem-command" => "a raw command to the modem",
        "send-sms" => "a text message that is sent",
        "place-call" => "a call or code that is dialled",
        "init-control" => "a service of init that is started or stopped",
        "enable-adb" => "access by adb",
        "mount" => "a volume that is mounted or formatted",
        "input-injection" => "keys and touches that are made up",
        "accessibility-action" => "actions on other apps' screens",
        "app-ops" => "what an app is allowed to do",
        "device-admin" => "the rights of a device administrator",
        "weaken-security" => "a setting that protects the phone",
        "record" => "a recording of sound, picture or screen",
        "user-account" => "accounts and users of the phone",
        "vpn" => "the way that all traffic takes",
        "disable-app" => "an app that is switched on or off",
        "device-state" => "radios, sound or clock",
        "webview-bridge" => "what a web page may call",
        "pending-intent" => "an intent that others may send in the app's name",
        "network-output" => "the network",
        other => other,
    }
}

/// A source in words.
pub fn source_words(source: &str) -> &str {
    match source {
        "network-input" => "what was received from the network",
        "push-message" => "a push message",
        "sms-content" => "the text of a message",
        "cell-broadcast" => "a cell broadcast",
        "nfc-input" => "what a tag says",
        "usb-input" => "what comes by USB",
        "bluetooth-input" => "what comes by Bluetooth",
        "local-socket-input" => "what comes by a socket inside the phone",
        "binder-input" => "what a caller sends by Binder",
        "device-identifier" => "identifiers of the device",
        "subscriber-identifier" => "identifiers of the SIM card",
        "phone-number" => "the phone number",
        "network-identifier" => "network addresses",
        "location" => "the location",
        "account" => "accounts",
        "provider-data" => "data of content providers (contacts, messages and the like)",
        "contacts" => "contacts",
        "call-log" => "calls",
        "calendar" => "the calendar",
        "media" => "pictures, sound and video",
        "nearby-device" => "devices nearby",
        "sensor" => "sensors",
        "device-profile" => "settings and make of the phone",
        "browser-history" => "the browser's history",
        "clipboard" => "the clipboard",
        "installed-apps" => "the list of apps",
        "notification-content" => "notifications",
        "accessibility-event" => "what is on the screen, by accessibility",
        "camera" => "the camera",
        "microphone" => "the microphone",
        "screen" => "the screen",
        "password" => "passwords that are typed in",
        "exported-intent" => "what another app says",
        "shared-storage-input" => "a file on the shared storage",
        "time" => "the time",
        "region" => "the country, network or language",
        "device-model" => "the model of the device",
        other => other,
    }
}

/// Whether an app can do more than others: the system's own user, the platform's signer, or a privileged place.
pub(crate) fn is_privileged(context: &Context, app: &InstalledApp) -> bool {
    let platform = is_of_the_platform(context, app);
    let system_user = app.app.shared_user_id.as_deref().is_some_and(|it| it.starts_with("android.uid."));
    app.place.is_system() && (platform || system_user || app.place == Place::Privileged)
}

/// Whether the platform's own signer signed it.
pub(crate) fn is_of_the_platform(context: &Context, app: &InstalledApp) -> bool {
    context.phone.platform_signer().is_some_and(|it| app.is_signed_by(&it.certificate.sha256))
}

/// The class that a component runs: that of its target, for an alias.
pub(crate) fn class_of(component: &Component) -> &str {
    component.target_activity.as_deref().unwrap_or(&component.name)
}

/// Whether any app may come in there with a message of its own: not a screen, which the user sees, and not a receiver
/// of the system's own broadcasts.
pub(crate) fn is_open_door(_: &Context, entry: &EntryPoint) -> bool {
    entry.guard.is_open_to_any_app()
        && match entry.component.kind {
            ComponentKind::Activity | ComponentKind::ActivityAlias => false,
            ComponentKind::Receiver => {
                let mut actions = entry.component.filters.iter().flat_map(|it| &it.actions).peekable();
                actions.peek().is_none() || !actions.all(|it| surface::is_sent_by_the_system(it))
            }
            ComponentKind::Service | ComponentKind::Provider => true,
        }
}

/// The ends of a way.
pub(crate) fn evidence_of(declared: Location, way: &Way) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let known: Vec<_> = way.steps.iter().filter_map(|it| Some((it.at?, it))).collect();
    let ends = known.first().into_iter().chain(known.last().filter(|_| 1 < known.len()));
    for (at, step) in ends {
        evidence.push(Evidence::at(*at, format!("{}.{}: {}", step.class, step.method, step.what)));
    }
    for check in way.checks.iter().take(CHECKS_SHOWN) {
        evidence.push(Evidence::at(declared, format!("{}: {} in {}", check.kind, check.what, check.method)));
    }
    for host in &way.hosts {
        evidence.push(Evidence::at(declared, format!("address in the code on the way: {host}")));
    }
    if evidence.is_empty() {
        evidence.push(Evidence::at(declared, "declared here"));
    }
    evidence
}

/// The way, step by step. What lies in a shared place has no instruction of its own.
pub(crate) fn flow_of(app: Location, way: &Way) -> Vec<Step> {
    let step = |it: &model::fact::flow::Step| Step {
        at: it.at.unwrap_or(app),
        class: it.class.clone(),
        method: it.method.clone(),
        what: it.what.clone(),
    };
    way.steps.iter().map(step).collect()
}

/// Enough to see what kind of check it is.
const CHECKS_SHOWN: usize = 4;
