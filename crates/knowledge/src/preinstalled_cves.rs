//! CVE records about apps that come with a phone.

use model::finding::Reach;
use serde::{Deserialize, Serialize};

use crate::table::{Row, Table};

/// What a record says about an app.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppCve {
    /// The record's number.
    pub cve: String,
    /// The app's packages: one record may be about several variants.
    pub packages: Vec<String>,
    /// The components that it names, as classes.
    #[serde(default)]
    pub components: Vec<String>,
    /// `versionCode` of the app in the builds that were looked at.
    #[serde(default)]
    pub version_codes: Vec<i64>,
    /// The version that corrects it, where the record says so.
    #[serde(default)]
    pub below: String,
    /// Fingerprints of the builds that were looked at.
    #[serde(default)]
    pub builds: Vec<String>,
    /// What it gives away.
    pub exposes: Exposes,
    /// To whom.
    pub to: ExposedTo,
    /// The reference that proves the row.
    pub source: String,
}

/// To whom an app gives something away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposedTo {
    /// Any app on the phone.
    AnyApp,
    /// Apps that came with the phone.
    SystemApps,
    /// Whoever lures the user to a page or a tag.
    Remote,
}

/// Declares [`Exposes`] with its words, so that none can lack one.
macro_rules! exposes {
    ($($variant:ident $word:literal $words:literal,)*) => {
        /// What an app gives away.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Exposes {
            $(#[doc = $words] #[serde(rename = $word)] $variant,)*
        }

        impl Exposes {
            /// In words.
            pub fn words(self) -> &'static str {
                match self { $(Exposes::$variant => $words,)* }
            }
        }
    };
}

exposes! {
    Commands "commands" "commands that run with the app's rights",
    LoadCode "load-code" "code that is loaded with the app's rights",
    Install "install" "installation of apps",
    FactoryReset "factory-reset" "a factory reset",
    Recovery "recovery" "orders for recovery",
    SendMessages "send-messages" "sending of messages",
    Messages "messages" "messages of the user",
    Notifications "notifications" "notifications",
    Files "files" "files of the system user",
    Microphone "microphone" "recording of sound",
    Screen "screen" "recording of the screen",
    Logs "logs" "logs of the system",
    Property "property" "system properties",
    Radios "radios" "switches of Wi-Fi and other radios",
    ModemCommands "modem-commands" "commands to the modem",
    Link "link" "inner parts of the app, through a link",
}

impl ExposedTo {
    /// As a factor of severity. What only other pre-installed apps may use is nearest to needing the phone in hand.
    pub fn reach(self) -> Reach {
        match self {
            ExposedTo::AnyApp => Reach::AnyApp,
            ExposedTo::SystemApps => Reach::Physical,
            ExposedTo::Remote => Reach::Remote,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            ExposedTo::AnyApp => "any app",
            ExposedTo::SystemApps => "other pre-installed apps",
            ExposedTo::Remote => "whoever lures the user to a page or tag",
        }
    }
}

impl Row for AppCve {
    fn id(&self) -> String {
        self.cve.clone()
    }

    /// The number, and `package:` with each package.
    fn keys(&self) -> Vec<String> {
        let packages = self.packages.iter().map(|package| format!("package:{package}"));
        std::iter::once(self.id()).chain(packages).collect()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<AppCve> {
    /// The records about a package.
    pub fn of_package(&self, package: &str) -> impl Iterator<Item = &AppCve> + use<'_> {
        self.all(&format!("package:{package}"))
    }
}
