//! Permissions of Android's framework: how well each is guarded, and what its holder can do.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A permission that the framework itself declares.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// Its full name.
    pub name: String,
    /// The protection level from this SDK level on, ascending: `(21, "signature|system"), (23, "signature|privileged")`.
    /// An empty text: gone from this SDK level on. The first level known to this table is SDK 19.
    pub levels: Vec<(u32, String)>,
    /// What its holder can do that matters here, by our own judgement; most have none.
    #[serde(default)]
    pub powers: Vec<PermissionPower>,
    /// The reference that proves the row.
    pub source: String,
}

impl Permission {
    /// `protectionLevel` as Android of this SDK level declares it; `None` where it knows no such permission.
    pub fn level_at(&self, sdk: u32) -> Option<&str> {
        let (_, level) = self.levels.iter().rev().find(|(from, _)| *from <= sdk)?;
        (!level.is_empty()).then_some(level)
    }

    /// How it is granted in Android of this SDK level.
    pub fn protection_at(&self, sdk: u32) -> Option<Protection> {
        Protection::of_text(self.level_at(sdk)?)
    }
}

/// How a permission is granted: the base of its protection level. Ordered by how hard it is to get.
/// Source: `android.content.pm.PermissionInfo`, `PROTECTION_MASK_BASE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protection {
    /// Any app gets it by asking.
    Normal,
    /// The user is asked (before Android 6: at install time, all or nothing).
    Dangerous,
    /// Apps with the declaring app's signature get it; with `privileged` (once `system`) also system apps that are
    /// listed for it, with further flags certain roles.
    Signature,
    /// Only the system hands it out.
    Internal,
}

impl Protection {
    /// From the text of a manifest's source (`signature|privileged`); an empty text is `normal`.
    pub fn of_text(level: &str) -> Option<Protection> {
        let has = |base: &str| level.split('|').any(|part| part == base);
        Some(match () {
            () if level.is_empty() || has("normal") => Protection::Normal,
            () if has("dangerous") => Protection::Dangerous,
            () if has("signature") || has("signatureOrSystem") => Protection::Signature,
            () if has("internal") => Protection::Internal,
            () => return None,
        })
    }

    /// From the number in a compiled manifest; `None` for a base that Android does not know.
    pub fn of_bits(level: u32) -> Option<Protection> {
        Some(match level & 0xf {
            0 => Protection::Normal,
            1 => Protection::Dangerous,
            // 3 is `signatureOrSystem`, the old name of signature with the flag `privileged`.
            2 | 3 => Protection::Signature,
            4 => Protection::Internal,
            _ => return None,
        })
    }
}

/// What the holder of a permission can do. Our own grouping; the head of `data/permissions.toml` says by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionPower {
    /// Install, replace, remove, disable or hide apps without the user.
    Install,
    /// Run as part of the system, load code into it, grant permissions, debug or instrument other apps.
    SystemCode,
    /// Read, send, intercept text messages.
    Sms,
    /// Place, take, redirect, overhear calls; read the call log.
    Calls,
    /// Read or change contacts and accounts' social data.
    Contacts,
    /// Know where the phone is.
    Location,
    /// Hear.
    Microphone,
    /// See through the camera.
    Camera,
    /// See or record the screen.
    Screen,
    /// Read or write the user's files and media.
    Storage,
    /// Read or change the calendar.
    Calendar,
    /// Health and body sensors.
    Sensors,
    /// Talk to the internet.
    Network,
    /// Change how the phone reaches the network: VPN, DNS, APN, Wi-Fi, firewall.
    NetworkControl,
    /// Change settings of the system.
    Settings,
    /// Reboot, shut down, install an update image, reset to factory state, unlock the bootloader.
    Reset,
    /// Own or administer the device, wipe or lock it, set passwords.
    DeviceAdmin,
    /// Read the content of other apps' windows, act in the user's place.
    Accessibility,
    /// Draw over other apps.
    Overlay,
    /// Read notifications.
    Notifications,
    /// Manage or use accounts and credentials, keys, certificate authorities.
    Credentials,
    /// Know which apps are used, read logs, dumps, identifiers of phone and subscriber.
    Identity,
    /// Talk to the modem and the SIM card.
    Radio,
    /// Act across users and profiles.
    Users,
    /// Start at boot.
    Autostart,
}

impl Row for Permission {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<Permission> {
    /// What the holder of these permissions can do, in order and each once.
    pub fn powers_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<PermissionPower> {
        let mut powers: Vec<PermissionPower> =
            names.into_iter().filter_map(|name| self.get(name)).flat_map(|row| row.powers.iter().copied()).collect();
        powers.sort();
        powers.dedup();
        powers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Knowledge;

    #[test]
    fn a_level_is_the_one_of_its_android_version() {
        let install = Knowledge::bundled().permissions.get("android.permission.INSTALL_PACKAGES").unwrap();
        assert_eq!(install.level_at(21), Some("signature|system"));
        assert_eq!(install.level_at(29), Some("signature|privileged"));
        assert_eq!(install.protection_at(36), Some(Protection::Signature));
        assert_eq!(install.level_at(18), None);
        assert_eq!(install.powers, [PermissionPower::Install]);
    }

    #[test]
    fn text_and_number_name_the_same_protection() {
        for (text, bits, protection) in [
            ("normal", 0, Protection::Normal),
            ("", 0, Protection::Normal),
            ("dangerous|instant", 0x1001, Protection::Dangerous),
            ("signature|privileged", 0x12, Protection::Signature),
            ("signatureOrSystem", 3, Protection::Signature),
            ("internal|role", 0x0400_0004, Protection::Internal),
        ] {
            assert_eq!(Protection::of_text(text), Some(protection));
            assert_eq!(Protection::of_bits(bits), Some(protection));
        }
        assert_eq!(Protection::of_bits(7), None);
    }
}
