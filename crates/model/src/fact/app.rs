//! An application, as its manifest states it.

use serde::{Deserialize, Serialize};

/// The content of one `AndroidManifest.xml`. Names of components are full class names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// `package`.
    pub package: String,
    /// `versionCode`, with `versionCodeMajor` in the upper half.
    pub version_code: Option<i64>,
    /// `versionName`, resolved.
    pub version_name: Option<String>,
    /// `split`: the name of this split, `None` for a base.
    pub split: Option<String>,
    /// `android:sharedUserId`.
    pub shared_user_id: Option<String>,
    /// `original-package`.
    pub original_package: Option<String>,
    /// `minSdkVersion`.
    pub min_sdk: Option<u32>,
    /// `targetSdkVersion`; where it is missing Android takes `minSdkVersion`, and 1 where that is missing too.
    pub target_sdk: Option<u32>,
    /// `targetSandboxVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_sandbox: Option<u32>,
    /// `coreApp`.
    pub core_app: bool,
    /// The label, resolved in the default language.
    pub label: Option<String>,
    /// Class of the `Application` object.
    pub application_class: Option<String>,
    /// `android:process` of the application.
    pub process: Option<String>,
    /// Whether the manifest has an `application` element.
    pub has_application: bool,
    /// `android:debuggable`.
    pub debuggable: bool,
    /// `android:testOnly`.
    pub test_only: bool,
    /// `android:allowBackup`; `None` where not stated.
    pub allow_backup: Option<bool>,
    /// `android:hasCode`; true where not stated.
    pub has_code: bool,
    /// `android:persistent`.
    pub persistent: bool,
    /// `android:enabled` of the application; true where not stated.
    pub enabled: bool,
    /// `android:usesCleartextTraffic`; `None` where not stated (then the target SDK decides).
    pub uses_cleartext_traffic: Option<bool>,
    /// `android:networkSecurityConfig`, resolved to a path in the package.
    pub network_security_config: Option<String>,
    /// `uses-permission` and its variants.
    pub uses_permissions: Vec<UsesPermission>,
    /// `permission` elements.
    pub permissions: Vec<Permission>,
    /// Activities, aliases, services, receivers, providers.
    pub components: Vec<Component>,
    /// `library` names that it offers.
    pub libraries: Vec<String>,
    /// `uses-library` names.
    pub uses_libraries: Vec<String>,
    /// `overlay`, for runtime resource overlays.
    pub overlay: Option<Overlay>,
    /// `instrumentation` target packages.
    pub instrumentation: Vec<String>,
    /// `meta-data` of the application: name and value or resource path.
    pub meta_data: Vec<(String, String)>,
    /// `protected-broadcast` names.
    pub protected_broadcasts: Vec<String>,
}

impl App {
    /// The target SDK that Android uses: the stated one, else the minimum, else 1.
    pub fn effective_target_sdk(&self) -> u32 {
        self.target_sdk.or(self.min_sdk).unwrap_or(1)
    }
}

/// `uses-permission`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsesPermission {
    /// Its name.
    pub name: String,
    /// `maxSdkVersion`.
    pub max_sdk: Option<u32>,
}

/// `permission`: a permission that this app declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Its name.
    pub name: String,
    /// `protectionLevel` as a number (`PermissionInfo.protectionLevel`); 0, normal, where not stated.
    pub protection_level: u32,
    /// Its group.
    pub group: Option<String>,
}

/// What kind of component something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// `activity`.
    #[default]
    Activity,
    /// `activity-alias`.
    ActivityAlias,
    /// `service`.
    Service,
    /// `receiver`.
    Receiver,
    /// `provider`.
    Provider,
}

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Component {
    /// What it is.
    pub kind: ComponentKind,
    /// Full class name.
    pub name: String,
    /// `android:exported`; `None` where not stated.
    pub exported: Option<bool>,
    /// `android:enabled`; true where not stated.
    pub enabled: bool,
    /// `android:permission`, or the application's where the component states none.
    pub permission: Option<String>,
    /// `android:readPermission` of a provider.
    pub read_permission: Option<String>,
    /// `android:writePermission` of a provider.
    pub write_permission: Option<String>,
    /// `android:authorities` of a provider.
    pub authorities: Vec<String>,
    /// `android:grantUriPermissions`.
    pub grant_uri_permissions: bool,
    /// `path-permission` elements of a provider.
    pub path_permissions: Vec<PathPermission>,
    /// `android:process`.
    pub process: Option<String>,
    /// `android:targetActivity` of an alias.
    pub target_activity: Option<String>,
    /// `android:isolatedProcess`.
    pub isolated: bool,
    /// `android:singleUser`.
    pub single_user: bool,
    /// Intent filters.
    pub filters: Vec<IntentFilter>,
    /// `meta-data`: name and value or resource path.
    pub meta_data: Vec<(String, String)>,
}

impl Component {
    /// Whether others can reach it, by Android's rule: as stated; else a provider below target SDK 17 is exported, and
    /// any other component is if it has an intent filter.
    pub fn is_exported(&self, target_sdk: u32) -> bool {
        self.exported.unwrap_or(match self.kind {
            ComponentKind::Provider => target_sdk < 17,
            _ => !self.filters.is_empty(),
        })
    }
}

/// `path-permission`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPermission {
    /// The path or its pattern, as written.
    pub path: String,
    /// `readPermission` or `permission`.
    pub read: Option<String>,
    /// `writePermission` or `permission`.
    pub write: Option<String>,
}

/// `intent-filter`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentFilter {
    /// `action` names.
    pub actions: Vec<String>,
    /// `category` names.
    pub categories: Vec<String>,
    /// `data` elements.
    pub data: Vec<DataSpec>,
    /// `android:priority`.
    pub priority: i32,
}

/// `data` of an intent filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSpec {
    /// `scheme`.
    pub scheme: Option<String>,
    /// `host`.
    pub host: Option<String>,
    /// `port`.
    pub port: Option<String>,
    /// `path`, `pathPrefix` or `pathPattern`.
    pub path: Option<String>,
    /// `mimeType`.
    pub mime_type: Option<String>,
}

/// `overlay`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// `targetPackage`.
    pub target: String,
    /// `priority`.
    pub priority: i32,
    /// `isStatic`.
    pub is_static: bool,
}
