//! How much a capability is.

use model::finding::Power;

/// What an action gives who decides about it; `None` for what is no action (a log, a file).
pub fn power_of(capability: &str) -> Option<Power> {
    Some(match capability {
        "execute-command" | "load-native" | "load-code" | "modem-command" | "selinux" | "init-control"
        | "enable-adb" | "mount" | "input-injection" | "load-kernel-module" | "remote-shell" | "write-partition"
        | "start-any-service" => Power::System,
        "install-package" | "remove-package" | "grant-permission" | "factory-reset" | "system-update" | "app-ops"
        | "device-admin" | "weaken-security" => Power::Install,
        "send-sms" | "place-call" | "record" | "user-account" | "vpn" | "accessibility-action" | "delete-data" => {
            Power::Data
        }
        "set-property" | "change-settings" | "reboot" | "file-permissions" | "disable-app" | "write-kernel"
        | "call-service" | "talk-to-driver" | "fixed-program" => Power::Settings,
        _ => return None,
    })
}

/// Whether a broadcast is one of the platform: most are protected, and the others carry no order.
pub fn is_sent_by_the_system(action: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "android.intent.action.",
        "android.net.",
        "android.bluetooth.",
        "android.provider.Telephony.",
        "android.app.action.",
        "android.appwidget.action.",
        "android.hardware.",
        "android.media.",
        "android.nfc.",
        "android.accounts.",
    ];
    PREFIXES.iter().any(|it| action.starts_with(it))
}
