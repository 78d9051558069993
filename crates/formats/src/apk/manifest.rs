//! What `AndroidManifest.xml` says, as Android's package parser takes it.
//!
//! Source: AOSP `frameworks/base/core/java/android/content/pm/PackageParser.java` and its successor
//! `ParsingPackageUtils.java`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use model::fact::app::{
    App, Component, ComponentKind, DataSpec, IntentFilter, Overlay, PathPermission, Permission, UsesPermission,
};

use super::arsc::{Table, text_of};
use super::axml::{Document, Element, Value, reference_text};

/// The app of a manifest, and references of switches that nothing in the package resolves.
pub fn app_of(document: &Document, table: Option<&Table>) -> (App, BTreeSet<String>) {
    let manifest =
        Manifest { document, table, package: String::new(), permission: None, unresolved: RefCell::default() };
    manifest.app()
}

struct Manifest<'a> {
    document: &'a Document,
    table: Option<&'a Table>,
    package: String,
    /// The application's, for components that state none.
    permission: Option<String>,
    unresolved: RefCell<BTreeSet<String>>,
}

/// Where in the manifest an element stands: what Android looks at there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Manifest,
    Application,
    Component,
    Filter,
    /// An element whose children mean nothing here.
    Other,
}

impl Manifest<'_> {
    fn app(mut self) -> (App, BTreeSet<String>) {
        let mut app = App { has_code: true, enabled: true, ..App::default() };
        // What the elements that are open mean, outermost first.
        let mut places: Vec<Place> = Vec::new();
        // Android stops at the end of the first element.
        let elements = self.document.elements.iter().enumerate();
        for (_, element) in elements.take_while(|(n, it)| *n == 0 || it.depth != 0) {
            let depth = usize::try_from(element.depth).unwrap_or(usize::MAX);
            places.truncate(depth);
            let name = self.document.name(element);
            let place = match places.last() {
                None if name == "manifest" => {
                    self.root(element, &mut app);
                    Place::Manifest
                }
                Some(Place::Manifest) => self.in_manifest(&name, element, &mut app),
                Some(Place::Application) => self.in_application(&name, element, &mut app),
                Some(Place::Component) => self.in_component(&name, element, &mut app),
                Some(Place::Filter) => self.in_filter(&name, element, &mut app),
                None | Some(Place::Other) => Place::Other,
            };
            places.push(place);
        }
        (app, self.unresolved.into_inner())
    }

    fn root(&mut self, element: &Element, app: &mut App) {
        let document = self.document;
        app.package = document.by_name(element, "package").unwrap_or_default();
        self.package = app.package.clone();
        app.split = document.by_name(element, "split").filter(|it| !it.is_empty());
        app.target_sandbox = self.number(element, attr::TARGET_SANDBOX_VERSION);
        app.core_app = document.by_name(element, "coreApp").is_some_and(|it| is_true(&it));
        let low = self.number(element, attr::VERSION_CODE);
        let high = self.number(element, attr::VERSION_CODE_MAJOR);
        if low.is_some() || high.is_some() {
            let code = u64::from(high.unwrap_or_default()) << 32 | u64::from(low.unwrap_or_default());
            app.version_code = Some(code.cast_signed());
        }
        app.version_name = self.text(element, attr::VERSION_NAME);
        app.shared_user_id = self.text(element, attr::SHARED_USER_ID).filter(|it| !it.is_empty());
    }

    fn in_manifest(&mut self, name: &str, element: &Element, app: &mut App) -> Place {
        match name {
            // Of several applications Android takes the first.
            "application" if !app.has_application => {
                self.read_application(element, app);
                return Place::Application;
            }
            "uses-permission" | "uses-permission-sdk-23" | "uses-permission-sdk-m" => {
                if let Some(name) = self.text(element, attr::NAME) {
                    let max_sdk = self.number(element, attr::MAX_SDK_VERSION);
                    app.uses_permissions.push(UsesPermission { name, max_sdk });
                }
            }
            "permission" => {
                if let Some(name) = self.text(element, attr::NAME) {
                    let protection_level = self.number(element, attr::PROTECTION_LEVEL).unwrap_or_default();
                    let group = self.text(element, attr::PERMISSION_GROUP);
                    app.permissions.push(Permission { name, protection_level, group });
                }
            }
            "uses-sdk" => {
                app.min_sdk = self.sdk(element, attr::MIN_SDK_VERSION).or(app.min_sdk);
                app.target_sdk = self.sdk(element, attr::TARGET_SDK_VERSION).or(app.target_sdk);
            }
            "overlay" => {
                app.overlay = Some(Overlay {
                    target: self.text(element, attr::TARGET_PACKAGE).unwrap_or_default(),
                    priority: self.number(element, attr::PRIORITY).unwrap_or_default().cast_signed(),
                    is_static: self.switch(element, attr::IS_STATIC, "overlay isStatic").unwrap_or(false),
                });
            }
            "instrumentation" => app.instrumentation.extend(self.text(element, attr::TARGET_PACKAGE)),
            "original-package" => app.original_package = self.text(element, attr::NAME),
            "protected-broadcast" => app.protected_broadcasts.extend(self.text(element, attr::NAME)),
            _ => {}
        }
        Place::Other
    }

    fn read_application(&mut self, element: &Element, app: &mut App) {
        self.permission = self.text(element, attr::PERMISSION).filter(|it| !it.is_empty());
        let switch = |id, what| self.switch(element, id, what);
        app.has_application = true;
        app.label = self.text(element, attr::LABEL);
        app.application_class = self.text(element, attr::NAME).map(|it| self.class(&it));
        app.process = self.text(element, attr::PROCESS).map(|it| self.process(&it));
        app.debuggable = switch(attr::DEBUGGABLE, "application debuggable").unwrap_or(false);
        app.test_only = switch(attr::TEST_ONLY, "application testOnly").unwrap_or(false);
        app.allow_backup = switch(attr::ALLOW_BACKUP, "application allowBackup");
        app.has_code = switch(attr::HAS_CODE, "application hasCode").unwrap_or(true);
        app.persistent = switch(attr::PERSISTENT, "application persistent").unwrap_or(false);
        app.enabled = switch(attr::ENABLED, "application enabled").unwrap_or(true);
        app.uses_cleartext_traffic = switch(attr::USES_CLEARTEXT_TRAFFIC, "application usesCleartextTraffic");
        app.network_security_config = self.text(element, attr::NETWORK_SECURITY_CONFIG);
    }

    fn in_application(&self, name: &str, element: &Element, app: &mut App) -> Place {
        let kind = match name {
            "activity" => ComponentKind::Activity,
            "activity-alias" => ComponentKind::ActivityAlias,
            "service" => ComponentKind::Service,
            "receiver" => ComponentKind::Receiver,
            "provider" => ComponentKind::Provider,
            _ => {
                match name {
                    "library" => app.libraries.extend(self.text(element, attr::NAME)),
                    "uses-library" => app.uses_libraries.extend(self.text(element, attr::NAME)),
                    "meta-data" => app.meta_data.extend(self.meta_data(element)),
                    _ => {}
                }
                return Place::Other;
            }
        };
        app.components.push(self.component(kind, element));
        Place::Component
    }

    fn component(&self, kind: ComponentKind, element: &Element) -> Component {
        let name = self.text(element, attr::NAME).map(|it| self.class(&it)).unwrap_or_default();
        let switch = |id, what: &str| self.switch(element, id, &format!("{name} {what}"));
        let authorities = self.text(element, attr::AUTHORITIES).unwrap_or_default();
        Component {
            kind,
            exported: switch(attr::EXPORTED, "exported"),
            enabled: switch(attr::ENABLED, "enabled").unwrap_or(true),
            permission: self.permission_of(kind, element),
            read_permission: self.text(element, attr::READ_PERMISSION).filter(|it| !it.is_empty()),
            write_permission: self.text(element, attr::WRITE_PERMISSION).filter(|it| !it.is_empty()),
            authorities: authorities.split(';').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
            grant_uri_permissions: switch(attr::GRANT_URI_PERMISSIONS, "grantUriPermissions").unwrap_or(false),
            path_permissions: Vec::new(),
            process: self.text(element, attr::PROCESS).map(|it| self.process(&it)),
            target_activity: self.text(element, attr::TARGET_ACTIVITY).map(|it| self.class(&it)),
            isolated: switch(attr::ISOLATED_PROCESS, "isolatedProcess").unwrap_or(false),
            single_user: switch(attr::SINGLE_USER, "singleUser").unwrap_or(false),
            filters: Vec::new(),
            meta_data: Vec::new(),
            name,
        }
    }

    /// What a component states, else what the application does; an alias inherits nothing, and an empty one is none.
    fn permission_of(&self, kind: ComponentKind, element: &Element) -> Option<String> {
        match self.text(element, attr::PERMISSION) {
            Some(stated) => Some(stated).filter(|it| !it.is_empty()),
            None if kind == ComponentKind::ActivityAlias => None,
            None => self.permission.clone(),
        }
    }

    fn in_component(&self, name: &str, element: &Element, app: &mut App) -> Place {
        let Some(component) = app.components.last_mut() else { return Place::Other };
        match name {
            "intent-filter" => {
                let priority = self.number(element, attr::PRIORITY).unwrap_or_default().cast_signed();
                component.filters.push(IntentFilter { priority, ..IntentFilter::default() });
                return Place::Filter;
            }
            "meta-data" => component.meta_data.extend(self.meta_data(element)),
            "path-permission" => {
                let permission = self.text(element, attr::PERMISSION);
                component.path_permissions.push(PathPermission {
                    path: PATHS.iter().find_map(|&id| self.text(element, id)).unwrap_or_default(),
                    read: self.text(element, attr::READ_PERMISSION).or(permission.clone()),
                    write: self.text(element, attr::WRITE_PERMISSION).or(permission),
                });
            }
            _ => {}
        }
        Place::Other
    }

    fn in_filter(&self, name: &str, element: &Element, app: &mut App) -> Place {
        let Some(filter) = app.components.last_mut().and_then(|it| it.filters.last_mut()) else { return Place::Other };
        match name {
            "action" => filter.actions.extend(self.text(element, attr::NAME)),
            "category" => filter.categories.extend(self.text(element, attr::NAME)),
            "data" => {
                let mut paths = PATHS.iter().filter_map(|&id| self.text(element, id));
                filter.data.push(DataSpec {
                    scheme: self.text(element, attr::SCHEME),
                    host: self.text(element, attr::HOST),
                    port: self.text(element, attr::PORT),
                    path: paths.next(),
                    mime_type: self.text(element, attr::MIME_TYPE),
                });
                filter.data.extend(paths.map(|it| DataSpec { path: Some(it), ..DataSpec::default() }));
            }
            _ => {}
        }
        Place::Other
    }

    /// Name, and value or the path of a resource.
    fn meta_data(&self, element: &Element) -> Option<(String, String)> {
        let name = self.text(element, attr::NAME)?;
        let value = self.text(element, attr::VALUE).or_else(|| self.text(element, attr::RESOURCE));
        Some((name, value.unwrap_or_default()))
    }

    fn text(&self, element: &Element, id: u32) -> Option<String> {
        let value = self.document.by_id(element, id)?;
        text_of(value, self.document.plain_text(value), self.table)
    }

    /// The value with references followed, if they lead somewhere.
    fn value(&self, element: &Element, id: u32) -> Option<Value> {
        let value = self.document.by_id(element, id)?;
        match value.reference() {
            Some(id) => self.table.and_then(|it| it.value(id)).or(Some(value)),
            None => Some(value),
        }
    }

    /// `TypedArray.getInt`: a number, or a string that holds one.
    fn number(&self, element: &Element, id: u32) -> Option<u32> {
        let value = self.value(element, id)?;
        value.integer().or_else(|| number_of(&self.text(element, id)?))
    }

    /// A version of the SDK: a number, or the code name of a version under development.
    fn sdk(&self, element: &Element, id: u32) -> Option<u32> {
        self.number(element, id).or_else(|| {
            let text = self.text(element, id)?;
            (!text.is_empty() && !text.starts_with('@')).then_some(CUR_DEVELOPMENT)
        })
    }

    /// `TypedArray.getBoolean`. A reference that nothing here resolves is remembered: the default stands for it.
    fn switch(&self, element: &Element, id: u32, what: &str) -> Option<bool> {
        let value = self.value(element, id)?;
        if let Some(id) = value.reference() {
            self.unresolved.borrow_mut().insert(format!("{what} is {}", reference_text(id)));
            return None;
        }
        match value.integer() {
            Some(number) => Some(number != 0),
            None => self.text(element, id).filter(|it| !it.is_empty()).map(|it| is_true(&it)),
        }
    }

    /// `buildClassName`.
    fn class(&self, name: &str) -> String {
        match name {
            _ if name.starts_with('.') => format!("{}{name}", self.package),
            _ if name.contains('.') || name.starts_with('@') => name.to_owned(),
            _ => format!("{}.{name}", self.package),
        }
    }

    /// `buildCompoundName`.
    fn process(&self, name: &str) -> String {
        if name.starts_with(':') { format!("{}{name}", self.package) } else { name.to_owned() }
    }
}

