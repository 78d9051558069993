//! An element of `etc/permissions/*.xml`, `etc/sysconfig/*.xml` or a sibling (AOSP `SystemConfig.java`).

use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// `permission`: its holders belong to these groups.
    PermissionGroups {
        /// The permission.
        permission: String,
        /// The groups.
        gids: Vec<String>,
    },
    /// `assign-permission`: a user id holds a permission.
    AssignPermission {
        /// The permission.
        permission: String,
        /// The user's name.
        uid: String,
    },
    /// `privapp-permissions`.
    PrivappPermissions {
        /// The package.
        package: String,
        /// `permission` elements.
        granted: Vec<String>,
        /// `deny-permission` elements.
        denied: Vec<String>,
    },
    /// `library`.
    Library {
        /// Its name.
        name: String,
        /// Its file.
        file: String,
    },
    /// `feature`.
    Feature {
        /// Its name.
        name: String,
    },
    /// Any other element (`allow-in-power-save`, `hidden-api-whitelisted-app`…) with its attributes.
    Other {
        /// The element.
        element: String,
        /// Its attributes.
        attributes: Vec<(String, String)>,
    },
    /// An element of `mac_permissions.xml`: a signer gets a `seinfo`.
    MacPermissions {
        /// SHA-256 of the certificate, in hex, or the name of a key where it was not replaced.
        signer: String,
        /// The label.
        seinfo: String,
    },
}
