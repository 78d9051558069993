//! Something in an artifact that is known from elsewhere.

use serde::{Deserialize, Serialize};

/// A known indicator that stands in an artifact. What it means is not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Of what kind.
    pub kind: IndicatorKind,
    /// The indicator as it is known.
    pub value: String,
    /// What stands there, where it is not the same: a host below a known domain, for one.
    pub found: String,
    /// How many names of hosts stand in the artifact in all: one host of many is no sign.
    pub n_hosts: u32,
}

/// Declares [`IndicatorKind`] with its words, so that none can lack one.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $word:literal,)*) => {
        /// Of what kind an indicator is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum IndicatorKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl IndicatorKind {
            /// All of them.
            pub const ALL: &'static [IndicatorKind] = &[$(IndicatorKind::$variant,)*];

            /// The word of data and reports.
            pub fn word(self) -> &'static str {
                match self { $(IndicatorKind::$variant => $word,)* }
            }
        }
    };
}

kinds! {
    /// Name of an app's package.
    Package "package",
    /// Full class name of a component that a manifest declares.
    Component "component",
    /// Path on the phone, or the name of a file; `*` at its end stands for any rest.
    Path "path",
    /// Name of a partition.
    Partition "partition",
    /// Name of a service of init.
    Service "service",
    /// Name of a system property.
    Property "property",
    /// `5555/tcp`.
    Port "port",
    /// Registered name or a name below it; it stands for all names below it too.
    Domain "domain",
    /// IPv4 or IPv6 address.
    Ip "ip",
    /// Address with its path.
    Url "url",
    /// SHA-256 or SHA-1 of a signer's certificate.
    Certificate "certificate",
    /// SHA-256, SHA-1 or MD5 of a file.
    Hash "hash",
    /// Text in a file.
    String "string",
    /// Class in bytecode; `.*` at its end stands for all below it.
    Class "class",
    /// Mail address.
    Email "email",
    /// Name of a running program.
    Process "process",
    /// A YARA rule, by its file.
    Rule "rule",
}