/// `XmlUtils.convertValueToBoolean`.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "-1" | "true" | "TRUE")
}

/// `XmlUtils.convertValueToInt`.
fn number_of(text: &str) -> Option<u32> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { number.wrapping_neg() } else { number })
}

/// `Build.VERSION_CODES.CUR_DEVELOPMENT`.
const CUR_DEVELOPMENT: u32 = 10_000;

/// The attributes that hold a path or a pattern of one.
const PATHS: [u32; 5] =
    [attr::PATH, attr::PATH_PREFIX, attr::PATH_PATTERN, attr::PATH_ADVANCED_PATTERN, attr::PATH_SUFFIX];

/// Resource ids of attributes (`frameworks/base/core/res/res/values/public-final.xml`).
mod attr {
    pub const LABEL: u32 = 0x0101_0001;
    pub const NAME: u32 = 0x0101_0003;
    pub const PERMISSION: u32 = 0x0101_0006;
    pub const READ_PERMISSION: u32 = 0x0101_0007;
    pub const WRITE_PERMISSION: u32 = 0x0101_0008;
    pub const PROTECTION_LEVEL: u32 = 0x0101_0009;
    pub const PERMISSION_GROUP: u32 = 0x0101_000a;
    pub const SHARED_USER_ID: u32 = 0x0101_000b;
    pub const HAS_CODE: u32 = 0x0101_000c;
    pub const PERSISTENT: u32 = 0x0101_000d;
    pub const ENABLED: u32 = 0x0101_000e;
    pub const DEBUGGABLE: u32 = 0x0101_000f;
    pub const EXPORTED: u32 = 0x0101_0010;
    pub const PROCESS: u32 = 0x0101_0011;
    pub const AUTHORITIES: u32 = 0x0101_0018;
    pub const GRANT_URI_PERMISSIONS: u32 = 0x0101_001b;
    pub const PRIORITY: u32 = 0x0101_001c;
    pub const TARGET_PACKAGE: u32 = 0x0101_0021;
    pub const VALUE: u32 = 0x0101_0024;
    pub const RESOURCE: u32 = 0x0101_0025;
    pub const MIME_TYPE: u32 = 0x0101_0026;
    pub const SCHEME: u32 = 0x0101_0027;
    pub const HOST: u32 = 0x0101_0028;
    pub const PORT: u32 = 0x0101_0029;
    pub const PATH: u32 = 0x0101_002a;
    pub const PATH_PREFIX: u32 = 0x0101_002b;
    pub const PATH_PATTERN: u32 = 0x0101_002c;
    pub const TARGET_ACTIVITY: u32 = 0x0101_0202;
    pub const MIN_SDK_VERSION: u32 = 0x0101_020c;
    pub const VERSION_CODE: u32 = 0x0101_021b;
    pub const VERSION_NAME: u32 = 0x0101_021c;
    pub const TARGET_SDK_VERSION: u32 = 0x0101_0270;
    pub const TARGET_SANDBOX_VERSION: u32 = 0x0101_054c;
    pub const MAX_SDK_VERSION: u32 = 0x0101_0271;
    pub const TEST_ONLY: u32 = 0x0101_0272;
    pub const ALLOW_BACKUP: u32 = 0x0101_0280;
    pub const ISOLATED_PROCESS: u32 = 0x0101_03a9;
    pub const SINGLE_USER: u32 = 0x0101_03bf;
    pub const USES_CLEARTEXT_TRAFFIC: u32 = 0x0101_04ec;
    pub const NETWORK_SECURITY_CONFIG: u32 = 0x0101_0527;
    pub const IS_STATIC: u32 = 0x0101_055a;
    pub const VERSION_CODE_MAJOR: u32 = 0x0101_0576;
    pub const PATH_ADVANCED_PATTERN: u32 = 0x0101_0620;
    pub const PATH_SUFFIX: u32 = 0x0101_061e;
}
