//! What a layout says that code does not: handlers of clicks, fields for passwords, fragments.

use serde::{Deserialize, Serialize};

/// A layout of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Methods that `android:onClick` names, sorted.
    pub click_handlers: Vec<String>,
    /// Resource ids of text fields whose input type is a password, sorted.
    pub password_views: Vec<u32>,
    /// Classes of fragments, sorted.
    pub fragments: Vec<String>,
    /// Classes of views that are not the framework's, sorted.
    pub views: Vec<String>,
}
