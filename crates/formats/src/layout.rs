//! Layouts of apps: what they tie to code, and which fields take a password.

use std::collections::BTreeSet;

use model::fact::layout::Layout;
use model::{Artifact, Fault};

use crate::apk::axml::{Document, Element};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "layout",
    title: "layout of an app",
    spec: "https://developer.android.com/guide/topics/resources/layout-resource",
    kind: Kind::Config,
    // Binary XML anywhere in the resources: their folders may be renamed, and other kinds of XML tie nothing to code.
    matches: |artifact, head| artifact.raw_name.starts_with(b"res/") && head.starts_with(&AXML_MAGIC),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let document = Document::read(artifact.blob.bytes("bytes of a layout", LAYOUT_MAX)?);
    let mut click_handlers = BTreeSet::new();
    let mut password_views = BTreeSet::new();
    let mut fragments = BTreeSet::new();
    let mut views = BTreeSet::new();
    for element in &document.elements {
        let text = |id| document.by_id(element, id).and_then(|it| document.plain_text(it));
        let name = document.name(element);
        click_handlers.extend(text(ATTR_ON_CLICK));
        if is_password(&document, element) {
            password_views.extend(document.by_id(element, ATTR_ID).and_then(|it| it.reference()));
        }
        match name.as_str() {
            "fragment" => fragments.extend(text(ATTR_NAME).or_else(|| document.by_name(element, "class"))),
            "view" => views.extend(document.by_name(element, "class")),
            _ if name.contains('.') => _ = views.insert(name),
            _ => {}
        }
    }
    let layout = Layout {
        click_handlers: click_handlers.into_iter().collect(),
        password_views: password_views.into_iter().collect(),
        fragments: fragments.into_iter().collect(),
        views: views.into_iter().collect(),
    };
    if layout != Layout::default() {
        let row = out.row(0, artifact.blob.len(), layout);
        out.facts.layouts.push(row);
    }
    if document.exhausted() {
        out.gap("strings of the layout: more text than the bound");
    }
    document.fault.map_or(Ok(()), Err)
}

fn is_password(document: &Document, element: &Element) -> bool {
    let number = |id| document.by_id(element, id).and_then(|it| it.integer());
    let input_type = number(ATTR_INPUT_TYPE).unwrap_or(0);
    let (class, variation) = (input_type & 0xf, input_type & 0xff0);
    number(ATTR_PASSWORD).is_some_and(|it| it != 0)
        || (class == TYPE_CLASS_TEXT && TEXT_PASSWORDS.contains(&variation))
        || (class == TYPE_CLASS_NUMBER && variation == NUMBER_PASSWORD)
}

const AXML_MAGIC: [u8; 4] = [0x03, 0x00, 0x08, 0x00];

// `android.R.attr`.
const ATTR_NAME: u32 = 0x0101_0003;
const ATTR_ID: u32 = 0x0101_00d0;
const ATTR_PASSWORD: u32 = 0x0101_015c;
const ATTR_INPUT_TYPE: u32 = 0x0101_0220;
const ATTR_ON_CLICK: u32 = 0x0101_026f;

// `android.text.InputType`.
const TYPE_CLASS_TEXT: u32 = 1;
const TYPE_CLASS_NUMBER: u32 = 2;
const TEXT_PASSWORDS: [u32; 3] = [0x80, 0x90, 0xe0];
const NUMBER_PASSWORD: u32 = 0x10;

/// Layouts are some kilobytes.
const LAYOUT_MAX: u64 = 4 << 20;
